//! What an action costs the window's thread where a million annotations are in the case.

use super::speed::{Nobody, timed};
use crate::case::{awkward, ingest, runs, sha};
use eframe::egui::{Context, Pos2, RawInput, Rect, vec2};
use residue::app::{CaseCommand, Column, Command, Dialog, MarkCommand, NarrowCommand, Real, SelectionCommand, Session, ViewCommand, WindowCommand};
use residue::case::{Case, Change, Target, Unit};
use residue::control::Control;
use residue::domain::{DetectorId, EventKey};
use residue::ui::Window;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MANY: u64 = 1_000_000;
/// Milliseconds.
const BOUND: f64 = 50.0;

struct Bench {
    ctx: Context,
    window: Window,
    frame: eframe::Frame,
    /// Longest frame since it was last asked.
    longest: f64,
    time: f64,
}

impl Bench {
    fn frame(&mut self, command: Option<Command>) -> f64 {
        self.time += 1.0 / 60.0;
        let input =
            RawInput { screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1920.0, 1080.0))), time: Some(self.time), focused: true, ..RawInput::default() };
        let took = timed(&self.ctx, &mut self.window, &mut self.frame, input, command);
        self.longest = self.longest.max(took);
        took
    }

    fn settle(&mut self) {
        let begin = Instant::now();
        loop {
            self.frame(None);
            let s = &self.window.session;
            if s.open.view.order.is_some() && !s.activity.is_busy() && !s.open.view.is_building() && !s.open.drill.is_waiting() && s.open.marks.is_all_kept() {
                return;
            }
            assert!(begin.elapsed() < Duration::from_mins(10));
            std::thread::park_timeout(Duration::from_millis(3));
        }
    }

    /// Carries commands out, each until it has settled; says and holds to its bound the longest frame.
    fn act(&mut self, what: &str, commands: impl IntoIterator<Item = Command>) -> f64 {
        self.longest = 0.0;
        let (begin, mut times) = (Instant::now(), 0);
        for command in commands {
            self.frame(Some(command));
            self.settle();
            times += 1;
        }
        let settled = begin.elapsed().as_secs_f64() * 1e3 / f64::from(times);
        println!("{what:<34} longest frame {:>7.2} ms; settled after {settled:>8.1} ms", self.longest);
        self.longest
    }
}

fn made(dir: &Path) {
    let case = Case::create(dir).unwrap();
    for n in 0..2 {
        ingest(&case, &format!("{n}.evtx"), &sha(n), &awkward(100, n));
    }
    case.store_run(&runs::report(DetectorId::Fields, MANY), &mut |index| runs::contributions(index), &Control::silent()).unwrap();
    let sources = case.sources();
    let targets: Vec<Target> = (0..MANY)
        .map(|n| EventKey { source: (n % 2) as u32, part: 0, record: n + 1 })
        .map(|key| Target::new(Unit::Subject, &sources[key.source as usize], key))
        .collect();
    let (flagged, rest) = targets.split_at(MANY as usize / 2);
    case.annotate(flagged, &Change::flag(true)).unwrap();
    for (tag, targets) in ["seen", "benign", "later"].iter().zip(rest.chunks(rest.len().div_ceil(3))) {
        case.annotate(targets, &Change { note: Some("looked at".into()), add_tags: vec![(*tag).into()], ..Change::default() }).unwrap();
    }
}

#[test]
#[ignore = "measures time, so it wants the machine for itself: cargo test --release --test it ui::million -- --ignored --nocapture"]
fn no_action_takes_fifty_milliseconds_among_a_million_annotations() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("m.residue");
    made(&dir);
    let ctx = Context::default();
    let session = Session::new(Arc::new(Real::new("CPU".into())), Arc::new(|| ()), None).unwrap();
    let window = Window::new(&ctx, session, Box::new(Nobody));
    let mut bench = Bench { ctx, window, frame: eframe::Frame::_new_kittest(), longest: 0.0, time: 0.0 };
    let mut worst = vec![bench.act("open the case", [CaseCommand::Open(vec![dir]).into()])];
    assert_eq!(bench.window.session.open.marks.flagged().len() as u64, MANY / 2);
    let index = |n: u64| (n * 7_919 % MANY) as u32;
    let mut each = |what: &str, make: &dyn Fn(u32) -> Vec<Command>| {
        worst.push(bench.act(what, (0..10).flat_map(|n| make(index(n)))));
    };
    each("select a row", &|n| vec![SelectionCommand::Select(n).into()]);
    each("flag, or take the flag away", &|n| vec![SelectionCommand::Select(n).into(), MarkCommand::ToggleFlag.into()]);
    each("undo", &|_| vec![MarkCommand::Undo.into()]);
    each("redo", &|_| vec![MarkCommand::Redo.into()]);
    each("tag", &|n| vec![SelectionCommand::Select(n).into(), MarkCommand::Tag("evil".into()).into()]);
    each("label", &|n| vec![SelectionCommand::Select(n).into(), MarkCommand::Label(residue::domain::Verdict::Malicious).into()]);
    each("note", &|n| vec![MarkCommand::Note(EventKey { source: n % 2, part: 0, record: u64::from(n) + 1 }, format!("note {n}")).into()]);
    each("next flagged", &|_| vec![SelectionCommand::NextFlagged(1).into()]);
    each("flagged only, and all again", &|_| vec![NarrowCommand::FlaggedOnly.into()]);
    each("flag while the list is sifted", &|n| vec![NarrowCommand::Search(format!("tag:seen note:{n}")).into(), MarkCommand::ToggleFlag.into()]);
    each("the export dialog", &|_| vec![WindowCommand::Dialog(Some(Dialog::Export)).into(), WindowCommand::Dialog(None).into()]);
    each("search tags", &|n| vec![NarrowCommand::Search(["tag:evil", "+tag:later +note:looked", ""][n as usize % 3].into()).into()]);
    each("sort by count, and by rank", &|n| vec![ViewCommand::Sort(if n % 2 == 0 { Column::Count } else { Column::Rank }).into()]);
    let marks = &bench.window.session.open.marks;
    assert!(marks.is_all_kept() && marks.tagged("evil") == 10);
    worst.push(bench.frame(Some(CaseCommand::Close.into())));
    println!("close the case: {:.2} ms", worst[worst.len() - 1]);
    let longest = worst.into_iter().fold(0.0, f64::max);
    assert!(longest < BOUND, "an action takes {longest:.1} ms");
}
