//! `residue demo`: the built-in case in the window, or on the terminal where there is no window to be had.

use super::args::{DemoArgs, ProgressMode};
use super::{Status, control, print, printable};
use crate::case::Case;
use crate::control::RunError;
use crate::domain::{Plan, Report, time};
use crate::engine::{self, jobs};

pub(super) fn run(args: &DemoArgs) -> Result<Status, RunError> {
    let why = if args.headless {
        "as asked"
    } else if has_display() {
        match crate::ui::run(vec![], true) {
            Ok(()) => return Ok(Status::Done),
            Err(_) => "the window could not be opened",
        }
    } else {
        "there is no display"
    };
    headless(args.progress, why)
}

/// Windows and macOS always have one; elsewhere the environment says.
fn has_display() -> bool {
    cfg!(any(windows, target_os = "macos")) || ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|n| std::env::var_os(n).is_some_and(|v| !v.is_empty()))
}

fn headless(mode: ProgressMode, why: &str) -> Result<Status, RunError> {
    let (control, terminal) = control(mode);
    control.info(format!("the demo runs on the terminal: {why}"));
    let evidence = jobs::demo_evidence(&control)?;
    let case = Case::temporary()?;
    let result = engine::read_into(&case, &[evidence], None, &control).and_then(|_| engine::analyse(&case, &Plan::standard(), &control, terminal.as_ref()));
    terminal.clear();
    let text = result.map(|analysis| analysis.rankings.iter().map(|r| top(&r.report)).collect::<Vec<_>>().join("\n"));
    print(&text?)
}

/// The first ten of a ranking, in words.
fn top(report: &Report) -> String {
    let above = report.subjects.iter().filter(|s| s.score >= report.threshold).count();
    let mut text =
        format!("{}: {} subjects, {above} above {:.2} ({})\n", report.detector.title(), report.subjects.len(), report.threshold, report.rank_by.title());
    for subject in report.subjects.iter().take(10) {
        let when = subject.first_seen.map(time::iso).unwrap_or_default();
        let when = when.get(..19).unwrap_or("no time");
        let title: String = subject.title.chars().take(110).collect();
        text += &format!("{:>3} {:>8.2}  {when}  {:<12} {}\n", subject.rank, subject.score, subject.computer.as_deref().unwrap_or(""), printable(&title));
        for reason in subject.reasons.iter().filter(|r| !r.is_empty()) {
            let reason: String = reason.chars().take(140).collect();
            text += &format!("                 {}\n", printable(&reason));
        }
    }
    text
}
