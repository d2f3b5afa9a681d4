//! A source that is to be read otherwise is forgotten with its rankings, and read anew; what was said of its events stays.

use super::runs::report;
use residue::case::{Case, Change, Target, Unit};
use residue::control::Control;
use residue::domain::{DetectorId, EventKey};
use residue::ingest::{Options, ingest};

#[test]
fn a_table_is_read_otherwise_and_flags_stay() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("t.csv");
    std::fs::write(&table, "when,seen,what\n2021-03-04 05:06:07,2021-03-05 00:00:00,one\n2021-03-04 05:06:08,2021-03-06 00:00:00,two\n").unwrap();
    let map = dir.path().join("map.toml");
    let case_dir = dir.path().join("c.residue");
    let case = Case::create(&case_dir).unwrap();
    let read = |time: &str| {
        std::fs::write(&map, format!("[[format]]\ncolumns = [\"when\", \"seen\", \"what\"]\ntime = [\"{time}\"]\nmessage = [\"what\"]\n")).unwrap();
        ingest(std::slice::from_ref(&table), &case, &Options { zone: None, map: Some(map.clone()) }, &Control::silent()).unwrap();
        case.sources().first().unwrap().first
    };
    let first = read("when");
    let key = EventKey { source: 0, part: 0, record: 1 };
    case.annotate(&[Target::new(Unit::Event, &case.sources()[0], key)], &Change::flag(true)).unwrap();
    case.store_run(&report(DetectorId::Timeline, 1), &mut |_| vec![], &Control::silent()).unwrap();
    assert_eq!(read("seen"), first, "what was read once is not read again");
    let path = case.sources()[0].path.clone();
    assert!(!case.read_otherwise("elsewhere"));
    for (nth, column) in ["seen", "when", "seen", "when", "seen"].into_iter().enumerate() {
        let before = case.sources()[0].first;
        assert!(case.read_otherwise(&path));
        assert_eq!((case.sources().len(), case.runs().unwrap().len()), (1, usize::from(nth == 0)), "until then everything stays");
        assert_ne!(read(column), before, "reading {nth}");
        assert!(case.runs().unwrap().is_empty());
    }
    // A reading that comes to nothing takes nothing away.
    assert!(case.read_otherwise(&path));
    let stopped = Control::silent();
    stopped.cancel.cancel();
    ingest(std::slice::from_ref(&table), &case, &Options::default(), &stopped).unwrap_err();
    assert_eq!((case.sources().len(), case.sources()[0].events), (1, 2));
    let mut trail = Vec::new();
    case.write_audit(&mut trail).unwrap();
    assert!(String::from_utf8(trail).unwrap().contains("otherwise"));
    drop(case);
    let again = Case::open(&case_dir).unwrap();
    assert!(again.annotations().get(Unit::Event, &again.sources()[0], key).unwrap().flagged);
    assert_eq!(std::fs::read_dir(case_dir.join("events")).unwrap().count(), 1, "what was read first is gone");
}
