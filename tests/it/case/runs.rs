//! Rankings come back as they were, with every contribution, and half a one never.

use super::{awkward, ingest, sha};
use residue::case::{Case, RunId};
use residue::control::{Control, RunError};
use residue::domain::{Contribution, CurvePoint, DetectorId, EventKey, Preset, RankBy, Report, Stage, Subject};

pub(super) fn subject(n: u64) -> Subject {
    let key = EventKey { source: (n % 2) as u32, part: 0, record: n + 1 };
    Subject {
        key,
        title: format!("subject {n} 東京\0").into(),
        subject: "unique event".into(),
        count: n % 7,
        first_seen: (!n.is_multiple_of(5)).then_some(n as i64 - 3),
        last_seen: (!n.is_multiple_of(5)).then_some(i64::MAX),
        computer: (!n.is_multiple_of(3)).then(|| format!("WS{}", n % 4).into()),
        user: None,
        channel: Some("Security".into()),
        provider: Some("".into()),
        event_id: n.is_multiple_of(2).then_some(4688),
        record_id: n.is_multiple_of(2).then_some(u64::MAX),
        image: Some(r"C:\Windows\System32\cmd.exe".into()),
        command_line: Some(format!("cmd {n}").into()),
        learned: Some(0.1 + n as f64),
        prior: n.is_multiple_of(2).then_some(-0.0),
        loss: (n % 2 == 1).then_some(f64::MIN_POSITIVE),
        rarity: Some(1.0 / 3.0),
        score: 1e6 - n as f64,
        rank: n + 1,
        percentile: 99.9,
        reasons: ["a: saw b".into(), "".into(), "c".into()],
        members: (0..n % 5).map(|m| EventKey { source: (m % 2) as u32, part: m as u32, record: n + m }).collect(),
    }
}

pub(crate) fn report(detector: DetectorId, subjects: u64) -> Report {
    Report {
        detector,
        preset: Preset::Recommended,
        rank_by: RankBy::Recommended,
        stage: Stage::Final,
        threshold: 0.1 + 0.2,
        model_id: "abc".into(),
        device: "CPU, because".into(),
        curve: vec![
            CurvePoint { epoch: 1, train: 0.5, validation: None, figures: None },
            CurvePoint { epoch: 2, train: 0.25, validation: Some(1.0 / 3.0), figures: None },
        ],
        remarks: vec!["a remark".into()],
        validation: None,
        subjects: (0..subjects).map(subject).collect(),
        run: String::new(),
    }
}

pub(crate) fn contributions(index: usize) -> Vec<Contribution> {
    (0..index % 4)
        .map(|n| Contribution { name: format!("field {n}"), share: 1.0 / (n + 3) as f64, observed: format!("{index}\0\""), expected: "x 96 %".into() })
        .collect()
}

/// Debug text holds every field, floats to the last digit.
fn plain(report: &Report) -> String {
    format!("{:?}", Report { run: String::new(), ..report.clone() })
}

fn case_of_two(home: &std::path::Path) -> Case {
    let case = Case::create(&home.join("a.residue")).unwrap();
    ingest(&case, "m.evtx", &sha(1), &awkward(10, 1));
    ingest(&case, "n.evtx", &sha(2), &awkward(10, 2));
    case
}

#[test]
fn a_ranking_comes_back_with_its_contributions() {
    let home = tempfile::tempdir().unwrap();
    let case = case_of_two(home.path());
    for subjects in [0, 1, 20_000] {
        let whole = report(DetectorId::Fields, subjects);
        let id = case.store_run(&whole, &mut |index| contributions(index), &Control::silent()).unwrap();
        let back = case.load_run(&id).unwrap();
        assert_eq!(back.run, id.as_str());
        assert_eq!(plain(&back), plain(&whole));
        let explain = case.explain_run(&id);
        for index in (0..subjects as usize).step_by(611) {
            assert_eq!(explain.explain(index), contributions(index));
            assert_eq!(explain.json(index).unwrap(), serde_json::to_string(&contributions(index)).unwrap());
        }
        assert_eq!(explain.explain(subjects as usize), []);
    }
    // An empty ranking has no score at which anything is above, and training may have come to no number.
    let none = Report {
        threshold: f64::INFINITY,
        curve: vec![CurvePoint { epoch: 1, train: f64::NAN, validation: None, figures: None }],
        ..report(DetectorId::Process, 0)
    };
    let back = case.load_run(&case.store_run(&none, &mut |_| Vec::new(), &Control::silent()).unwrap()).unwrap();
    assert!(back.threshold.is_infinite() && back.curve[0].train.is_nan());
    let none = RunId::parse("fields-999").unwrap();
    assert!(case.load_run(&none).is_err());
    assert!(case.explain_run(&none).explain(0)[0].name.contains("analyse again"));
}

#[test]
fn keys_follow_their_sources_when_others_arrive() {
    let home = tempfile::tempdir().unwrap();
    let case = case_of_two(home.path());
    let id = case.store_run(&report(DetectorId::Chains, 40), &mut |_| Vec::new(), &Control::silent()).unwrap();
    ingest(&case, "a.evtx", &sha(3), &awkward(10, 1));
    let back = case.load_run(&id).unwrap();
    for (n, subject) in back.subjects.iter().enumerate() {
        assert_eq!(subject.key, EventKey { source: (n % 2) as u32 + 1, part: 0, record: n as u64 + 1 });
        assert!(subject.members.iter().all(|key| key.source > 0));
    }
}

#[test]
fn the_newest_runs_are_found_and_old_ones_removed() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    let case = case_of_two(home.path());
    for _ in 0..8 {
        case.store_run(&report(DetectorId::Timeline, 3), &mut |_| Vec::new(), &Control::silent()).unwrap();
    }
    let last = case.store_run(&report(DetectorId::Fields, 4), &mut |_| Vec::new(), &Control::silent()).unwrap();
    drop(case);
    let case = Case::open(&dir).unwrap();
    let latest: Vec<_> = case.runs_by_detector().unwrap().into_iter().map(|runs| (runs[0].id.to_string(), runs[0].subjects, runs.len())).collect();
    assert_eq!(latest, [("fields-9".to_owned(), 4, 1), ("timeline-8".to_owned(), 3, 5)]);
    assert_eq!(last.as_str(), "fields-9");
    assert_eq!(case.runs().unwrap().len(), 6);
    assert_eq!(std::fs::read_dir(dir.join("runs")).unwrap().count(), 6);
}

#[test]
fn a_cancelled_run_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let case = case_of_two(home.path());
    let control = Control::silent();
    let mut explain = |index: usize| {
        if index == 3_000 {
            control.cancel.cancel();
        }
        contributions(index)
    };
    assert!(matches!(case.store_run(&report(DetectorId::Fields, 9_000), &mut explain, &control), Err(RunError::Cancelled)));
    assert_eq!(case.runs().unwrap(), []);
    assert_eq!(std::fs::read_dir(case.dir().join("runs")).unwrap().count(), 0);
}
