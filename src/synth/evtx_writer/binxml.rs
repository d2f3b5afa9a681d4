//! BinXML: element trees with numbered places, the values that fill them, and how both become bytes.

use super::chunk::Names;

/// Type of a place in a template. A value of another kind may still be given: each record says which kinds it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the kinds are those of the format")]
pub enum ValueType {
    Text = 0x01,
    U8 = 0x04,
    U16 = 0x06,
    U32 = 0x08,
    U64 = 0x0a,
    Bool = 0x0d,
    Binary = 0x0e,
    Guid = 0x0f,
    FileTime = 0x11,
    Sid = 0x13,
    Hex32 = 0x14,
    Hex64 = 0x15,
    TextArray = 0x81,
}

/// What fills a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing: an optional attribute or element is left out.
    Null,
    /// Text.
    Text(&'a str),
    /// Unsigned, 8 bits.
    U8(u8),
    /// Unsigned, 16 bits.
    U16(u16),
    /// Unsigned, 32 bits.
    U32(u32),
    /// Unsigned, 64 bits.
    U64(u64),
    /// Shown as `true` or `false`.
    Bool(bool),
    /// Shown as hexadecimal digits.
    Binary(&'a [u8]),
    /// A GUID in the order of its bytes on disk.
    Guid([u8; 16]),
    /// Nanoseconds since the Unix epoch.
    FileTime(i64),
    /// A security identifier as text (`S-1-5-18`); text that is none is written as text.
    Sid(&'a str),
    /// Shown as `0x1f`.
    Hex32(u32),
    /// Shown as `0x1f`.
    Hex64(u64),
    /// Several texts in one place: the element is repeated for each.
    TextArray(&'a [&'a str]),
}

impl Value<'_> {
    /// Appends the value's bytes and returns its kind's code.
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> u8 {
        match self {
            Self::Null => return 0,
            Self::Text(text) => utf16(text, out),
            Self::U8(number) => out.push(*number),
            Self::U16(number) => out.extend_from_slice(&number.to_le_bytes()),
            Self::U32(number) | Self::Hex32(number) => out.extend_from_slice(&number.to_le_bytes()),
            Self::U64(number) | Self::Hex64(number) => out.extend_from_slice(&number.to_le_bytes()),
            Self::Bool(yes) => out.extend_from_slice(&u32::from(*yes).to_le_bytes()),
            Self::Binary(bytes) => out.extend_from_slice(bytes),
            Self::Guid(bytes) => out.extend_from_slice(bytes),
            Self::FileTime(ns) => out.extend_from_slice(&super::filetime(*ns).to_le_bytes()),
            Self::Sid(text) => {
                if !sid(text, out) {
                    utf16(text, out);
                    return ValueType::Text as u8;
                }
            }
            Self::TextArray(texts) => {
                for text in *texts {
                    utf16(text, out);
                    out.extend_from_slice(&[0, 0]);
                }
            }
        }
        self.kind() as u8
    }

    fn kind(&self) -> ValueType {
        match self {
            Self::Null | Self::Text(_) => ValueType::Text,
            Self::U8(_) => ValueType::U8,
            Self::U16(_) => ValueType::U16,
            Self::U32(_) => ValueType::U32,
            Self::U64(_) => ValueType::U64,
            Self::Bool(_) => ValueType::Bool,
            Self::Binary(_) => ValueType::Binary,
            Self::Guid(_) => ValueType::Guid,
            Self::FileTime(_) => ValueType::FileTime,
            Self::Sid(_) => ValueType::Sid,
            Self::Hex32(_) => ValueType::Hex32,
            Self::Hex64(_) => ValueType::Hex64,
            Self::TextArray(_) => ValueType::TextArray,
        }
    }
}

fn utf16(text: &str, out: &mut Vec<u8>) {
    for unit in text.encode_utf16() {
        out.extend_from_slice(&unit.to_le_bytes());
    }
}

/// Revision, number of parts, authority (big-endian, 48 bits), parts.
fn sid(text: &str, out: &mut Vec<u8>) -> bool {
    let mut numbers = text.strip_prefix("S-1-").unwrap_or("").split('-').map(str::parse::<u64>);
    let Some(Ok(authority)) = numbers.next() else { return false };
    let Ok(parts) = numbers.map(|part| part.map(|part| part as u32)).collect::<Result<Vec<_>, _>>() else { return false };
    if parts.len() > 15 {
        return false;
    }
    out.extend_from_slice(&[1, parts.len() as u8]);
    out.extend_from_slice(&authority.to_be_bytes()[2..]);
    for part in parts {
        out.extend_from_slice(&part.to_le_bytes());
    }
    true
}

/// What an element holds, or what an attribute is.
#[derive(Clone, Debug)]
pub enum Node {
    /// An element within.
    Element(Element),
    /// Fixed text.
    Text(String),
    /// Place number `.0`, of kind `.1`, always shown.
    Place(u16, ValueType),
    /// Place number `.0`, of kind `.1`, left out with its attribute or element when the value is [`Value::Null`].
    Optional(u16, ValueType),
}

/// An element of a template's tree.
#[derive(Clone, Debug)]
pub struct Element {
    name: String,
    attributes: Vec<(String, Node)>,
    children: Vec<Node>,
}

/// An element without attributes or content.
#[must_use]
pub fn element(name: &str) -> Element {
    Element { name: name.into(), attributes: Vec::new(), children: Vec::new() }
}

impl Element {
    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: Node) -> Self {
        self.attributes.push((name.into(), value));
        self
    }

    /// Adds content.
    #[must_use]
    pub fn with(mut self, child: Node) -> Self {
        self.children.push(child);
        self
    }

    /// The place on which the element stands or falls: its only content, when that is optional and no attribute stands.
    fn dependency(&self) -> u16 {
        match (self.attributes.is_empty(), self.children.as_slice()) {
            (true, [Node::Optional(place, _)]) => *place,
            _ => u16::MAX,
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>, names: &mut Names) {
        let more = if self.attributes.is_empty() { 0 } else { 0x40 };
        out.push(0x01 | more);
        out.extend_from_slice(&self.dependency().to_le_bytes());
        let size = reserve(out);
        names.refer(&self.name, out);
        if !self.attributes.is_empty() {
            let list = reserve(out);
            for (index, (name, value)) in self.attributes.iter().enumerate() {
                out.push(if index + 1 < self.attributes.len() { 0x46 } else { 0x06 });
                names.refer(name, out);
                value.encode(out, names);
            }
            settle(out, list);
        }
        if self.children.is_empty() {
            out.push(0x03);
        } else {
            out.push(0x02);
            for child in &self.children {
                child.encode(out, names);
            }
            out.push(0x04);
        }
        settle(out, size);
    }
}

impl Node {
    fn encode(&self, out: &mut Vec<u8>, names: &mut Names) {
        match self {
            Self::Element(element) => element.encode(out, names),
            Self::Text(text) => {
                out.extend_from_slice(&[0x05, ValueType::Text as u8]);
                out.extend_from_slice(&(text.encode_utf16().count() as u16).to_le_bytes());
                utf16(text, out);
            }
            Self::Place(place, kind) | Self::Optional(place, kind) => {
                out.push(if matches!(self, Self::Optional(..)) { 0x0e } else { 0x0d });
                out.extend_from_slice(&place.to_le_bytes());
                out.push(*kind as u8);
            }
        }
    }
}

/// Leaves room for a length and returns where it stands.
pub(super) fn reserve(out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(&[0; 4]);
    out.len()
}

/// Fills in the length of what was written since [`reserve`].
pub(super) fn settle(out: &mut [u8], start: usize) {
    let length = (out.len() - start) as u32;
    out[start - 4..start].copy_from_slice(&length.to_le_bytes());
}

/// The shape of an event. Its identity is a GUID made from the tree, so that the same tree has the same identity in every file.
#[derive(Clone, Debug)]
pub struct Template {
    pub(super) root: Element,
    pub(super) guid: [u8; 16],
}

impl Template {
    /// Makes a template from its tree.
    #[must_use]
    pub fn new(root: Element) -> Self {
        let text = format!("{root:?}");
        let mut state = [0x6c62_272e_07bb_0142_u64, 0x62b8_2175_6295_c58d];
        for byte in text.bytes() {
            state[0] = (state[0] ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            state[1] = (state[1] ^ state[0]).rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        let mut guid = [0; 16];
        guid[..8].copy_from_slice(&(state[0] ^ (state[0] >> 31)).to_le_bytes());
        guid[8..].copy_from_slice(&state[1].to_le_bytes());
        Self { root, guid }
    }

    /// The first four bytes of the identity, by which a chunk's table finds it.
    pub(super) fn id(&self) -> u32 {
        u32::from_le_bytes([self.guid[0], self.guid[1], self.guid[2], self.guid[3]])
    }
}

/// The hash by which a chunk's table finds a name: 65599 times what came before, plus the UTF-16 unit, cut to 16 bits.
#[must_use]
pub fn name_hash(name: &str) -> u16 {
    name.encode_utf16().fold(0u32, |hash, unit| hash.wrapping_mul(65599).wrapping_add(u32::from(unit))) as u16
}
