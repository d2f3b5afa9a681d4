//! An engine that answers at once: synthetic rankings of any size, real cases in temporary folders.

use residue::app::{Engine, Extracts, Mark, Unsaved};
use residue::case::Case;
use residue::control::{Notice, RunError, Severity};
use residue::domain::{Contribution, CurvePoint, DetectorId, Event, EventKey, Explain, Ledger, Plan, Preset, RankBy, Report, Stage, Subject};
use residue::engine::jobs::Question;
use residue::engine::{Answer, Extract, Happening, Ranking, Work};
use residue::export::Format;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// First event's time: 2020-09-17 17:57:18 UTC.
pub(super) const BEGIN: i64 = 1_600_365_438_000_000_000;

/// One export.
pub(super) struct Exported {
    pub ranks: Vec<u64>,
    pub threshold: f64,
}

/// What the fake was asked to do.
#[derive(Default)]
pub(super) struct Log {
    pub exported: Vec<Exported>,
    pub plans: Vec<Plan>,
    pub marks: BTreeMap<EventKey, Mark>,
    pub settings: BTreeMap<String, String>,
    pub refuse_marks: bool,
    pub unsaved: Vec<Unsaved>,
    pub discarded: usize,
}

/// The fake.
pub(super) struct Fake {
    pub subjects: usize,
    pub log: Arc<Mutex<Log>>,
}

struct Why;

impl Explain for Why {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        let part = |name: &str, share: f64, observed: &str, expected: &str| Contribution {
            name: name.into(),
            share,
            observed: observed.into(),
            expected: expected.into(),
        };
        vec![
            part("ParentImage", 0.52, "C:\\Program Files\\Microsoft Office\\WINWORD.EXE", "services.exe 96 %, explorer.exe 3 %"),
            part("CommandLine", 0.31, &format!("powershell -enc SQBFAFgA{index}"), "never seen 99 %"),
            part("IntegrityLevel", 0.12, "High", "Medium 88 %, System 11 %"),
            part("process context", 0.05, "4 unusual events of the same process", ""),
            part("typed by hand", -0.02, "", "service"),
        ]
    }
}

/// A ranking of `n` subjects: three computers, scores from 40 downwards with a long tail of a few.
pub(super) fn report(n: usize, stage: Stage) -> Report {
    let computers: Vec<Arc<str>> = ["WS1.corp.example", "DC1.corp.example", "ファイル-01"].map(Arc::from).into();
    let channels: Vec<Arc<str>> = ["Security", "Microsoft-Windows-Sysmon/Operational", "System"].map(Arc::from).into();
    let titles = [
        "schtasks created task Updater to run C:\\Users\\Public\\u.exe",
        "Logon of CORP\\alice from 10.0.3.7 (network)",
        "Service PSEXESVC installed",
        "Process created: C:\\Windows\\System32\\whoami.exe",
        "PowerShell script block: IEX (New-Object Net.WebClient)… 日本語 😀",
    ];
    let image: Arc<str> = "C:\\Windows\\System32\\schtasks.exe".into();
    // Kept once, as the engine keeps them.
    let kind: Arc<str> = "unique event".into();
    let reasons: [Arc<str>; 3] = ["ParentImage: saw WINWORD.EXE, expected services.exe 96 %".into(), "CommandLine: encoded".into(), Arc::default()];
    let subjects = (0..n).map(|i| {
        let place = i as f64 / n as f64;
        let score = 40.0 * (1.0 - place).powi(6) + 3.0 * (1.0 - place) + ((i * 7919) % 97) as f64 * 1e-9;
        let computer = Some(Arc::clone(&computers[i % 3]));
        Subject {
            key: EventKey { source: (i % 2) as u32, part: 0, record: i as u64 + 1 },
            title: if n > 2_000_000 { Arc::default() } else { titles[i % 5].into() },
            subject: Arc::clone(&kind),
            count: (i as u64 % 9) * 3 + 1,
            first_seen: (i % 50 != 7).then_some(BEGIN + (i as i128 * 7_654_321_098_765 % 86_400_000_000_000) as i64),
            computer,
            channel: Some(Arc::clone(&channels[i % 3])),
            event_id: Some([4698, 4624, 7045, 4688, 4104][i % 5]),
            image: Some(Arc::clone(&image)),
            learned: Some(score * 0.8),
            prior: Some(score * 0.2),
            loss: (i % 4 != 3).then_some(0.9 - place * 0.8 + (i % 13) as f64 * 0.01),
            rarity: Some(score + (i % 11) as f64),
            score,
            rank: i as u64 + 1,
            percentile: 100.0 * (1.0 - place),
            reasons: if n > 2_000_000 { Default::default() } else { reasons.clone() },
            ..Subject::default()
        }
    });
    let mut subjects: Vec<Subject> = subjects.collect();
    subjects.sort_by(|a, b| b.score.total_cmp(&a.score));
    let threshold = subjects.get(n / 100).map_or(1.0, |s| s.score);
    Report {
        detector: DetectorId::Fields,
        preset: Preset::Recommended,
        rank_by: RankBy::Recommended,
        stage,
        threshold,
        model_id: "feed".into(),
        device: "CPU (no GPU adapter found)".into(),
        curve: vec![],
        remarks: vec!["Ignored fields: LogonId, ProcessId".into()],
        validation: None,
        subjects,
        run: String::new(),
    }
}

pub(super) fn ledger() -> Vec<Ledger> {
    let row = |name: &str, events: u64, bad: u64, status| Ledger {
        source_file: format!("case/{name}"),
        path: format!("/evidence/{name}"),
        sha256: "ab".repeat(32),
        bytes: 2_166_784,
        format: "EVTX".into(),
        certainty: 1.0,
        status,
        records_ok: events,
        records_bad: bad,
        events,
        no_time: 3,
        zone: "UTC".into(),
        first: Some(BEGIN),
        last: Some(BEGIN + 86_400_000_000_000),
        ..Ledger::default()
    };
    let mut rows =
        vec![row("Security.evtx", 2261, 0, residue::domain::SourceStatus::Whole), row("Sysmon.evtx", 358, 8, residue::domain::SourceStatus::Partial)];
    rows[1].defect(Some(4096), None, "chunk 1 cannot be read: its checksum is wrong");
    rows
}

impl Fake {
    pub(super) fn new(subjects: usize) -> Self {
        Self { subjects, log: Arc::default() }
    }
}

impl Engine for Fake {
    fn open(&self, paths: Vec<PathBuf>, into: Option<Case>, _zone: Option<String>) -> Work {
        Box::new(move |control, emit| {
            if let Some(missing) = paths.iter().find(|p| p.to_string_lossy().contains("missing")) {
                return Err(RunError::failed(format!("nothing is there; check the path: {}", missing.display())));
            }
            let case = into.map_or_else(Case::temporary, Ok)?;
            emit.emit(Happening::Opened(case.clone()));
            control.warn("read in part, 358 records, 8 defects (first: a checksum is wrong): Sysmon.evtx");
            emit.emit(Happening::Opened(case));
            Ok(())
        })
    }

    fn unsaved(&self) -> Vec<Unsaved> {
        self.log.lock().unwrap().unsaved.clone()
    }

    fn recover(&self, dir: PathBuf) -> Work {
        self.open(vec![dir], None, None)
    }

    fn remove(&self, dir: PathBuf) {
        self.log.lock().unwrap().unsaved.retain(|u| u.dir != dir);
    }

    fn discard(&self, _case: Case) {
        self.log.lock().unwrap().discarded += 1;
    }

    fn demo(&self) -> Work {
        self.open(vec!["demo".into()], None, None)
    }

    fn analyse(&self, _case: Case, plan: Plan) -> Work {
        let n = self.subjects;
        self.log.lock().unwrap().plans.push(plan.clone());
        Box::new(move |control, emit| {
            emit.emit(Happening::CannotRun(DetectorId::Timeline, "there is no timeline among the evidence".into()));
            emit.emit(Happening::Began(DetectorId::Fields));
            emit.emit(Happening::Ranked(Ranking { report: Arc::new(report(n, Stage::First)), explain: Arc::new(Why) }));
            for epoch in 1..=40 {
                control.check()?;
                let loss = 0.4 / f64::from(epoch).powf(0.8);
                emit.emit(Happening::Epoch(CurvePoint { epoch, train: loss, validation: Some(loss * 1.1 + 0.004), figures: None }));
            }
            if plan.seed == 7 {
                // A job that only a cancel ends.
                loop {
                    control.progress("training", "fields", 61, Some(100), "epochs");
                    control.check()?;
                    std::thread::park_timeout(std::time::Duration::from_millis(2));
                }
            }
            emit.emit(Happening::Ranked(Ranking { report: Arc::new(report(n, Stage::Final)), explain: Arc::new(Why) }));
            Ok(())
        })
    }

    fn ask(&self, _case: Case, question: Question) -> Work {
        let Question { ranking, index, key, .. } = question;
        Box::new(move |_, emit| {
            let event = |offset: i64| {
                Event {
                time: Some(BEGIN + offset * 1_000_000_000),
                record: key.record.saturating_add_signed(offset),
                computer: Some("WS1.corp.example".into()),
                channel: Some("Security".into()),
                event_id: Some(4688),
                message: format!("event {offset} seconds away"),
                fields: r#"{"EventData":{"SubjectUserName":"alice","NewProcessName":"C:\\Windows\\System32\\schtasks.exe","CommandLine":"schtasks /create /tn Updater","Pipe":"Global\\UsGthrFltPipeMssGthrPipe68_Global\\UsGthrCtrlFltPipeMssGthrPipe68 1 -2147483646 \"Software\\Microsoft\\Windows Search\" \"Mozilla/4.0 (compatible; MSIE 6.0; Windows NT; MS Search 4.0 Robot)\""}}"#.into(),
                ..Event::default()
            }
            };
            let around = (-3..=3).map(|o| (EventKey { record: key.record.saturating_add_signed(o), ..key }, event(o))).collect();
            let contributions = ranking.zip(index).map(|(r, i)| r.explain.explain(i)).unwrap_or_default();
            emit.emit(Happening::Answered(Box::new(Answer {
                key,
                event: Some(event(0)),
                contributions,
                around,
                decoded: vec!["IEX (New-Object Net.WebClient)".into()],
                script: None,
            })));
            Ok(())
        })
    }

    fn is_case(&self, path: &Path, _open: Option<&Case>) -> bool {
        path.extension().is_some_and(|ending| ending == "residue")
    }

    fn render(&self, _case: Case, key: EventKey) -> Work {
        Box::new(move |_, emit| {
            emit.emit(Happening::Rendered(key, Ok("<Event><System/></Event>".into())));
            Ok(())
        })
    }

    fn import(&self, case: Case, path: PathBuf) -> Work {
        residue::engine::jobs::import(case, path)
    }

    fn export(&self, _case: Case, _title: String, _part: String, extracts: Extracts, files: Vec<(Format, PathBuf)>) -> Work {
        let log = Arc::clone(&self.log);
        Box::new(move |_, emit| {
            let Extract { ranking, which, .. } = extracts().remove(0);
            let ranks = which.iter().map(|&i| ranking.report.subjects[i].rank).collect();
            let rows = which.len() as u64;
            for (_, path) in &files {
                std::fs::write(path, format!("{rows} rows\n"))?;
                emit.emit(Happening::Exported { path: path.clone(), rows });
            }
            log.lock().unwrap().exported.push(Exported { ranks, threshold: ranking.report.threshold });
            Ok(())
        })
    }

    fn save_as(&self, case: Case, _dir: PathBuf) -> Work {
        Box::new(move |_, emit| {
            emit.emit(Happening::Opened(case));
            Ok(())
        })
    }

    fn applies(&self, _case: &Case) -> Vec<(DetectorId, Result<(), String>)> {
        DetectorId::ALL
            .into_iter()
            .map(|d| (d, if d == DetectorId::Timeline { Err("there is no timeline among the evidence".into()) } else { Ok(()) }))
            .collect()
    }

    fn sources(&self, _case: &Case) -> Arc<Vec<Ledger>> {
        Arc::new(ledger())
    }

    fn name(&self, _case: &Case) -> Option<String> {
        None
    }

    fn notices(&self, _case: &Case) -> Vec<Notice> {
        vec![Notice { severity: Severity::Info, text: "this case was made by an earlier version".into() }]
    }

    fn marks(&self, _case: &Case) -> Vec<(EventKey, Mark)> {
        self.log.lock().unwrap().marks.clone().into_iter().collect()
    }

    fn annotate(&self, _case: &Case, marks: &[(EventKey, Mark)]) -> Result<(), String> {
        let mut log = self.log.lock().unwrap();
        if log.refuse_marks {
            return Err("the disk is full".into());
        }
        log.marks.extend(marks.iter().cloned());
        Ok(())
    }

    fn setting(&self, _case: &Case, key: &str) -> Option<String> {
        self.log.lock().unwrap().settings.get(key).cloned()
    }

    fn set_setting(&self, _case: &Case, key: &str, value: &str) -> Result<(), String> {
        self.log.lock().unwrap().settings.insert(key.into(), value.into());
        Ok(())
    }

    fn device(&self) -> String {
        "CPU (no GPU adapter found)".into()
    }
}
