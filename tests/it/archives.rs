//! Archives: members are read in place, each a source of its own; what cannot be read is in the ledger.

use crate::ingest::Memory;
use crate::support::estate;
use residue::control::Control;
use residue::domain::{Ledger, SourceStatus};
use residue::ingest::{Options, ingest};
use std::io::Write;
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;

const TABLE: &str = "datetime,computer,message\n2021-03-04T05:06:07Z,WS1,one\n2021-03-04T05:06:08Z,WS1,two\n";

/// Reads `path`; ledger rows by name, and the number of events kept of each.
fn read(path: &Path) -> Vec<(Ledger, usize)> {
    let sink = Memory::default();
    let rows = ingest(&[path.to_path_buf()], &sink, &Options::default(), &Control::silent()).unwrap();
    let kept = sink.kept.lock().unwrap();
    rows.into_iter().map(|row| (kept.get(&row.source_file).map_or(0, Vec::len), row)).map(|(kept, row)| (row, kept)).collect()
}

fn row<'a>(rows: &'a [(Ledger, usize)], name: &str) -> &'a (Ledger, usize) {
    rows.iter()
        .find(|(row, _)| row.source_file == name)
        .unwrap_or_else(|| panic!("{name} is not among {:?}", rows.iter().map(|(row, _)| &row.source_file).collect::<Vec<_>>()))
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn case(files: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    std::fs::create_dir(&case).unwrap();
    for (name, bytes) in files {
        std::fs::write(case.join(name), bytes).unwrap();
    }
    (dir, case)
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[test]
fn members_of_every_kind_of_archive_are_read_as_files_are() {
    let log = std::fs::read_dir(&estate().evtx).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_file()).unwrap();
    let evtx = std::fs::read(&log).unwrap();
    let plain = read(&log);
    let zip = zipped(&[("C\\Windows\\winevt\\Security.evtx", &evtx), ("timeline.csv", TABLE.as_bytes()), ("notes.txt", b"words, no table"), ("folder/", b"")]);
    // What has no ending that says so is told by content all the same.
    let (_dir, case) = case(&[
        ("kape", zip.clone()),
        ("t.csv.gz", gzipped(&[TABLE, "2021-03-04T05:06:09Z,WS1,gz\n"].concat().into_bytes())),
        ("u.csv.zst", zstandard(&[TABLE, "2021-03-04T05:06:09Z,WS1,zst\n"].concat().into_bytes())),
    ]);
    let rows = read(&case);
    let (log, kept) = row(&rows, "case/kape!/C/Windows/winevt/Security.evtx");
    assert_eq!((log.format.as_str(), log.status, log.events, *kept), ("EVTX", SourceStatus::Whole, plain[0].0.events, plain[0].1));
    assert_eq!((log.sha256.as_str(), log.bytes), (sha256(&evtx).as_str(), evtx.len() as u64));
    assert!(log.path.ends_with("case/kape!/C/Windows/winevt/Security.evtx"));
    let (archive, _) = row(&rows, "case/kape");
    assert_eq!((archive.format.as_str(), archive.status, archive.events, archive.sha256.clone()), ("ZIP archive", SourceStatus::Whole, 0, sha256(&zip)));
    assert!(archive.is_archive() && !archive.is_timeline());
    assert_eq!(row(&rows, "case/kape!/notes.txt").0.status, SourceStatus::NotEvidence);
    assert_eq!(row(&rows, "case/kape!/notes.txt").0.sha256, sha256(b"words, no table"));
    for (name, events) in [("case/kape!/timeline.csv", 2), ("case/t.csv.gz!/t.csv", 3), ("case/u.csv.zst!/u.csv", 3)] {
        let (table, kept) = row(&rows, name);
        assert_eq!(
            (table.format.as_str(), table.status, table.events, *kept),
            ("CSV", SourceStatus::Whole, events, events as usize),
            "{name}: {:?}",
            table.entries
        );
    }
    assert_eq!(rows.len(), 8);
    // A record of a member is shown as XML again.
    let sink = Memory::default();
    ingest(&[case.join("kape")], &sink, &Options::default(), &Control::silent()).unwrap();
    let offset = sink.kept.lock().unwrap().values().flatten().find_map(|event| event.offset.filter(|_| event.fields.contains("\"System\""))).unwrap();
    let xml = residue::ingest::raw_xml(log, offset, &Control::silent()).unwrap();
    assert!(xml.contains("<Event"), "{xml}");
    let gone = residue::domain::Ledger { path: case.join("kape!/nothing").display().to_string(), ..Default::default() };
    assert!(residue::ingest::raw_xml(&gone, 0, &Control::silent()).is_err());
}

#[test]
fn the_same_bytes_in_an_archive_and_beside_it_are_read_once() {
    let (_dir, case) = case(&[("a.csv", TABLE.into()), ("b.zip", zipped(&[("x.csv", TABLE.as_bytes())])), ("c.csv.gz", gzipped(TABLE.as_bytes()))]);
    let rows = read(&case);
    assert_eq!(row(&rows, "case/a.csv").0.status, SourceStatus::Whole);
    for name in ["case/b.zip!/x.csv", "case/c.csv.gz!/c.csv"] {
        let (copy, kept) = row(&rows, name);
        assert_eq!((copy.status, copy.duplicate_of.as_deref(), *kept), (SourceStatus::Duplicate, Some("case/a.csv"), 0), "{name}");
    }
}

#[test]
fn archives_in_archives_are_opened_once() {
    let inner = zipped(&[("t.csv", TABLE.as_bytes()), ("u.csv.gz", &gzipped(TABLE.replace("one", "1").as_bytes()))]);
    let (_dir, case) = case(&[("outer.zip", zipped(&[("inner.zip", &inner)]))]);
    let rows = read(&case);
    assert_eq!(row(&rows, "case/outer.zip!/inner.zip!/t.csv").1, 2);
    assert_eq!(row(&rows, "case/outer.zip!/inner.zip").0.sha256, sha256(&inner));
    let (third, _) = row(&rows, "case/outer.zip!/inner.zip!/u.csv.gz");
    assert_eq!(third.status, SourceStatus::Unreadable);
    assert!(third.entries[0].what.contains("an archive in an archive in an archive"), "{:?}", third.entries);
}

#[test]
fn damage_costs_what_it_damages() {
    let rows_in = |n: usize| -> String {
        (0..n).fold(String::from("datetime,computer,message\n"), |text, at| text + &format!("2021-03-04T05:06:07Z,WS1,row {at} {}\n", at * 7919 % 1000))
    };
    let text = rows_in(20_000);
    // One bit of stored data flipped: the checksum says so, the rows are there.
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("t.csv", SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored)).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    let mut stored = zip.finish().unwrap().into_inner();
    let at = stored.windows(7).position(|window| window == b"row 500").unwrap();
    stored[at + 4] = b'9';
    let mut cut = gzipped(text.as_bytes());
    cut.truncate(cut.len() / 2);
    let mut broken = zipped(&[("t.csv", TABLE.as_bytes())]);
    broken.truncate(broken.len() - 30);
    let (_dir, case) = case(&[("bad-crc.zip", stored), ("cut.csv.gz", cut), ("broken.zip", broken), ("no.zip", b"PK\x03\x04 and then nothing".to_vec())]);
    let rows = read(&case);
    let (table, kept) = row(&rows, "case/bad-crc.zip!/t.csv");
    assert_eq!((table.status, table.records_ok, *kept), (SourceStatus::Partial, 20_000, 20_000), "{:?}", table.entries);
    assert!(table.entries[0].what.contains("damaged in the archive"), "{:?}", table.entries);
    let (table, kept) = row(&rows, "case/cut.csv.gz!/cut.csv");
    assert_eq!(table.status, SourceStatus::Partial);
    assert!(*kept > 1000 && *kept < 20_000, "{kept}");
    for name in ["case/broken.zip", "case/no.zip"] {
        let (archive, _) = row(&rows, name);
        assert_eq!(archive.status, SourceStatus::Unreadable, "{name}");
        assert!(archive.entries[0].what.contains("not a ZIP archive that can be read"), "{:?}", archive.entries);
    }
}

#[test]
fn hostile_archives_end_in_the_ledger() {
    // 1.1 GB of one row again and again, in many parts: a hundred times what is free for what it takes packed.
    let part = gzipped(&b"2021-03-04T05:06:07Z,xxxxxxxxxxxxxx\n".repeat(30_000));
    let bomb = [gzipped(b"datetime,message\n"), part.repeat(1100)].concat();
    // One that states 4 GB beforehand.
    let mut stated = zipped(&[("bomb.csv", TABLE.as_bytes())]);
    let directory = stated.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    stated[directory + 24..directory + 28].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    let mut encrypted = zipped(&[("secret.csv", TABLE.as_bytes())]);
    // The flag of encryption, in the local header and in the directory.
    encrypted[6] |= 1;
    let directory = encrypted.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    encrypted[directory + 8] |= 1;
    let climbing = zipped(&[("../../etc/passwd.csv", TABLE.as_bytes()), ("a\u{1b}[31m.csv", TABLE.replace("one", "1").as_bytes())]);
    let docx = zipped(&[("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")]);
    let (dir, case) = case(&[("bomb.csv.gz", bomb), ("stated.zip", stated), ("encrypted.zip", encrypted), ("climbing.zip", climbing), ("letter.docx", docx)]);
    let rows = read(&case);
    let (bomb, kept) = row(&rows, "case/stated.zip!/bomb.csv");
    assert_eq!((bomb.status, *kept), (SourceStatus::Unreadable, 0));
    assert!(bomb.entries[0].what.contains("200 times"), "{:?}", bomb.entries);
    let (bomb, _) = row(&rows, "case/bomb.csv.gz!/bomb.csv");
    assert_eq!(bomb.status, SourceStatus::Unreadable, "{:?}", bomb.entries);
    assert!(bomb.entries[0].what.contains("200 times"), "{:?}", bomb.entries);
    let (secret, _) = row(&rows, "case/encrypted.zip!/secret.csv");
    assert_eq!(secret.status, SourceStatus::Unreadable);
    assert!(secret.entries[0].what.contains("encrypted"), "{:?}", secret.entries);
    let (climbing, kept) = row(&rows, "case/climbing.zip!/../../etc/passwd.csv");
    assert_eq!((climbing.status, *kept), (SourceStatus::Whole, 2));
    assert!(climbing.entries[0].what.contains("leads out of the archive"), "{:?}", climbing.entries);
    assert_eq!(row(&rows, "case/climbing.zip!/a\\u{1b}[31m.csv").1, 2);
    assert_eq!(rows.iter().filter(|(row, _)| row.source_file.contains("letter")).count(), 1, "a document is not unpacked");
    // Nothing was written but what lay there.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(&case).unwrap().count(), 5);
}

#[test]
fn any_bytes_behind_a_magic_number_are_read_without_a_panic() {
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};
    let good = [
        zipped(&[("t.csv", TABLE.repeat(50).as_bytes()), ("u.csv", TABLE.as_bytes())]),
        gzipped(TABLE.repeat(50).as_bytes()),
        zstandard(TABLE.repeat(50).as_bytes()),
    ];
    for seed in 0..150u64 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut bytes = good[seed as usize % 3].clone();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(4..bytes.len());
            bytes[at] = random.random_range(0..=255);
        }
        if random.random_bool(0.3) {
            bytes.truncate(random.random_range(4..bytes.len()));
        }
        let (_dir, case) = case(&[("evidence", bytes)]);
        for (row, kept) in read(&case) {
            assert_eq!(row.events, kept as u64, "seed {seed}");
        }
    }
}
