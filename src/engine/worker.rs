//! The one thread that runs jobs for the window, so that the window's thread never waits.
//!
//! Events are few and all arrive (bounded channel); progress is frequent and only the newest counts (one slot). A panic ends the job, not the
//! thread. Events of a job that is no longer the newest are dropped when drained. The window has three: one for opening and analysing, one for
//! questions about what is selected (the newest question wins), one for exports and saves.

use crate::control::{CancelToken, Control, Notice, Progress, Reporter, RunError, panics};
use crate::domain::{Contribution, CurvePoint, DetectorId, Event, EventKey, Explain, Report};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Names one job; later jobs have higher numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

/// A ranked report and what explains it, by rank index (0 = rank 1).
#[derive(Clone)]
pub struct Ranking {
    /// The subjects, in rank order.
    pub report: Arc<Report>,
    /// Their contributions.
    pub explain: Arc<dyn Explain>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As asked.
    Done,
    /// Stopped on request; what was finished is kept.
    Cancelled,
    /// What failed, in words.
    Failed(String),
}

/// What happens while a job runs.
pub enum Happening {
    /// Something worth knowing.
    Notice(Notice),
    /// A case is open and can be looked at (more of its evidence may still be read).
    Opened(crate::case::Case),
    /// A detector began.
    Began(DetectorId),
    /// A detector cannot run, and why.
    CannotRun(DetectorId, String),
    /// One epoch of training; epoch 1 begins a new curve.
    Epoch(CurvePoint),
    /// A ranking is there: the first one by counting, then the final one.
    Ranked(Ranking),
    /// What a question about one subject or event found out.
    Answered(Box<Answer>),
    /// An event's raw record as XML, or a line that says why it cannot be shown.
    Rendered(EventKey, Result<String, String>),
    /// The process tree around the event that was asked about.
    Grown(Box<super::tree::Tree>),
    /// Rows were written to a file.
    Exported {
        /// Where.
        path: PathBuf,
        /// How many.
        rows: u64,
    },
    /// Annotations were read from a file.
    Imported(super::Imported),
    /// A network was trained beside others.
    Compared(Box<super::Compared>),
    /// A list of indicators was looked for.
    Met(super::Met),
    /// The job is over; nothing follows.
    Ended(Outcome),
}

/// All that the drill-down shows of one subject or event.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Which event was asked about.
    pub key: EventKey,
    /// The event itself, with its payload.
    pub event: Option<Event>,
    /// Why its subject scored so, largest first; empty for a plain event.
    pub contributions: Vec<Contribution>,
    /// Events before and after it on the same computer, in time order, itself among them.
    pub around: Vec<(EventKey, Event)>,
    /// What stands in base64 inside it, as text; never run.
    pub decoded: Vec<String>,
    /// The whole script block that it holds a piece of.
    pub script: Option<super::Script>,
}

/// A happening and the job it belongs to.
pub struct WorkerEvent {
    /// Which job.
    pub job: JobId,
    /// What happened.
    pub what: Happening,
}

/// What a job speaks through besides its [`Control`].
pub trait Emit: Send + Sync {
    /// Sends one happening; blocks while the window is behind, returns at once when it is gone.
    fn emit(&self, what: Happening);
    /// Whether rankings by counting alone are looked at while networks are trained; where they are not, they are not made.
    fn wants_first_rankings(&self) -> bool {
        true
    }
}

/// A job: runs on the worker's thread.
pub type Work = Box<dyn FnOnce(&Control, &dyn Emit) -> Result<(), RunError> + Send>;

struct Shared {
    events: Sender<WorkerEvent>,
    progress: Mutex<Option<(JobId, Progress)>>,
    woken: Mutex<Option<Instant>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    fn send(&self, job: JobId, what: Happening) {
        // A closed channel means that the window is gone: nobody is left to tell.
        if self.events.send(WorkerEvent { job, what }).is_ok() {
            (self.wake)();
        }
    }
}

/// Locks, whatever a panicking holder left: the values inside are replaced whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Voice {
    job: JobId,
    shared: Arc<Shared>,
}

impl Reporter for Voice {
    fn progress(&self, progress: Progress) {
        *lock(&self.shared.progress) = Some((self.job, progress));
        let mut woken = lock(&self.shared.woken);
        if woken.is_none_or(|at| at.elapsed() >= Worker::PROGRESS_EVERY) {
            *woken = Some(Instant::now());
            drop(woken);
            (self.shared.wake)();
        }
    }

    fn notice(&self, notice: Notice) {
        self.shared.send(self.job, Happening::Notice(notice));
    }

    fn epoch(&self, point: CurvePoint) {
        self.shared.send(self.job, Happening::Epoch(point));
    }
}

impl Emit for Voice {
    fn emit(&self, what: Happening) {
        self.shared.send(self.job, what);
    }
}

/// The worker. Dropping it cancels the running job and waits for it at most [`Worker::PATIENCE`].
pub struct Worker {
    jobs: Option<Sender<(JobId, CancelToken, Work)>>,
    events: Option<Receiver<WorkerEvent>>,
    shared: Arc<Shared>,
    newest: AtomicU64,
    cancel: Mutex<CancelToken>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Least time between two wake-ups for progress alone (20 Hz).
    pub const PROGRESS_EVERY: Duration = Duration::from_millis(50);
    /// How long a drop waits for a job that is being cancelled.
    pub const PATIENCE: Duration = Duration::from_secs(3);
    const QUEUE: usize = 1024;

    /// Starts the thread. `wake` is called from it whenever there is something to drain.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        let (jobs, queue) = unbounded::<(JobId, CancelToken, Work)>();
        let (sender, events) = bounded(Self::QUEUE);
        let shared = Arc::new(Shared { events: sender, progress: Mutex::default(), woken: Mutex::default(), wake: Box::new(wake) });
        let there = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("worker".into()).spawn(move || {
            for (job, cancel, work) in queue {
                run(job, cancel, work, &there);
            }
        })?;
        Ok(Self { jobs: Some(jobs), events: Some(events), shared, newest: AtomicU64::new(0), cancel: Mutex::default(), thread: Some(thread) })
    }

    /// Cancels what runs and queues a new job, which becomes the newest one.
    pub fn submit(&self, work: Work) -> JobId {
        let mut current = lock(&self.cancel);
        current.cancel();
        *current = CancelToken::default();
        let job = JobId(self.newest.fetch_add(1, Ordering::AcqRel) + 1);
        if let Some(jobs) = &self.jobs {
            // The thread outlives the sender, so that a send cannot fail before the drop.
            if jobs.send((job, current.clone(), work)).is_err() {
                self.shared.send(job, Happening::Ended(Outcome::Failed("the worker has ended; start Residue again".into())));
            }
        }
        job
    }

    /// Asks the newest job to stop; it says [`Outcome::Cancelled`] when it has.
    pub fn cancel(&self) {
        lock(&self.cancel).cancel();
    }

    /// Takes what happened to the newest job, for at most `budget`; what older jobs still said is dropped.
    pub fn drain(&self, budget: Duration) -> Vec<WorkerEvent> {
        let (begin, newest) = (Instant::now(), JobId(self.newest.load(Ordering::Acquire)));
        let Some(events) = &self.events else { return vec![] };
        let mut taken = vec![];
        while let Ok(event) = events.try_recv() {
            if event.job == newest {
                taken.push(event);
            }
            if begin.elapsed() > budget {
                break;
            }
        }
        taken
    }

    /// Whether something happened that was not taken yet.
    pub fn has_more(&self) -> bool {
        self.events.as_ref().is_some_and(|events| !events.is_empty())
    }

    /// How far the newest job is; `None` before it says so and after it ended.
    pub fn progress(&self) -> Option<Progress> {
        let newest = JobId(self.newest.load(Ordering::Acquire));
        lock(&self.shared.progress).as_ref().filter(|(job, _)| *job == newest).map(|(_, progress)| progress.clone())
    }
}

fn run(job: JobId, cancel: CancelToken, work: Work, shared: &Arc<Shared>) {
    let voice = Arc::new(Voice { job, shared: Arc::clone(shared) });
    let control = Control { cancel, reporter: Arc::<Voice>::clone(&voice) };
    let begin = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| control.check().and_then(|()| work(&control, voice.as_ref()))));
    *lock(&shared.progress) = None;
    let outcome = match result {
        Ok(Ok(())) => Outcome::Done,
        Ok(Err(RunError::Cancelled)) => Outcome::Cancelled,
        Ok(Err(error)) => Outcome::Failed(error.to_string()),
        Err(panic) => Outcome::Failed(format!("this job ended early, the case is unharmed: {}", panics::internal_error(panic.as_ref()))),
    };
    let end = match &outcome {
        Outcome::Done => "done",
        Outcome::Cancelled => "cancelled",
        Outcome::Failed(_) => "failed, a notice says why",
    };
    tracing::info!("job {} of a worker ended after {} ms: {end}", job.0, begin.elapsed().as_millis());
    shared.send(job, Happening::Ended(outcome));
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.cancel();
        self.jobs = None;
        self.events = None;
        let begin = Instant::now();
        if let Some(thread) = self.thread.take() {
            while !thread.is_finished() && begin.elapsed() < Self::PATIENCE {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            if thread.is_finished() && thread.join().is_err() {
                // Jobs are caught one by one; only `wake` itself could panic here, and there is no one left to tell.
            }
        }
    }
}
