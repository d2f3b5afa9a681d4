//! Damaged and hostile tables: nothing panics, nothing is lost in silence.

use super::read_bytes;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use residue::domain::SourceStatus;
use residue::ingest::Options;

const L2T: &str = "date,time,timezone,MACB,source,sourcetype,type,user,host,short,desc,version,filename,inode,notes,format,extra\n";

/// A row of random length and content.
fn noise(random: &mut impl Rng, alphabet: &[u8]) -> Vec<u8> {
    let length = random.random_range(1..60);
    (0..length).map(|_| alphabet[random.random_range(0..alphabet.len())]).collect()
}

#[test]
fn rows_in_are_events_and_ledgered_rows_where_a_line_is_a_row() {
    for seed in 0..40 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut bytes = L2T.as_bytes().to_vec();
        let mut rows = 0;
        for _ in 0..200 {
            let row = if random.random_bool(0.5) {
                b"04/03/1999,14:08:00,UTC,M...,FILE,NTFS file stat,x,-,-,s,a \"quoted\" word,2,OS:/f,-,-,mft,-".to_vec()
            } else {
                noise(&mut random, b"a,\"|/0:\xe9\xff\\ ")
            };
            rows += u64::from(row.iter().any(|byte| !byte.is_ascii_whitespace()));
            bytes.extend(row);
            bytes.extend(if random.random_bool(0.5) { &b"\r\n"[..] } else { b"\n" });
        }
        let (row, _) = read_bytes(&bytes, &Options::default());
        assert_eq!(row.format, "plaso l2tcsv");
        assert_eq!(row.records_ok + row.records_joined + row.records_bad, rows, "seed {seed}");
        assert_eq!(row.records_bad, row.defects, "seed {seed}");
    }
}

#[test]
fn any_bytes_behind_any_header_are_read_without_a_panic() {
    let headers = [
        "Timestamp,RuleTitle,Level,Computer,Channel,EventID,RecordID,Details\n",
        "Date,Size,Type,Mode,UID,GID,Meta,File Name\n",
        "UtcTime,EventID,ProcessGuid,Image,CommandLine\n",
        "RecordNumber,EventRecordId,TimeCreated,EventId,Channel,Payload,PayloadData1\n",
        "EntryNumber,ParentPath,FileName,Created0x10,Created0x30,LastModified0x10\n",
        "0|$MFTMirr|1|0001|0|0|4096|1083600301.234375|1083600301|1083600301|1083600301\n",
        "1556717222|FILE|WS1|bob|2019; made; x\n",
        "{\"Timestamp\":\"2020-01-01\",\"RuleTitle\":\"x\",\"Level\":\"high\",\"Computer\":\"c\",\"Channel\":\"Sec\",\"EventID\":1}\n",
        "{\"@timestamp\":\"2020-01-01T00:00:00Z\",\"winlog\":{}}\n",
        "{\"Event\":{\"System\":{}}}\n",
        "[{\"group\":\"g\",\"kind\":\"k\",\"document\":{},\"name\":\"n\",\"timestamp\":\"2020-01-01\"},\n",
        "<Events><Event xmlns='x'><System><EventID>1</EventID></System></Event>\n",
    ];
    for seed in 0..80 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let header = headers[seed as usize % headers.len()];
        let mut bytes = header.as_bytes().to_vec();
        for _ in 0..300 {
            bytes.extend(noise(&mut random, b"a,\"|{}:[]2020-01 \t\r\n\xe9\\;%</>&"));
            bytes.push(b'\n');
        }
        let (row, _) = read_bytes(&bytes, &Options::default());
        assert_ne!(row.status, SourceStatus::NotEvidence, "{header}");
        assert!(!row.entries.iter().any(|entry| entry.what.contains("failed inside")), "{header}: {:?}", row.entries);
    }
}

#[test]
fn a_quote_that_is_never_closed_costs_its_row_alone() {
    let mut text = String::from("Date,Size,Type,Mode,UID,GID,Meta,File Name\n");
    for at in 0..1000 {
        let name = if at == 500 { "\"open" } else { "\"/closed\"" };
        text.push_str(&format!("Mon May 03 2004 16:17:40,1,m...,0,0,0,{at},{name}\n"));
    }
    // The next line's quote closes it: that record has too many cells for one row, but it is kept.
    let (row, events) = read_bytes(text.as_bytes(), &Options::default());
    assert_eq!((row.records_ok, row.records_bad), (999, 0));
    assert!(events.iter().any(|event| event.message.contains("open")));
    text.push_str("Mon May 03 2004 16:17:40,1,m...,0,0,0,x,\"never\nMon May 03 2004 16:17:40,1,m...,0,0,0,y,/last\n");
    let (row, events) = read_bytes(text.as_bytes(), &Options::default());
    assert_eq!((row.records_ok, row.records_bad, row.status), (1000, 1, SourceStatus::Partial));
    assert_eq!(events.last().unwrap().image.as_deref(), Some("/last"));
}

#[test]
fn a_line_of_100_mb_is_passed_over_and_the_rest_is_read() {
    let mut bytes = L2T.as_bytes().to_vec();
    let good = b"04/03/1999,14:08:00,UTC,M...,FILE,NTFS file stat,x,-,-,s,d,2,OS:/f,-,-,mft,-\n";
    bytes.extend(good);
    bytes.resize(bytes.len() + 100_000_000, b'x');
    bytes.push(b'\n');
    bytes.extend(good);
    let (row, events) = read_bytes(&bytes, &Options::default());
    assert_eq!((row.records_ok, row.records_bad, events.len()), (2, 1, 2));
    assert!(row.entries[0].what.contains("100000001 bytes"), "{:?}", row.entries);
    assert_eq!(events[1].record, 3);
}
