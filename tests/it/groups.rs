//! Process groups: the published gates, windows, reasons, saved models.

use crate::memory::MemoryStore;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use residue::control::{CancelToken, Control, RunError};
use residue::detect::groups::Network;
use residue::detect::{Detector, Input, registry};
use residue::domain::{Detection, DetectorId, Event, EventStore, Plan, Preset, RankBy, Stage};
use residue::nn::{Dense, Device, Matrix, fit};
use std::path::Path;
use std::time::Instant;

const NORMAL: [&str; 4] = ["cmd.exe", "conhost.exe", "svchost.exe", "werfault.exe"];
const BURST: [(&str, u32); 5] = [("whoami.exe", 1), ("net.exe", 3), ("ver.exe", 1), ("query.exe", 2), ("sc.exe", 5)];

/// Rows of the four ordinary programs, each launched round-half-even(U[0, 5)) times.
fn toy(network: &Network, rows: usize, random: &mut ChaCha8Rng) -> Matrix {
    let mut matrix = Matrix::with_columns(network.buckets);
    for _ in 0..rows {
        let counts = NORMAL.map(|name| (name, (random.random::<f64>() * 5.0).round_ties_even() as u32));
        matrix.push(&network.encode(counts));
    }
    matrix
}

fn distances(model: &Dense, rows: &Matrix) -> Vec<f64> {
    let errors = model.squared_errors(rows, &Device::cpu(), &Control::silent()).unwrap();
    (0..rows.rows()).map(|row| errors.row(row).iter().map(|e| f64::from(*e)).sum::<f64>().sqrt()).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn published_gates_on_toy_data() {
    let (device, control) = (Device::cpu(), Control::silent());
    let runs: Vec<[f64; 4]> = (1..=5)
        .map(|seed| {
            let network = Network::published(seed);
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let (train, test) = (toy(&network, 10_000, &mut random), toy(&network, 10_000, &mut random));
            let model = Dense::new(&network.shape, seed, &device);
            assert_eq!(model.parameters(), 356);
            let fitted = fit(model, &train, None, &network.fit, &device, &control).unwrap();
            let mean = distances(&fitted.model, &test).iter().sum::<f64>() / 10_000.0;
            let mut burst = Matrix::with_columns(16);
            burst.push(&network.encode(BURST));
            let burst = distances(&fitted.model, &burst)[0];
            [fitted.curve.last().unwrap().train, mean, burst, burst / mean]
        })
        .collect();
    let middle = |at: usize| median(runs.iter().map(|run| run[at]).collect());
    eprintln!(
        "process groups, median of 5 seeds (published): training loss {:.2e} (< 1e-4), mean distance {:.5} (0.01018), burst {:.3} (5.717), ratio {:.0} (561)",
        middle(0),
        middle(1),
        middle(2),
        middle(3)
    );
    assert!(middle(0) < 1e-4 && middle(1) < 0.03 && middle(3) > 200.0, "{runs:?}");
}

fn launch(second: i64, host: &str, user: &str, pid: u32, image: &str, parent: &str) -> Event {
    Event {
        time: Some(second * 1_000_000_000),
        computer: Some(host.into()),
        channel: Some("Microsoft-Windows-Sysmon/Operational".into()),
        provider: Some("Microsoft-Windows-Sysmon".into()),
        event_id: Some(1),
        pid: Some(pid),
        image: Some(image.into()),
        parent_image: Some(parent.into()),
        ppid: Some(4),
        command_line: Some(image.into()),
        user: Some(user.into()),
        ..Event::default()
    }
}

/// Two hosts over hours of ordinary launches, and one minute (the 90th on host `b`) of something else.
fn estate(attack: bool) -> Vec<Event> {
    let mut events = Vec::new();
    let system = |name: &str| format!(r"C:\Windows\System32\{name}");
    for minute in 0..180_i64 {
        for (index, host) in ["a", "B.lab"].into_iter().enumerate() {
            for (at, name) in NORMAL.iter().enumerate().filter(|(at, _)| !(minute as usize + at + index).is_multiple_of(3)) {
                events.push(launch(minute * 60 + at as i64, host, r"LAB\svc", 100 + at as u32, &system(name), &system("services.exe")));
            }
        }
    }
    if attack {
        for (at, (name, times)) in BURST.iter().enumerate() {
            for time in 0..*times {
                events.push(launch(
                    90 * 60 + 10 + at as i64 * 5 + i64::from(time),
                    "b.lab",
                    r"LAB\eve",
                    900 + at as u32 * 10 + time,
                    &system(name),
                    r"C:\Users\eve\Downloads\x.exe",
                ));
            }
        }
    }
    events
}

fn groups() -> &'static dyn Detector {
    registry().into_iter().find(|detector| detector.id() == DetectorId::Groups).unwrap()
}

struct Job<'a> {
    events: Vec<Event>,
    baseline: Option<Vec<Event>>,
    plan: Plan,
    model: Option<&'a Path>,
    save: Option<&'a Path>,
    control: Control,
}

impl Job<'_> {
    fn new(events: Vec<Event>) -> Self {
        Self { events, baseline: None, plan: Plan::standard(), model: None, save: None, control: Control::silent() }
    }

    /// The first and the final detection.
    fn run(self) -> Result<(Option<Detection>, Detection), RunError> {
        let (case, device) = (MemoryStore::new(self.events), Device::cpu());
        let known = self.baseline.map(MemoryStore::new);
        let baseline: Vec<&dyn EventStore> = known.iter().map(|store| store as &dyn EventStore).collect();
        let input =
            Input { case: &case, baseline: &baseline, plan: &self.plan, device: &device, model: self.model, save_model: self.save, control: &self.control };
        let mut first = None;
        let last = groups().run(&input, &mut |detection| first = Some(detection))?;
        Ok((first, last))
    }
}

fn top(detection: &Detection) -> usize {
    (0..detection.subjects.len()).max_by(|a, b| detection.subjects[*a].score.total_cmp(&detection.subjects[*b].score)).unwrap()
}

#[test]
fn the_burst_ranks_first_and_says_why() {
    let (first, last) = Job::new(estate(true)).run().unwrap();
    let first = first.unwrap();
    assert_eq!((first.stage, last.stage), (Stage::First, Stage::Final));
    assert_eq!(last.subjects.len(), 360, "180 minutes of two hosts, whatever their names' case");
    for detection in [&first, &last] {
        let subject = &detection.subjects[top(detection)];
        assert!(subject.title.contains("sc.exe 5, net.exe 3, query.exe 2"), "{}", subject.title);
        assert_eq!(&*subject.subject, "process group, 1 min on B.lab");
        assert!(subject.members.len() as u64 == subject.count && subject.count >= 12);
        assert!(subject.members.windows(2).all(|pair| pair[0] != pair[1]));
        let reasons = detection.explain.explain(top(detection));
        assert!((reasons.iter().map(|c| c.share).sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(BURST.iter().any(|(name, _)| *name == reasons[0].name), "{reasons:?}");
    }
    for subject in &last.subjects {
        assert_eq!(subject.score, subject.learned.unwrap() + subject.prior.unwrap());
        assert!(subject.loss.unwrap().is_finite() && subject.rarity.unwrap() >= 0.0);
    }
    assert!(last.explain.explain(9999).is_empty());
}

#[test]
fn the_published_preset_ranks_by_distance_and_leaves_programs_out_one_by_one() {
    let mut job = Job::new(estate(true));
    job.plan.preset = Preset::Published;
    job.plan.settings.groups.window_seconds = 300;
    let (_, detection) = job.run().unwrap();
    assert_eq!(detection.subjects.len(), 72);
    let index = top(&detection);
    assert_eq!(detection.subjects[index].score, detection.subjects[index].loss.unwrap());
    assert!(detection.subjects[index].title.contains("sc.exe"), "{}", detection.subjects[index].title);
    let reasons = detection.explain.explain(index);
    assert!(reasons[0].observed.contains("without it the distance is"));
    // svchost.exe shares bucket 1 with cmd.exe and werfault.exe.
    let shared = reasons.iter().find(|c| c.name == "svchost.exe").unwrap();
    assert!(shared.expected.ends_with("shares its bucket with cmd.exe, werfault.exe"), "{}", shared.expected);
    let mut hour = Job::new(estate(false));
    hour.plan.preset = Preset::Published;
    let detection = hour.run().unwrap().1;
    assert!(detection.subjects.len() == 6 && detection.remarks.iter().any(|remark| remark.contains("1 hour")), "{:?}", detection.remarks);
}

#[test]
fn what_ranks_is_what_was_asked_for() {
    for (rank_by, value) in [(RankBy::Loss, 0), (RankBy::Rarity, 1)] {
        let mut job = Job::new(estate(true));
        job.plan.rank_by = rank_by;
        let detection = job.run().unwrap().1;
        for subject in &detection.subjects {
            assert_eq!(subject.score, [subject.loss, subject.rarity][value].unwrap());
        }
        assert!(detection.subjects[top(&detection)].title.contains("sc.exe"), "{rank_by:?}");
        assert!(!detection.explain.explain(top(&detection)).is_empty());
    }
}

#[test]
fn without_prior_everything_is_learned() {
    let mut job = Job::new(estate(true));
    job.plan.prior = false;
    let detection = job.run().unwrap().1;
    assert!(detection.subjects.iter().all(|subject| subject.prior == Some(0.0)));
    assert!(detection.subjects[top(&detection)].title.contains("sc.exe"));
}

#[test]
fn a_baseline_teaches_and_a_saved_model_repeats_its_losses() {
    let folder = tempfile::tempdir().unwrap();
    let by_loss = |mut job: Job<'_>| {
        job.plan.rank_by = RankBy::Loss;
        job.run().unwrap().1
    };
    let taught = by_loss(Job { baseline: Some(estate(false)), save: Some(folder.path()), ..Job::new(estate(true)) });
    assert!(taught.subjects[top(&taught)].title.contains("sc.exe"));
    let again = by_loss(Job { model: Some(folder.path()), ..Job::new(estate(true)) });
    let losses = |detection: &Detection| detection.subjects.iter().map(|subject| (subject.loss, subject.rarity)).collect::<Vec<_>>();
    assert_eq!(losses(&taught), losses(&again));
    assert_eq!(taught.model_id, again.model_id);
    std::fs::write(folder.path().join("groups.burn"), b"no").unwrap();
    let error = Job { model: Some(folder.path()), ..Job::new(estate(true)) }.run().err().unwrap().to_string();
    assert!(error.contains("damaged"), "{error}");
}

#[test]
fn equal_runs_are_equal_and_a_cancel_ends_one() {
    let run = || {
        let detection = Job::new(estate(true)).run().unwrap().1;
        let shown: Vec<String> =
            (0..detection.subjects.len()).map(|index| format!("{:?} {:?}", detection.subjects[index], detection.explain.explain(index))).collect();
        (shown, detection.model_id)
    };
    assert_eq!(run(), run());
    let cancelled = Control { cancel: CancelToken::default(), ..Control::silent() };
    cancelled.cancel.cancel();
    assert!(matches!(Job { control: cancelled, ..Job::new(estate(true)) }.run(), Err(RunError::Cancelled)));
}

#[test]
fn a_creation_in_both_logs_counts_once_and_both_events_are_members() {
    let sysmon = launch(5, "a", "u", 77, r"C:\Windows\System32\cmd.exe", r"C:\Windows\explorer.exe");
    let security =
        Event { channel: Some("Security".into()), provider: Some("Microsoft-Windows-Security-Auditing".into()), event_id: Some(4688), ..sysmon.clone() };
    let detection = Job::new(vec![security, sysmon]).run().unwrap().1;
    assert_eq!(detection.subjects.len(), 1);
    let subject = &detection.subjects[0];
    assert_eq!((subject.count, subject.event_id, subject.members.iter().map(|key| key.record).collect::<Vec<_>>()), (1, Some(1), vec![2, 1]));
    assert_eq!(&*subject.title, "1 launch of 1 program: cmd.exe");
}

#[test]
fn no_creations_is_said_in_a_sentence() {
    let other = Event { channel: Some("System".into()), event_id: Some(7045), ..Event::default() };
    assert_eq!(groups().applies(&MemoryStore::new(vec![other.clone()])).unwrap_err(), "no process-creation events: needs Sysmon 1 or Security 4688");
    assert!(Job::new(vec![other]).run().unwrap().1.subjects.is_empty());
}

#[test]
fn a_million_creations_are_gathered_in_time() {
    let events: Vec<Event> = (0..1_000_000_i64)
        .map(|i| {
            launch(i / 4, ["a", "b", "c", "d"][i as usize % 4], "u", i as u32, &format!(r"C:\Windows\p{}.exe", (i * i / 7) % 200), r"C:\Windows\explorer.exe")
        })
        .collect();
    let case = MemoryStore::new(events);
    let (device, plan, control) = (Device::cpu(), Plan { rank_by: RankBy::Rarity, ..Plan::standard() }, Control::silent());
    let input = Input { case: &case, baseline: &[], plan: &plan, device: &device, model: None, save_model: None, control: &control };
    let started = Instant::now();
    let mut first = None;
    let stopped = groups().run(&input, &mut |detection| {
        first = Some((detection.subjects.len(), started.elapsed()));
        control.cancel.cancel();
    });
    assert!(matches!(stopped, Err(RunError::Cancelled)));
    let (windows, took) = first.unwrap();
    eprintln!("1,000,000 creations into {windows} windows, first ranking after {took:.2?} (bound 20 s on two idle cores)");
    assert!(windows > 16_000 && took.as_secs() < 60);
}
