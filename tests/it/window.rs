//! The worker behind the window: events that are stale are dropped, a cancel is prompt, a panic is survived, a drop does not hang.

use residue::control::{Control, RunError};
use residue::engine::{Emit, Happening, Outcome, Work, Worker, WorkerEvent};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);

/// A worker and a channel that hears its wake-ups.
fn worker() -> (Worker, mpsc::Receiver<()>) {
    let (sender, woken) = mpsc::channel();
    let wake = move || {
        // A test that no longer listens does not mind.
        let _ = sender.send(());
    };
    (Worker::new(wake).unwrap(), woken)
}

/// Drains until the newest job has ended; wake-ups, not sleeps, pace it.
fn until_ended(worker: &Worker, woken: &mpsc::Receiver<()>) -> (Vec<WorkerEvent>, Outcome) {
    let mut events = vec![];
    loop {
        for event in worker.drain(Duration::from_millis(10)) {
            if let Happening::Ended(outcome) = &event.what {
                let outcome = outcome.clone();
                events.push(event);
                return (events, outcome);
            }
            events.push(event);
        }
        woken.recv_timeout(LONG).expect("the worker says something");
    }
}

fn work(run: impl FnOnce(&Control, &dyn Emit) -> Result<(), RunError> + Send + 'static) -> Work {
    Box::new(run)
}

/// A job that runs until it is cancelled.
fn endless(started: mpsc::Sender<()>) -> Work {
    work(move |control, _| {
        started.send(()).unwrap();
        loop {
            control.check()?;
            std::thread::yield_now();
        }
    })
}

#[test]
fn everything_a_job_says_arrives_in_order() {
    let (worker, woken) = worker();
    worker.submit(work(|control, _| {
        (0..5000).for_each(|i| control.info(format!("{i}")));
        Ok(())
    }));
    let (events, outcome) = until_ended(&worker, &woken);
    let said: Vec<String> = events.iter().filter_map(|e| if let Happening::Notice(n) = &e.what { Some(n.text.clone()) } else { None }).collect();
    assert_eq!(said, (0..5000).map(|i| i.to_string()).collect::<Vec<_>>());
    assert_eq!(outcome, Outcome::Done);
}

#[test]
fn a_cancel_is_answered_within_a_quarter_of_a_second() {
    let (worker, woken) = worker();
    let (started, running) = mpsc::channel();
    worker.submit(endless(started));
    running.recv_timeout(LONG).unwrap();
    let begin = Instant::now();
    worker.cancel();
    assert_eq!(until_ended(&worker, &woken).1, Outcome::Cancelled);
    assert!(begin.elapsed() < Duration::from_millis(250), "{:?}", begin.elapsed());
}

#[test]
fn a_new_job_replaces_the_old_one_and_its_stale_events() {
    let (worker, woken) = worker();
    let (started, running) = mpsc::channel();
    let old = worker.submit(work(move |control, _| {
        started.send(()).unwrap();
        while control.check().is_ok() {
            std::thread::yield_now();
        }
        control.info("too late");
        Ok(())
    }));
    running.recv_timeout(LONG).unwrap();
    let new = worker.submit(work(|control, _| {
        control.info("fresh");
        Ok(())
    }));
    let (events, outcome) = until_ended(&worker, &woken);
    assert!(new > old && events.iter().all(|e| e.job == new));
    assert_eq!(outcome, Outcome::Done);
}

#[test]
fn a_panic_is_a_failed_job_and_the_worker_lives_on() {
    let (worker, woken) = worker();
    worker.submit(work(|_, _| panic!("a hostile file")));
    let (_, outcome) = until_ended(&worker, &woken);
    assert!(matches!(outcome, Outcome::Failed(text) if text.contains("a hostile file")));
    worker.submit(work(|_, _| Ok(())));
    assert_eq!(until_ended(&worker, &woken).1, Outcome::Done);
}

#[test]
fn a_failure_is_told_in_its_own_words() {
    let (worker, woken) = worker();
    worker.submit(work(|_, _| Err(RunError::failed("disk full; make room: /x"))));
    assert_eq!(until_ended(&worker, &woken).1, Outcome::Failed("disk full; make room: /x".into()));
}

#[test]
fn progress_keeps_only_the_newest_and_goes_with_the_job() {
    let (worker, woken) = worker();
    let (go, gone) = mpsc::channel();
    let (said, heard) = mpsc::channel();
    worker.submit(work(move |control, _| {
        (0..100_000).for_each(|i| control.progress("counting", "", i, None, "events"));
        said.send(()).unwrap();
        gone.recv_timeout(LONG).unwrap();
        Ok(())
    }));
    heard.recv_timeout(LONG).unwrap();
    assert_eq!(worker.progress().map(|p| p.done), Some(99_999));
    go.send(()).unwrap();
    until_ended(&worker, &woken);
    assert_eq!(worker.progress(), None);
}

#[test]
fn progress_wakes_the_window_at_most_twenty_times_a_second() {
    let wakes = Arc::new(AtomicUsize::new(0));
    let there = Arc::clone(&wakes);
    let (ended, over) = mpsc::channel();
    let worker = Worker::new(move || {
        there.fetch_add(1, Ordering::Relaxed);
    })
    .unwrap();
    worker.submit(work(move |control, _| {
        let begin = Instant::now();
        let mut i = 0;
        while begin.elapsed() < Duration::from_millis(300) {
            i += 1;
            control.progress("counting", "", i, None, "events");
        }
        ended.send(begin.elapsed()).unwrap();
        Ok(())
    }));
    let took = over.recv_timeout(LONG).unwrap();
    let most = took.as_millis() as usize / 50 + 2;
    assert!((1..=most).contains(&wakes.load(Ordering::Relaxed)), "{wakes:?} wake-ups in {took:?}");
}

#[test]
fn a_drop_while_a_job_runs_does_not_hang() {
    let (worker, _woken) = worker();
    let (started, running) = mpsc::channel();
    worker.submit(endless(started));
    running.recv_timeout(LONG).unwrap();
    let begin = Instant::now();
    drop(worker);
    assert!(begin.elapsed() < Worker::PATIENCE);
}

#[test]
fn a_drop_while_a_job_is_blocked_by_a_full_queue_does_not_hang() {
    let (worker, _woken) = worker();
    let (started, running) = mpsc::channel();
    worker.submit(work(move |control, _| {
        started.send(()).unwrap();
        (0..10_000).for_each(|i| control.info(format!("{i}")));
        Ok(())
    }));
    running.recv_timeout(LONG).unwrap();
    let begin = Instant::now();
    drop(worker);
    assert!(begin.elapsed() < Worker::PATIENCE);
}

#[test]
fn a_window_that_never_drains_does_not_lose_an_event() {
    let (worker, woken) = worker();
    let (said, heard) = mpsc::channel();
    worker.submit(work(move |control, _| {
        (0..1500).for_each(|i| control.info(format!("{i}")));
        said.send(()).unwrap();
        Ok(())
    }));
    assert!(heard.recv_timeout(Duration::from_millis(100)).is_err(), "the queue is bounded");
    let (events, _) = until_ended(&worker, &woken);
    assert_eq!(events.len(), 1501);
}

/// A session on the engine itself that has opened `path`, and been given time to say what it has to.
fn opened(path: &std::path::Path, until: impl Fn(&residue::app::Session) -> bool) -> residue::app::Session {
    let (sender, woken) = mpsc::channel();
    let wake = Arc::new(move || {
        // A test that no longer listens does not mind.
        let _ = sender.send(());
    });
    let mut session = residue::app::Session::new(Arc::new(residue::app::Real::new("CPU".into())), wake, None).unwrap();
    session.apply(residue::app::CaseCommand::Open(vec![path.to_owned()]));
    while !until(&session) {
        woken.recv_timeout(LONG).expect("the engine says something");
        session.logic(Instant::now());
    }
    session
}

#[test]
fn an_unknown_table_brings_the_question_what_its_columns_mean() {
    use residue::app::{CaseCommand, Dialog, WindowCommand};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("odd.csv");
    std::fs::write(&path, "a,what,hostname\n1614834367,a program was started there,WS1\n1614834368,it ended,WS1\n").unwrap();
    let mut session = opened(&path, |session| session.dialog == Some(Dialog::Mapping));
    let form = session.open.mapping.clone().unwrap();
    assert_eq!(
        (form.name.as_str(), form.mapping.time.as_slice(), form.mapping.message.as_slice()),
        ("odd.csv", &["a".to_owned()][..], &["what".to_owned()][..])
    );
    assert_eq!((form.mapping.computer.as_slice(), form.preview.rows.len()), (&["hostname".to_owned()][..], 2));
    assert_eq!(form.preview.times[0].as_deref(), Some("2021-03-04T05:06:07.0000000+00:00"));
    // Without a column of time there is nothing to read.
    session.apply(CaseCommand::Mapping(Box::default()));
    session.apply(CaseCommand::ReadMapped { as_told: false });
    assert_eq!(session.dialog, Some(Dialog::Mapping));
    assert_eq!((&session.open.mapping.as_ref().unwrap().format, session.open.mapping.as_ref().unwrap().chosen), (&None, false));
    session.apply(WindowCommand::Dialog(None));
    session.apply(CaseCommand::Close);
}

#[test]
fn a_table_whose_columns_were_guessed_brings_the_question_when_it_was_opened_by_itself() {
    use residue::app::Dialog;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("doors.csv");
    std::fs::write(&path, "when,door,badge\n2021-03-04 05:06:07,north door opened,17\n2021-03-04 05:06:08,north door closed,17\n").unwrap();
    let session = opened(&path, |session| session.dialog == Some(Dialog::Mapping));
    let form = session.open.mapping.as_ref().unwrap();
    assert_eq!((form.format.as_deref(), form.mapping.time.as_slice()), (Some("CSV"), &["when".to_owned()][..]));
    assert_eq!(session.open.sources[0].events, 2, "it is read meanwhile");
    // In a folder there is no such question.
    let session = opened(dir.path(), |session| session.open.sources.iter().any(|source| source.events == 2) && !session.activity.is_busy());
    assert_eq!(session.dialog, None);
}

#[test]
fn a_table_that_is_known_can_be_asked_about_too() {
    use residue::app::{CaseCommand, Dialog};
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/l2tcsv.csv");
    let (sender, woken) = mpsc::channel();
    let wake = Arc::new(move || {
        let _ = sender.send(());
    });
    let mut session = residue::app::Session::new(Arc::new(residue::app::Real::new("CPU".into())), wake, None).unwrap();
    session.apply(CaseCommand::Open(vec![path]));
    let mut asked = false;
    while session.dialog != Some(Dialog::Mapping) {
        woken.recv_timeout(LONG).expect("the engine says something");
        session.logic(Instant::now());
        if !asked && session.open.sources.first().is_some_and(|source| source.events > 0) && !session.activity.is_busy() {
            session.apply(CaseCommand::MapColumns(0));
            asked = true;
        }
    }
    let form = session.open.mapping.clone().unwrap();
    assert_eq!((form.format.as_deref(), form.chosen), (Some("plaso l2tcsv"), false));
    assert!(form.preview.header.iter().any(|column| column == "MACB") && !form.mapping.time.is_empty());
    session.apply(CaseCommand::Close);
}
