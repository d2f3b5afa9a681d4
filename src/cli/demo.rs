//! `residue demo`: the built-in case in the window, or on the terminal where there is no window to be had.

use super::args::{DemoArgs, ProgressMode};
use super::{Status, control, print, printable};
use crate::case::Case;
use crate::control::RunError;
use crate::domain::{Leads, Plan, Report, Strength, time};
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
    let plan = Plan::standard();
    let result = engine::read_into(&case, &[evidence], None, &control).and_then(|_| {
        let analysis = engine::analyse(&case, &plan, engine::Keep::Nothing, &control, terminal.as_ref())?;
        let ground = engine::survey(&case, &plan, &control)?;
        let told = stories(&engine::leads_of(&ground, &analysis.rankings));
        Ok(std::iter::once(told).chain(analysis.rankings.iter().map(|r| top(&r.report))).collect::<Vec<_>>().join("\n"))
    });
    terminal.clear();
    print(&result?)
}

/// The first leads, in words.
fn stories(leads: &Leads) -> String {
    let of = |strength| leads.list.iter().filter(|lead| lead.strength == strength).count();
    let mut text = format!("Leads: {}, {} strong, {} worth a look\n", leads.total, of(Strength::Strong), of(Strength::WorthALook));
    for lead in leads.list.iter().take(5) {
        let when = |time: Option<i64>| time.map(time::iso).and_then(|text| text.get(..19).map(str::to_owned)).unwrap_or_else(|| "no time".into());
        text += &format!("{:>3} {:>8.2}  {:<12} {}\n", lead.rank, lead.score, lead.strength.words(), printable(&lead.headline));
        let (computers, users) = (lead.computers.join(", "), lead.users.join(", "));
        text += &format!("     {} to {} on {} as {}\n", when(lead.first_seen), when(lead.last_seen), printable(&computers), printable(&users));
        for step in &lead.steps {
            let message: String = step.message.chars().take(110).collect();
            let reason: String = step.reason.chars().take(140).collect();
            text += &format!("       {}  {:<12} {}\n", when(step.time), step.computer, printable(&message));
            text += &format!("           {}: {}\n", step.detector.title(), printable(&reason));
        }
    }
    text
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
