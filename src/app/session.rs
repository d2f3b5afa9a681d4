//! The session: what belongs to the window for as long as it runs (the shell), and what belongs to the open case. Nothing here waits.

use crate::app::background::{Background, Wake};
use crate::app::command::{Dialog, Wish};
use crate::app::engine::{Engine, Unsaved};
use crate::app::open::{CaseId, Choices, OpenCase};
use crate::app::pace::{Activity, Job, Pace};
use crate::app::prefs::Prefs;
use crate::app::workers::Desk;
use crate::app::writer::{Writer, Written};
use crate::case::Case;
use crate::control::Notice;
use crate::engine::Work;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The session.
pub struct Session {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) wake: Wake,
    /// Opens and analyses.
    pub(super) jobs: Desk,
    /// Answers questions about what is selected; the newest question wins.
    pub(super) questions: Desk,
    pub(super) records: Desk,
    /// Exports, imports, looks for indicators.
    pub(super) side: Desk,
    pub(super) writer: Writer,
    pub(super) prefs_place: Option<PathBuf>,
    pub(super) wishes: Vec<Wish>,
    pub(super) unsaved_found: Background<Vec<Unsaved>>,
    cases: u64,
    /// What belongs to the open case; replaced whole when it is closed.
    pub open: OpenCase,
    /// What the analyst's window looks like.
    pub prefs: Prefs,
    /// Unsaved cases of windows that are gone, newest first.
    pub unsaved: Vec<Unsaved>,
    /// Which device trains, and why.
    pub device: String,
    /// Whether an export is being written.
    pub exporting: bool,
    /// What runs.
    pub activity: Activity,
    /// How far it is.
    pub pace: Pace,
    /// What is worth knowing, oldest first.
    pub notices: Vec<Notice>,
    /// How many of them were looked at.
    pub seen_notices: usize,
    /// What stands over the window.
    pub dialog: Option<Dialog>,
    /// The newest thing that was done, for the status bar.
    pub said: Option<(String, Instant)>,
}

impl Session {
    /// Most notices kept; the oldest go first.
    const NOTICES: usize = 2_000;
    /// How long draining may take.
    pub(super) const BUDGET: Duration = Duration::from_millis(10);

    /// A session without a case. `wake` is called from other threads when there is something to drain.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(engine: Arc<dyn Engine>, wake: Wake, prefs_place: Option<PathBuf>) -> std::io::Result<Self> {
        let open = OpenCase::new(CaseId(0), Choices::default(), &wake);
        let desk = || Desk::new(&wake, open.whose());
        let mut session = Self {
            jobs: desk()?,
            questions: desk()?,
            records: desk()?,
            side: desk()?,
            writer: Writer::new(Arc::clone(&wake))?,
            unsaved_found: Background::new(Arc::clone(&wake)),
            cases: 0,
            device: engine.device(),
            prefs: Prefs::read(prefs_place.as_deref()),
            prefs_place,
            engine,
            open,
            wishes: vec![],
            unsaved: vec![],
            exporting: false,
            activity: Activity::Idle,
            pace: Pace::default(),
            notices: vec![],
            seen_notices: 0,
            dialog: None,
            said: None,
            wake,
        };
        session.find_unsaved(None);
        Ok(session)
    }

    /// The open case.
    #[must_use]
    pub fn case(&self) -> Option<&Case> {
        self.open.case()
    }

    /// What only the window can do.
    pub fn take_wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// Takes the open case out and puts an empty one with an identity of its own in its place.
    pub(super) fn replace(&mut self, choices: Choices) -> OpenCase {
        self.cases += 1;
        std::mem::replace(&mut self.open, OpenCase::new(CaseId(self.cases), choices, &self.wake))
    }

    /// Runs a job on the main worker.
    pub(super) fn run(&mut self, job: Job, work: Work) {
        self.jobs.submit(self.open.whose(), work);
        self.activity = Activity::Busy(job);
        self.pace = Pace::default();
    }

    /// Asks about a subject or event; only the newest question is answered.
    pub(super) fn ask(&mut self, work: Work) {
        self.questions.submit(self.open.whose(), work);
    }

    /// Runs a job beside the main one.
    pub(super) fn aside(&mut self, work: Work) {
        self.side.submit(self.open.whose(), work);
    }

    /// Queues a write that concerns the open case.
    pub(super) fn write(&self, write: impl FnOnce() -> Written + Send + 'static) {
        self.writer.write(self.open.whose(), write);
    }

    /// Remembers a notice.
    pub(super) fn notice(&mut self, notice: Notice) {
        if self.notices.len() == Self::NOTICES {
            self.notices.remove(0);
            self.seen_notices = self.seen_notices.saturating_sub(1);
        }
        self.notices.push(notice);
    }

    /// Says something in the status bar.
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.said = Some((text.into(), Instant::now()));
    }
}
