//! What a frame costs us, without a renderer: dragging the threshold, scrolling, moving the selection.

use super::fake::Fake;
use eframe::App;
use eframe::egui::{self, Context, Event, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, RawInput, Rect, pos2, vec2};
use residue::app::{Activity, BrowseCommand, CaseCommand, Command, NarrowCommand, Pick, Session};
use residue::ui::{Picker, Window};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Lays out the drill-down of another subject every frame: timed, but not held to the bound of dragging and scrolling.
const WALK: &str = "walk the rows";

pub(super) struct Nobody;

impl Picker for Nobody {
    fn pick(&mut self, _: Pick, _: Context) {}
    fn picked(&mut self) -> Vec<(Pick, Vec<PathBuf>)> {
        vec![]
    }
}

struct Bench {
    ctx: Context,
    window: Window,
    frame: eframe::Frame,
    time: f64,
}

impl Bench {
    fn new(subjects: usize) -> Self {
        let ctx = Context::default();
        let mut bench = Self::on(ctx, Arc::new(Fake::new(subjects)));
        bench.window.session.apply(CaseCommand::Demo);
        let begin = Instant::now();
        loop {
            bench.frame(vec![]);
            let s = &bench.window.session;
            if s.activity == Activity::Idle && s.open.view.order.is_some() && !s.open.view.is_building() {
                break;
            }
            assert!(begin.elapsed() < Duration::from_mins(10));
        }
        for _ in 0..5 {
            bench.frame(vec![]);
        }
        bench
    }

    fn on(ctx: Context, engine: Arc<dyn residue::app::Engine>) -> Self {
        let session = Session::new(engine, Arc::new(|| ()), None).unwrap();
        let window = Window::new(&ctx, session, Box::new(Nobody));
        Self { ctx, window, frame: eframe::Frame::_new_kittest(), time: 0.0 }
    }

    /// Frames, as fast as a screen wants them, while something is under way; what each took.
    fn frames_while(&mut self, under_way: impl Fn(&Session) -> bool) -> Vec<f64> {
        let mut times = vec![self.frame(vec![])];
        while under_way(&self.window.session) {
            std::thread::park_timeout(Duration::from_millis(12));
            times.push(self.frame(vec![]));
        }
        times
    }

    /// One frame with these events: logic, panels, commands; milliseconds.
    fn frame(&mut self, events: Vec<Event>) -> f64 {
        self.time += 1.0 / 60.0;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1920.0, 1080.0))),
            time: Some(self.time),
            events,
            focused: true,
            ..RawInput::default()
        };
        timed(&self.ctx, &mut self.window, &mut self.frame, input, None)
    }

    fn settle(&mut self) {
        for _ in 0..2000 {
            self.frame(vec![]);
            if !self.window.session.open.view.is_building() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

/// A command, if any, and one frame; milliseconds, of processor time where the system tells it.
pub(super) fn timed(ctx: &Context, window: &mut Window, frame: &mut eframe::Frame, input: RawInput, command: Option<Command>) -> f64 {
    let (begin, on) = (Instant::now(), on_processor());
    if let Some(command) = command {
        window.session.apply(command);
    }
    let output = ctx.run_ui(input, |ui| {
        window.logic(&ui.ctx().clone(), frame);
        window.ui(ui, frame);
    });
    let took = match (on, on_processor()) {
        (Some(on), Some(now)) => now - on,
        _ => begin.elapsed().as_secs_f64() * 1e3,
    };
    output.drop_without_applying_deltas();
    took
}

/// Milliseconds this thread has spent on a processor, where the system tells: what other work on the machine does not change.
fn on_processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e6)
}

struct Figures {
    mean: f64,
    p95: f64,
}

/// The system counts a running thread's time in steps of some milliseconds, so that only the mean over many frames is exact.
fn figures(mut times: Vec<f64>) -> Figures {
    times.sort_by(f64::total_cmp);
    Figures { mean: times.iter().sum::<f64>() / times.len() as f64, p95: times[((times.len() - 1) as f64 * 0.95) as usize] }
}

/// Resident memory in MiB, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

fn measure(subjects: usize) -> Vec<(&'static str, Figures)> {
    let before = resident();
    let mut bench = Bench::new(subjects);
    let after = resident();
    let mut results = vec![];
    let button = |pos, pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
    // The handle stands where the threshold is; it is found by its id.
    let handle = bench.ctx.read_response(egui::Id::unique("threshold")).expect("a threshold").rect.center();
    bench.frame(vec![Event::PointerMoved(handle)]);
    bench.frame(vec![button(handle, true)]);
    let from = bench.window.session.open.view.above();
    let drag = (0..240).map(|i| {
        let x = handle.x - 4.0 - 300.0 * ((i as f32 / 40.0).sin().abs());
        bench.frame(vec![Event::PointerMoved(pos2(x, handle.y))])
    });
    results.push(("drag the threshold", figures(drag.collect())));
    assert_ne!(bench.window.session.open.view.above(), from, "the drag moved it");
    bench.frame(vec![button(handle, false)]);
    let table = pos2(900.0, 800.0);
    bench.frame(vec![Event::PointerMoved(table)]);
    let wheel = |dy: f32| Event::MouseWheel {
        source: egui::MouseWheelSource::Wheel,
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, dy),
        modifiers: Modifiers::NONE,
        phase: egui::TouchPhase::Move,
    };
    let scroll = (0..240).map(|_| bench.frame(vec![wheel(-137.0)]));
    results.push(("scroll", figures(scroll.collect())));
    let key = |key| Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE };
    let step = (0..120).map(|_| bench.frame(vec![key(Key::ArrowDown)]));
    results.push((WALK, figures(step.collect())));
    let begin = Instant::now();
    bench.frame(vec![Event::Key { key: Key::Num3, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::COMMAND }]);
    let first = begin.elapsed();
    bench.settle();
    eprintln!(
        "{subjects:>9} subjects: rank by another measure: the window answers in {:.1} ms, the new order is there after {:.0} ms",
        first.as_secs_f64() * 1e3,
        begin.elapsed().as_secs_f64() * 1e3
    );
    if let (Some(before), Some(after)) = (before, after) {
        eprintln!("{subjects:>9} subjects: {after} MiB resident, {before} before");
    }
    for (what, f) in &results {
        eprintln!("{subjects:>9} subjects: {what:<20} {:.2} ms a frame (mean), {:.2} (95 %)", f.mean, f.p95);
    }
    results
}

fn bound(subjects: usize, most: f64) {
    for (what, f) in measure(subjects).into_iter().filter(|(what, _)| *what != WALK) {
        assert!(f.mean < most, "{what} takes {:.2} ms a frame", f.mean);
    }
}

#[test]
#[ignore = "measures time, so it wants the machine for itself: cargo test --release --test it ui::speed::ten_thousand -- --ignored --nocapture"]
fn ten_thousand_and_a_million_subjects_take_under_four_milliseconds_a_frame() {
    bound(10_000, 4.0);
    bound(1_000_000, 4.0);
}

#[test]
#[ignore = "needs 6 GB of memory: cargo test --release --test it ui::speed -- --ignored --nocapture --test-threads 1"]
fn ten_million_subjects_take_under_four_milliseconds_a_frame() {
    bound(10_000_000, 4.0);
}

#[test]
#[ignore = "wants a big case: RESIDUE_CASE=CASE.residue cargo test --release --test it ui::speed::frames -- --ignored --nocapture"]
fn frames_stay_short_while_a_big_case_is_searched_sorted_and_grouped() {
    let Some(case) = std::env::var_os("RESIDUE_CASE") else {
        crate::support::skipped("RESIDUE_CASE names no case");
        return;
    };
    let mut bench = Bench::on(Context::default(), Arc::new(residue::app::Real::new("CPU".into())));
    bench.window.session.apply(CaseCommand::Open(vec![case.into()]));
    bench.frames_while(|s| s.case().is_none() || s.activity.is_busy());
    let search = |text: &str| Command::from(NarrowCommand::Search(text.into()));
    let image = residue::case::search::Column::Image;
    for command in [
        BrowseCommand::ToggleEvents.into(),
        search("powershell"),
        search("fields:0x3e7"),
        search(""),
        BrowseCommand::SortEvents(image).into(),
        BrowseCommand::GroupEvents(Some(image)).into(),
    ] {
        let what = format!("{command:?}");
        let begin = Instant::now();
        bench.window.session.apply(command);
        let f = figures(bench.frames_while(|s| s.open.browse.is_waiting()));
        eprintln!("{what}: {:.0} ms; {:.2} ms a frame (mean), {:.2} (95 %)", begin.elapsed().as_secs_f64() * 1e3, f.mean, f.p95);
        assert!(bench.window.session.open.browse.fault.is_none() && f.mean < 4.0, "{what} takes {:.2} ms a frame", f.mean);
    }
    eprintln!("{} events, {:?} MiB resident", bench.window.session.open.browse.total(), resident());
}
