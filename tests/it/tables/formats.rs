//! One small sample of each format, in our own words, in `tests/data`.

use super::{field, read};
use residue::domain::{Event, time};
use std::path::PathBuf;

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn at(event: &Event) -> String {
    event.time.map(time::iso).unwrap_or_default()
}

#[test]
fn l2tcsv_has_no_quoting_and_rows_with_quotes_are_read_again() {
    let (row, events) = read(&sample("l2tcsv.csv"));
    assert_eq!((row.format.as_str(), row.records_ok, row.records_bad, row.no_time), ("plaso l2tcsv", 5, 1, 1));
    assert_eq!((at(&events[0]).as_str(), events[0].time_text.as_deref()), ("2021-03-04T05:06:07.0000000+00:00", None));
    assert_eq!(events[0].image.as_deref(), Some("\\Users\\bob\\a \"b\".txt"));
    assert_eq!((events[0].channel.as_deref(), events[0].provider.as_deref(), events[0].record_id), (Some("NTFS file stat"), Some("mft"), None));
    assert_eq!((events[1].time, events[1].time_text.as_deref()), (None, Some("00/00/0000 --:--:--")));
    assert_eq!((events[2].event_id, events[2].computer.as_deref(), events[2].image.as_deref()), (Some(4624), Some("WS1"), None));
    assert_eq!(events[3].message, "one, two.txt mtime");
    assert_eq!((at(&events[4]).as_str(), events[4].record), ("2021-07-01T10:00:00.0000000+00:00", 6), "12:00 in Berlin's summer");
    assert_eq!(field(&events[2], "MACB"), "M..B");
}
