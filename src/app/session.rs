//! The session: an open case, its rankings, and everything the window draws. Nothing here waits.

use crate::app::background::{Background, Wake};
use crate::app::browse::Browse;
use crate::app::command::{Dialog, Wish};
use crate::app::drill::Drill;
use crate::app::engine::{Engine, Unsaved};
use crate::app::export::ExportForm;
use crate::app::lexicon::Lexicon;
use crate::app::marks::Marks;
use crate::app::ordinary::OrdinaryForm;
use crate::app::pace::{Activity, Pace};
use crate::app::prefs::Prefs;
use crate::app::search::Matcher;
use crate::app::undo::Undo;
use crate::app::view::{Sieve, View};
use crate::app::writer::Writer;
use crate::case::Case;
use crate::control::{Control, Notice};
use crate::domain::{CurvePoint, DetectorId, Ledger, Plan, Suppression, Threshold};
use crate::engine::jobs::Question;
use crate::engine::{Compared, Coverage, Findings, Fusion, Ranking, Work, Worker, fuse, holds_findings, without};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is known of a detector on this case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Readiness {
    /// Not asked yet.
    #[default]
    Unknown,
    /// Can run.
    Ready,
    /// Cannot, and why.
    Cannot(String),
    /// Running now.
    Running,
}

/// The session.
pub struct Session {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) jobs: Worker,
    pub(super) questions: Worker,
    pub(super) records: Worker,
    pub(super) side: Worker,
    pub(super) writer: Writer,
    pub(super) prefs_place: Option<PathBuf>,
    pub(super) case: Option<Case>,
    pub(super) dragged_from: Option<f64>,
    pub(super) recalled: Option<DetectorId>,
    pub(super) auto_analyse: bool,
    pub(super) is_demo: bool,
    pub(super) unsaved_found: Background<Vec<Unsaved>>,
    pub(super) mapping_found: Background<crate::app::mapping::Looked>,
    /// Tables whose columns were asked about.
    pub(super) mapping_asked: BTreeSet<String>,
    /// Files that were opened by themselves, until they are read.
    pub(super) opened_files: Vec<PathBuf>,
    /// Whether an export is being written.
    pub exporting: bool,
    /// The dialog about a table's columns.
    pub mapping: Option<crate::app::mapping::MappingForm>,
    /// Unsaved cases of windows that are gone, newest first.
    pub unsaved: Vec<Unsaved>,
    /// Zone in which local times of evidence are read.
    pub evidence_zone: String,
    pub(super) late: Vec<(crate::domain::EventKey, crate::app::marks::Mark)>,
    /// The ledger.
    pub sources: Arc<Vec<Ledger>>,
    /// The case's name, or what was opened.
    pub title: String,
    /// What the analyst's window looks like.
    pub prefs: Prefs,
    /// What the next analysis does.
    pub plan: Plan,
    /// Detectors that are to take part.
    pub chosen: BTreeSet<DetectorId>,
    /// What is known of each.
    pub readiness: BTreeMap<DetectorId, Readiness>,
    /// Rankings that are there.
    pub rankings: BTreeMap<DetectorId, Ranking>,
    /// Sources of this case used as known-good.
    pub known_good: BTreeSet<PathBuf>,
    /// The ranking on the screen.
    pub view: View,
    /// The words that were learned.
    pub lexicon: Lexicon,
    /// The panel at the right.
    pub drill: Drill,
    /// The list of all events.
    pub browse: Browse,
    /// Flags, notes, tags.
    pub marks: Marks,
    pub(super) marks_read: Background<Marks>,
    /// How many rows of the ranking are flagged, for the export dialog.
    pub(super) flagged_rows: Option<usize>,
    pub(super) flagged_counted: Background<usize>,
    /// What rules found among the events.
    pub findings: Arc<Findings>,
    pub(super) findings_read: Background<Result<Findings, String>>,
    /// What the logs cover.
    pub coverage: Option<Arc<Coverage>>,
    /// What networks made of the labels, in the order in which they were trained.
    pub compared: Vec<Compared>,
    pub(super) covering: Background<Result<Coverage, String>>,
    /// All detectors in one list, once it was asked for.
    pub fusion: Option<Fusion>,
    /// The rankings it is made of, without what was called ordinary.
    pub fused: Vec<Ranking>,
    pub(super) fusing: Background<(Vec<Ranking>, Fusion)>,
    /// What was called ordinary.
    pub rules: Arc<Suppression>,
    /// The dialog that calls something ordinary.
    pub ordinary: OrdinaryForm,
    /// What can be taken back.
    pub undo: Undo,
    /// Training of the detector that runs, or ran last.
    pub curve: Vec<CurvePoint>,
    /// Which detector that is.
    pub curve_of: Option<DetectorId>,
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
    /// The export dialog.
    pub export: ExportForm,
    /// The newest thing that was done, for the status bar.
    pub said: Option<(String, Instant)>,
    /// Why the search text cannot be understood.
    pub search_fault: Option<String>,
    /// Which device trains, and why.
    pub device: String,
    pub(super) search: Option<Arc<crate::case::search::Search>>,
    pub(super) wishes: Vec<Wish>,
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
        let worker = || {
            let wake = Arc::clone(&wake);
            Worker::new(move || wake())
        };
        let device = engine.device();
        let mut session = Self {
            engine,
            jobs: worker()?,
            questions: worker()?,
            records: worker()?,
            side: worker()?,
            writer: Writer::new(Arc::clone(&wake))?,
            prefs: Prefs::read(prefs_place.as_deref()),
            prefs_place,
            case: None,
            dragged_from: None,
            recalled: None,
            auto_analyse: false,
            exporting: false,
            is_demo: false,
            unsaved_found: Background::new(Arc::clone(&wake)),
            mapping_found: Background::new(Arc::clone(&wake)),
            mapping_asked: BTreeSet::new(),
            opened_files: vec![],
            mapping: None,
            unsaved: vec![],
            evidence_zone: "UTC".into(),
            late: vec![],
            sources: Arc::default(),
            title: String::new(),
            plan: Plan::standard(),
            chosen: DetectorId::ALL.into(),
            readiness: BTreeMap::new(),
            rankings: BTreeMap::new(),
            known_good: BTreeSet::new(),
            lexicon: Lexicon::new(Arc::clone(&wake)),
            view: View::new(Arc::clone(&wake)),
            drill: Drill::default(),
            browse: Browse::new(Arc::clone(&wake)),
            marks: Marks::default(),
            marks_read: Background::new(Arc::clone(&wake)),
            flagged_rows: None,
            flagged_counted: Background::new(Arc::clone(&wake)),
            findings: Arc::default(),
            findings_read: Background::new(Arc::clone(&wake)),
            coverage: None,
            compared: vec![],
            covering: Background::new(Arc::clone(&wake)),
            fusion: None,
            fused: vec![],
            fusing: Background::new(Arc::clone(&wake)),
            rules: Arc::default(),
            ordinary: OrdinaryForm::default(),
            undo: Undo::default(),
            curve: vec![],
            curve_of: None,
            activity: Activity::Idle,
            pace: Pace::default(),
            notices: vec![],
            seen_notices: 0,
            dialog: None,
            export: ExportForm::default(),
            said: None,
            search_fault: None,
            device,
            search: None,
            wishes: vec![],
        };
        session.find_unsaved(None);
        Ok(session)
    }

    /// The open case.
    #[must_use]
    pub fn case(&self) -> Option<&Case> {
        self.case.as_ref()
    }

    /// The nearest ordinary subject to the selected one; found when it was selected.
    #[must_use]
    pub fn nearest_ordinary(&self) -> Option<u32> {
        self.drill.ordinary
    }

    /// What only the window can do.
    pub fn take_wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// Reads what the case's analysts said: at once where it is little, else on a thread.
    pub(super) fn read_marks(&mut self, case: &Case) {
        if case.annotations().len() <= View::SMALL {
            self.marks_read.forget();
            self.marks.load(Marks::of(self.engine.marks(case)));
            self.refilter(true);
            return;
        }
        self.marks.reading();
        let (engine, case) = (Arc::clone(&self.engine), case.clone());
        self.marks_read.start(move |_| Some(Marks::of(engine.marks(&case))));
    }

    /// Reads what the logs cover, on a thread.
    pub(super) fn cover(&mut self) {
        let Some(case) = self.case.clone() else { return };
        self.covering.start(move |_| Some(crate::engine::coverage(case.snapshot().as_ref(), &Control::silent()).map_err(|e| e.to_string())));
    }

    /// Puts all rankings into one list, on a thread.
    pub(super) fn combine(&mut self) {
        (self.fusion, self.fused) = (None, vec![]);
        let rankings: Vec<Ranking> = self.rankings.values().cloned().collect();
        let (rules, sources) = (Arc::clone(&self.rules), Arc::clone(&self.sources));
        self.fusing.start(move |_| {
            let rest: Vec<Ranking> = rankings.iter().map(|r| without(r, &rules, Threshold::Value(r.report.threshold), &sources).0).collect();
            let fusion = fuse(&rest);
            Some((rest, fusion))
        });
    }

    /// Reads again what rules found, where a source says so.
    pub(super) fn find_rules(&mut self) {
        let Some(case) = self.case.clone().filter(|_| self.sources.iter().any(holds_findings)) else { return };
        self.findings_read.start(move |_| Some(Findings::read(&case.snapshot(), &Control::silent()).map_err(|e| e.to_string())));
    }

    /// Shows a ranking and asks again about the selection.
    pub(super) fn show(&mut self, ranking: Ranking) {
        let sieve = self.sieve();
        self.view.show(ranking, &sieve);
        self.look_at_selection();
    }

    /// Runs a job on the main worker.
    pub(super) fn run(&mut self, word: &'static str, work: Work) {
        self.jobs.submit(work);
        self.activity = Activity::Busy(word);
        self.pace = Pace::default();
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

    /// What the table is sifted with.
    pub(super) fn sieve(&self) -> Sieve {
        let search = self.search.clone().map(|search| Matcher {
            search,
            marks: self.marks.all().clone(),
            sources: Arc::clone(&self.sources),
            findings: Arc::clone(&self.findings),
        });
        Sieve {
            search,
            flagged: Arc::clone(self.marks.flagged()),
            rules: Arc::clone(&self.rules),
            findings: Arc::clone(&self.findings),
            sources: Arc::clone(&self.sources),
        }
    }

    /// Sifts again, and orders again when `reorder`.
    pub(super) fn refilter(&mut self, reorder: bool) {
        let sieve = self.sieve();
        self.view.rebuild(&sieve, reorder);
    }

    /// The ranking of process chains, where there is one.
    pub(super) fn chains(&self) -> Option<Ranking> {
        self.rankings.get(&DetectorId::Chains).cloned()
    }

    /// Asks about the selected subject.
    pub(super) fn look_at_selection(&mut self) {
        let (Some(index), Some(ranking), Some(case)) = (self.view.selected, self.view.ranking.clone(), self.case.clone()) else {
            self.drill = Drill::default();
            return;
        };
        let Some(subject) = ranking.report.subjects.get(index as usize) else { return };
        let key = subject.key;
        (self.drill.asked, self.drill.subject, self.drill.failure) = (Some(key), Some(index), None);
        self.drill.answer = None;
        self.drill.ordinary = self.view.nearest_ordinary();
        let question = Question { ranking: Some(ranking), index: Some(index as usize), key, chains: self.chains() };
        self.questions.submit(self.engine.ask(case, question));
    }
}
