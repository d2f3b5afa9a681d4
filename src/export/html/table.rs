//! The rows of a report, and who is above the threshold most.

use super::escape::text;
use super::{number, second};
use crate::control::{Control, RunError};
use crate::domain::Subject;
use crate::export::chapter::Chapter;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Rows shown of one ranking: beyond, a page is no longer read.
const MOST: usize = 2_000;
/// Computers and users named.
const NAMED: usize = 10;
/// Letters of one text that are shown.
const LETTERS: usize = 4_000;

/// Which computers and users have most above the threshold.
pub(super) fn groups(page: &mut String, chapter: &Chapter<'_>) {
    let report = chapter.report;
    let of = |name: fn(&Subject) -> Option<&str>| {
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for subject in &report.subjects {
            let count = counts.entry(name(subject).unwrap_or("(none)")).or_default();
            count.0 += usize::from(subject.score >= report.threshold);
            count.1 += usize::from(chapter.mark(subject).flagged);
        }
        let mut counts: Vec<(&str, (usize, usize))> = counts.into_iter().filter(|(_, n)| n.0 + n.1 > 0).collect();
        counts.sort_by(|a, b| (b.1.1, b.1.0).cmp(&(a.1.1, a.1.0)).then(a.0.cmp(b.0)));
        counts
    };
    for (title, counts) in [("Computers", of(|s| s.computer.as_deref())), ("Users", of(|s| s.user.as_deref()))] {
        if counts.is_empty() {
            continue;
        }
        let _ = writeln!(page, "<table class=\"groups\"><caption>{title}</caption><tr><th>{title}</th><th>Above</th><th>Flagged</th></tr>");
        for (name, (above, flagged)) in counts.iter().take(NAMED) {
            let _ = writeln!(page, "<tr><td>{}</td><td class=\"n\">{above}</td><td class=\"n\">{flagged}</td></tr>", text(name));
        }
        if counts.len() > NAMED {
            let _ = writeln!(page, "<tr><td class=\"weak\">and {} more</td><td></td><td></td></tr>", counts.len() - NAMED);
        }
        page.push_str("</table>\n");
    }
}

/// The rows; `put` takes what is written so far. Says how many.
pub(super) fn rows(
    page: &mut String,
    chapter: &Chapter<'_>,
    control: &Control,
    put: &mut dyn FnMut(&mut String) -> Result<(), RunError>,
) -> Result<u64, RunError> {
    if chapter.which.is_empty() {
        page.push_str("<p class=\"weak\">No such rows in this ranking.</p>\n");
        return Ok(0);
    }
    page.push_str(
        "<table><tr><th>Rank</th><th>Score</th><th>First seen</th><th>Computer, user</th><th>What happened, and why it is unusual</th><th>Record</th></tr>\n",
    );
    let mut shown = 0;
    for (_, subject) in chapter.subjects().take(MOST) {
        if shown % 256 == 0 {
            control.check()?;
            put(page)?;
        }
        row(page, chapter, subject);
        shown += 1;
    }
    page.push_str("</table>\n");
    if chapter.which.len() > MOST {
        let _ = writeln!(page, "<p class=\"weak\">{} more rows are not shown here; CSV, JSONL and Parquet hold them all.</p>", chapter.which.len() - MOST);
    }
    Ok(shown)
}

fn row(page: &mut String, chapter: &Chapter<'_>, subject: &Subject) {
    let above = subject.score >= chapter.report.threshold;
    let class = if above { " class=\"above\"" } else { "" };
    let word = if above { "<br>above" } else { "" };
    let time = subject.first_seen.map_or_else(|| "no time".into(), second);
    let last = subject.last_seen.filter(|l| Some(*l) != subject.first_seen).map(|l| format!("\nto {}", second(l))).unwrap_or_default();
    let computer = cut(subject.computer.as_deref().unwrap_or_default());
    let user = cut(subject.user.as_deref().unwrap_or_default());
    let _ = write!(
        page,
        "<tr{class}><td class=\"n\">{}</td><td class=\"n\">{}{word}</td><td class=\"t\">{time}{last}</td><td>{computer}\n{user}</td><td class=\"m\">",
        subject.rank,
        number(subject.score)
    );
    let mark = chapter.mark(subject);
    if mark.flagged {
        let when = mark.flagged_at.get(..19).unwrap_or_default().replace('T', " ");
        let _ = writeln!(page, "<span class=\"flag\">&#9873; flagged</span> <span class=\"weak\">{} {}</span>", text(&mark.analyst), text(&when));
    }
    let _ = write!(page, "<b>{}</b>", cut(&subject.title));
    if let Some(line) = subject.command_line.as_deref().filter(|line| !line.is_empty() && !subject.title.contains(line)) {
        let _ = write!(page, "\n<code>{}</code>", cut(line));
    }
    for reason in subject.reasons.iter().filter(|r| !r.is_empty()) {
        let _ = write!(page, "\n<span class=\"weak\">{}</span>", cut(reason));
    }
    if !mark.note.is_empty() {
        let _ = write!(page, "\n<span class=\"note\">{}</span>", text(&mark.note));
    }
    for tag in &mark.tags {
        let _ = write!(page, "\n<span class=\"tag\">{}</span>", text(tag));
    }
    let source = chapter.lookup.sources.get(subject.key.source as usize).map_or("", |s| s.source_file.rsplit('/').next().unwrap_or(&s.source_file));
    let id = subject.record_id.map_or_else(|| format!("record {}", subject.key.record), |id| format!("record ID {id}"));
    let events = if subject.count == 1 { "1 event".into() } else { format!("{} events", subject.count) };
    let _ = writeln!(page, "</td><td class=\"weak\">{}\n{id}\n{events}</td></tr>", cut(source));
}

/// Escaped, and cut where it is longer than anybody reads.
fn cut(raw: &str) -> String {
    match raw.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{} […]", text(raw.get(..end).unwrap_or_default())),
        None => text(raw),
    }
}
