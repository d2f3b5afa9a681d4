//! Leads on the page: a section each, with its time line, its process tree, its steps, and what connects it.

use super::escape::text;
use super::{number, second};
use crate::domain::{Lead, Strength};
use crate::export::chapter::LeadChapter;
use std::fmt::Write;

const WIDTH: f64 = 1200.0;
/// Processes drawn of one lead.
const PROCESSES: usize = 80;
/// Letters of a command line in the tree.
const LETTERS: usize = 160;

/// All leads that were asked for.
pub(super) fn leads(page: &mut String, chapter: &LeadChapter<'_>) {
    page.push_str("<h2 id=\"leads\">Leads</h2>\n");
    let of = |strength| chapter.leads.list.iter().filter(|lead| lead.strength == strength).count();
    let _ = writeln!(
        page,
        "<p class=\"weak\">{} leads in all: {} strong, {} worth a look. Shown: {}.</p>",
        chapter.leads.total,
        of(Strength::Strong),
        of(Strength::WorthALook),
        chapter.which.len()
    );
    for weight in &chapter.leads.weights {
        let _ = writeln!(page, "<p class=\"weak\">{} counts {}: {}.</p>", text(weight.detector.title()), number(weight.weight), text(&weight.reason));
    }
    for lead in chapter.which.iter().filter_map(|at| chapter.leads.list.get(*at)) {
        one(page, lead, chapter);
    }
}

fn one(page: &mut String, lead: &Lead, chapter: &LeadChapter<'_>) {
    let mark = (chapter.mark)(lead);
    let _ = writeln!(page, "<h3 id=\"lead-{0}\">{0}. {1}</h3>", lead.rank, text(&lead.headline));
    let when = |time: Option<i64>| time.map_or_else(|| "no time".into(), second);
    let techniques: Vec<String> = lead.techniques.iter().map(|technique| format!("{} {}", technique.id, technique.name)).collect();
    let flag = if mark.flagged { " <span class=\"flag\">&#9873; flagged</span>" } else { "" };
    let _ = writeln!(
        page,
        "<p><b>{}</b>{flag} <span class=\"weak\">score {} (learned {}, prior {}), state {}</span><br>{} to {}<br>Computers: {}<br>Accounts: {}<br>Techniques: {}</p>",
        lead.strength.words(),
        number(lead.score),
        number(lead.learned),
        number(lead.prior),
        mark.state.name(),
        when(lead.first_seen),
        when(lead.last_seen),
        text(&lead.computers.join(", ")),
        text(&lead.users.join(", ")),
        text(&techniques.join(", "))
    );
    if !mark.note.is_empty() {
        let _ = writeln!(page, "<p><span class=\"note\">{}</span></p>", text(&mark.note));
    }
    timeline(page, lead);
    tree(page, lead);
    page.push_str("<table><tr><th>When</th><th>Computer</th><th>What happened, and why it is unusual</th><th>Technique</th></tr>\n");
    for step in &lead.steps {
        let _ = writeln!(
            page,
            "<tr><td class=\"t\">{}</td><td>{}</td><td class=\"m\"><b>{}</b>\n<span class=\"weak\">{}: {}</span></td><td>{}</td></tr>",
            when(step.time),
            text(&step.computer),
            text(&step.message),
            text(step.detector.title()),
            text(&step.reason),
            step.technique.as_ref().map_or_else(String::new, |technique| text(&format!("{} {}", technique.id, technique.name)))
        );
    }
    page.push_str("</table>\n");
    if !lead.links.is_empty() {
        page.push_str("<ul>\n");
        for link in &lead.links {
            let _ = writeln!(page, "<li>{}: {}</li>", link.kind.words(), text(&link.reason));
        }
        page.push_str("</ul>\n");
    }
}

/// Steps along time, as high as they are unusual.
fn timeline(page: &mut String, lead: &Lead) {
    const HEIGHT: f64 = 60.0;
    let times = || lead.steps.iter().filter_map(|step| Some((step.time?, step)));
    let (Some(first), Some(last)) = (times().map(|t| t.0).min(), times().map(|t| t.0).max()) else { return };
    let most = lead.steps.iter().map(|step| step.score).fold(f64::MIN_POSITIVE, f64::max);
    let span = (i128::from(last) - i128::from(first)).max(1) as f64;
    let title = format!("steps of lead {} over time, {} to {}", lead.rank, second(first), second(last));
    let _ = write!(page, "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>", HEIGHT + 20.0);
    for (time, step) in times() {
        let x = 4.0 + (i128::from(time) - i128::from(first)) as f64 / span * (WIDTH - 8.0);
        let height = (step.score / most * (HEIGHT - 6.0)).max(3.0);
        let _ = write!(
            page,
            "<rect class=\"bar over\" x=\"{:.1}\" y=\"{:.1}\" width=\"4\" height=\"{height:.1}\"><title>{}: {}</title></rect>",
            x - 2.0,
            HEIGHT - height,
            second(time),
            text(&step.message)
        );
    }
    let _ = writeln!(
        page,
        "<line class=\"axis\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{HEIGHT}.5\" y2=\"{HEIGHT}.5\"/><text x=\"0\" y=\"{0}\">{1}</text><text x=\"{WIDTH}\" y=\"{0}\" text-anchor=\"end\">{2}</text></svg>",
        HEIGHT + 16.0,
        second(first),
        second(last)
    );
}

/// The processes, indented below their parents.
fn tree(page: &mut String, lead: &Lead) {
    if lead.processes.is_empty() {
        return;
    }
    let mut depths: Vec<usize> = Vec::with_capacity(lead.processes.len());
    page.push_str("<pre class=\"tree\">");
    for process in lead.processes.iter().take(PROCESSES) {
        let depth = process.parent.and_then(|parent| depths.get(parent as usize)).map_or(0, |depth| depth + 1);
        depths.push(depth);
        let line = process.command_line.as_deref().filter(|line| !line.is_empty()).unwrap_or(&process.image);
        let line: String = line.chars().take(LETTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ =
            writeln!(page, "{}{} <span class=\"weak\">{} {}</span>", "  ".repeat(depth.min(30)), text(&line), text(&process.computer), number(process.score));
    }
    page.push_str("</pre>\n");
    if lead.processes.len() > PROCESSES {
        let _ = writeln!(page, "<p class=\"weak\">{} more processes are in leads.jsonl.</p>", lead.processes.len() - PROCESSES);
    }
}
