use super::*;
use std::io::Cursor;

fn note() -> Template {
    let data = element("Data").attribute("Name", Node::Text("Word".into())).with(Node::Place(1, ValueType::Text));
    Template::new(element("Event").with(Node::Element(element("EventRecordID").with(Node::Place(0, ValueType::U64)))).with(Node::Element(data)))
}

fn log(records: u64, word: &str) -> Vec<u8> {
    let template = note();
    let mut writer = EvtxWriter::new(Cursor::new(Vec::new())).expect("memory");
    for id in 1..=records {
        writer.record(id, 1_000_000_000 * id as i64, &template, &[Value::U64(id), Value::Text(word)]).expect("fits");
    }
    writer.finish().expect("memory").into_inner()
}

#[test]
fn names_hash_as_windows_hashes_them() {
    // Read from logs that Windows wrote.
    for (name, hash) in
        [("Event", 0x0cba), ("xmlns", 0x0fbc), ("System", 0x546f), ("Provider", 0x7bf1), ("Guid", 0x1529), ("Qualifiers", 0xda29), ("EventData", 0x8244)]
    {
        assert_eq!(name_hash(name), hash, "{name}");
    }
}

#[test]
fn a_filetime_counts_100_ns_from_1601() {
    assert_eq!(filetime(0), 116_444_736_000_000_000);
    assert_eq!(filetime(1_600_365_438_123_456_700), 132_448_390_381_234_567);
    assert_eq!(filetime(i64::MIN), 24_211_015_631_452_241);
}

#[test]
fn values_have_their_bytes() {
    let mut bytes = Vec::new();
    assert_eq!(Value::Sid("S-1-5-21-1-2-3-500").encode(&mut bytes), 0x13);
    assert_eq!(bytes, [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 244, 1, 0, 0]);
    bytes.clear();
    assert_eq!(Value::Sid("nobody").encode(&mut bytes), 0x01);
    assert_eq!(bytes.len(), 12);
    bytes.clear();
    assert_eq!(Value::TextArray(&["a", "b"]).encode(&mut bytes), 0x81);
    assert_eq!(bytes, [97, 0, 0, 0, 98, 0, 0, 0]);
}

#[test]
fn headers_and_chunks_carry_their_checksums() {
    let bytes = log(3000, "a word that fills the chunk sooner");
    assert_eq!(&bytes[..8], b"ElfFile\0");
    assert_eq!(u32::from_le_bytes(bytes[124..128].try_into().expect("4")), crc32fast::hash(&bytes[..120]));
    assert_eq!(u64::from_le_bytes(bytes[24..32].try_into().expect("8")), 3001);
    let chunks = usize::from(u16::from_le_bytes(bytes[42..44].try_into().expect("2")));
    assert!(chunks > 3);
    assert_eq!(bytes.len(), HEADER_BLOCK + chunks * CHUNK_SIZE);
    let mut next = 1;
    for chunk in bytes[HEADER_BLOCK..].chunks(CHUNK_SIZE) {
        let word = |at: usize| u32::from_le_bytes(chunk[at..at + 4].try_into().expect("4"));
        let long = |at: usize| u64::from_le_bytes(chunk[at..at + 8].try_into().expect("8"));
        assert_eq!(&chunk[..8], b"ElfChnk\0");
        assert_eq!((long(8), long(24)), (next, next));
        next = long(16) + 1;
        let free = word(48) as usize;
        assert_eq!(word(52), crc32fast::hash(&chunk[512..free]));
        assert_eq!(word(124), crc32fast::hash(&[&chunk[..120], &chunk[128..512]].concat()));
        let last = word(44) as usize;
        assert_eq!(last + word(last + 4) as usize, free, "the last record ends where the free space begins");
    }
    assert_eq!(next, 3001);
}

#[test]
fn a_name_is_found_through_its_bucket() {
    let bytes = log(1, "word");
    let chunk = &bytes[HEADER_BLOCK..];
    for name in ["Event", "EventRecordID", "Data", "Name"] {
        let mut offset = u32::from_le_bytes(chunk[128 + 4 * (name_hash(name) as usize % 64)..][..4].try_into().expect("4")) as usize;
        let mut found = false;
        while offset != 0 && !found {
            let units: Vec<u16> = chunk[offset + 8..].chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]])).take_while(|unit| *unit != 0).collect();
            found = String::from_utf16_lossy(&units) == name;
            offset = u32::from_le_bytes(chunk[offset..offset + 4].try_into().expect("4")) as usize;
        }
        assert!(found, "{name}");
    }
}

#[test]
fn a_record_that_never_fits_is_refused_and_the_log_goes_on() {
    let template = note();
    let mut writer = EvtxWriter::new(Cursor::new(Vec::new())).expect("memory");
    writer.record(1, 0, &template, &[Value::U64(1), Value::Text("fits")]).expect("fits");
    let long = "x".repeat(40_000);
    assert!(writer.record(2, 0, &template, &[Value::U64(2), Value::Text(&long)]).is_err());
    writer.record(3, 0, &template, &[Value::U64(3), Value::Text("fits")]).expect("fits");
    assert!(writer.finish().is_ok());
}
