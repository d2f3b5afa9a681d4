//! One 64 KiB chunk: its records, and the tables of names and templates they share.

use super::binxml::{Template, Value, name_hash, reserve, settle};
use std::collections::HashMap;

pub(super) const CHUNK_SIZE: usize = 65536;
const HEADER_SIZE: usize = 512;
const NAME_BUCKETS: usize = 64;
const TEMPLATE_BUCKETS: usize = 32;

/// The names of a chunk, each stored where it is first used; later uses refer to that offset.
#[derive(Default)]
pub(super) struct Names {
    offsets: HashMap<Box<str>, u32>,
    buckets: Vec<u32>,
}

impl Names {
    /// Writes a reference to the name, and the name itself at its first use.
    pub(super) fn refer(&mut self, name: &str, out: &mut Vec<u8>) {
        if let Some(offset) = self.offsets.get(name) {
            out.extend_from_slice(&offset.to_le_bytes());
            return;
        }
        let offset = (out.len() + 4) as u32;
        let hash = name_hash(name);
        let bucket = &mut self.buckets[hash as usize % NAME_BUCKETS];
        out.extend_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(&bucket.to_le_bytes());
        out.extend_from_slice(&hash.to_le_bytes());
        out.extend_from_slice(&(name.encode_utf16().count() as u16).to_le_bytes());
        for unit in name.encode_utf16() {
            out.extend_from_slice(&unit.to_le_bytes());
        }
        out.extend_from_slice(&[0, 0]);
        *bucket = offset;
        self.offsets.insert(name.into(), offset);
    }
}

/// A chunk being filled.
pub(super) struct Chunk {
    bytes: Vec<u8>,
    names: Names,
    templates: HashMap<[u8; 16], u32>,
    template_buckets: Vec<u32>,
    first_id: u64,
    last_id: u64,
    last_offset: u32,
    /// Scratch for one record's values.
    values: Vec<u8>,
}

impl Chunk {
    pub(super) fn new() -> Self {
        let mut chunk = Self {
            bytes: Vec::with_capacity(2 * CHUNK_SIZE),
            names: Names::default(),
            templates: HashMap::new(),
            template_buckets: Vec::new(),
            first_id: 0,
            last_id: 0,
            last_offset: 0,
            values: Vec::new(),
        };
        chunk.clear();
        chunk
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.resize(HEADER_SIZE, 0);
        self.names = Names { offsets: HashMap::new(), buckets: vec![0; NAME_BUCKETS] };
        self.templates.clear();
        self.template_buckets = vec![0; TEMPLATE_BUCKETS];
        (self.first_id, self.last_id, self.last_offset) = (0, 0, 0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER_SIZE
    }

    /// Appends a record, or leaves the chunk's bytes and tables as they were and says no when it does not fit.
    pub(super) fn push(&mut self, id: u64, filetime: u64, template: &Template, values: &[Value<'_>]) -> bool {
        let start = self.bytes.len();
        let tables = (self.names.buckets.clone(), self.template_buckets.clone());
        let sizes_fit = self.encode(id, filetime, template, values);
        if !sizes_fit || self.bytes.len() > CHUNK_SIZE {
            self.bytes.truncate(start);
            (self.names.buckets, self.template_buckets) = tables;
            self.names.offsets.retain(|_, offset| (*offset as usize) < start);
            self.templates.retain(|_, offset| (*offset as usize) < start);
            return false;
        }
        if start == HEADER_SIZE {
            self.first_id = id;
        }
        self.last_id = id;
        self.last_offset = start as u32;
        true
    }

    fn encode(&mut self, id: u64, filetime: u64, template: &Template, values: &[Value<'_>]) -> bool {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&0x0000_2a2a_u32.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&id.to_le_bytes());
        self.bytes.extend_from_slice(&filetime.to_le_bytes());
        self.bytes.extend_from_slice(&[0x0f, 1, 1, 0, 0x0c, 1]);
        self.refer(template);
        self.bytes.extend_from_slice(&(values.len() as u32).to_le_bytes());
        self.values.clear();
        for value in values {
            let before = self.values.len();
            let kind = value.encode(&mut self.values);
            let Ok(size) = u16::try_from(self.values.len() - before) else { return false };
            self.bytes.extend_from_slice(&size.to_le_bytes());
            self.bytes.extend_from_slice(&[kind, 0]);
        }
        self.bytes.extend_from_slice(&self.values);
        self.bytes.push(0);
        // Windows pads records to eight bytes.
        let size = (self.bytes.len() - start + 4).next_multiple_of(8);
        self.bytes.resize(start + size - 4, 0);
        self.bytes.extend_from_slice(&(size as u32).to_le_bytes());
        self.bytes[start + 4..start + 8].copy_from_slice(&(size as u32).to_le_bytes());
        true
    }

    /// Writes a reference to the template, and the template itself at its first use.
    fn refer(&mut self, template: &Template) {
        self.bytes.extend_from_slice(&template.id().to_le_bytes());
        if let Some(offset) = self.templates.get(&template.guid) {
            self.bytes.extend_from_slice(&offset.to_le_bytes());
            return;
        }
        let offset = (self.bytes.len() + 4) as u32;
        let bucket = &mut self.template_buckets[template.id() as usize % TEMPLATE_BUCKETS];
        self.bytes.extend_from_slice(&offset.to_le_bytes());
        self.bytes.extend_from_slice(&bucket.to_le_bytes());
        *bucket = offset;
        self.bytes.extend_from_slice(&template.guid);
        let size = reserve(&mut self.bytes);
        self.bytes.extend_from_slice(&[0x0f, 1, 1, 0]);
        template.root.encode(&mut self.bytes, &mut self.names);
        self.bytes.push(0);
        settle(&mut self.bytes, size);
        self.templates.insert(template.guid, offset);
    }

    /// Fills in the header and its checksums, and hands out the whole chunk.
    pub(super) fn seal(&mut self) -> &[u8] {
        let free = self.bytes.len();
        let records = crc32fast::hash(&self.bytes[HEADER_SIZE..]);
        self.bytes.resize(CHUNK_SIZE, 0);
        let mut header = Vec::with_capacity(HEADER_SIZE);
        header.extend_from_slice(b"ElfChnk\0");
        // An empty chunk says so by a first record of 1 and a last of 0, as wevtutil writes it.
        let (first, last) = if free == HEADER_SIZE { (1, u64::MAX) } else { (self.first_id, self.last_id) };
        for number in [first, last, first, last] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        for number in [128, self.last_offset, free as u32, records] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        header.resize(128, 0);
        for offset in self.names.buckets.iter().chain(&self.template_buckets) {
            header.extend_from_slice(&offset.to_le_bytes());
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&header[..120]);
        hasher.update(&header[128..]);
        header[124..128].copy_from_slice(&hasher.finalize().to_le_bytes());
        self.bytes[..HEADER_SIZE].copy_from_slice(&header);
        &self.bytes
    }
}
