//! What a report says of how it came about: version, measures, thresholds, models, sources, rules.

use super::chapter::{Chapter, Facts};

/// Names and values, in a fixed order.
pub(super) fn lines(facts: &Facts<'_>, chapters: &[Chapter<'_>]) -> Vec<(String, String)> {
    let mut lines = vec![("residue".to_owned(), env!("CARGO_PKG_VERSION").to_owned()), ("case".into(), facts.title.into()), ("rows".into(), facts.part.into())];
    for chapter in chapters {
        let report = chapter.report;
        let name = report.detector.name();
        let mut say = |what: &str, value: String| lines.push((format!("{name}: {what}"), value));
        say("preset", format!("{:?}", report.preset).to_lowercase());
        say("ranked by", report.rank_by.title().into());
        say("threshold", report.threshold.to_string());
        say("subjects", report.subjects.len().to_string());
        say("above the threshold", chapter.above().to_string());
        say("flagged", chapter.flagged().to_string());
        say("called ordinary and left out", chapter.suppressed.to_string());
        say("model", if report.model_id.is_empty() { "none".into() } else { report.model_id.clone() });
        say("device", report.device.clone());
        for remark in &report.remarks {
            say("remark", remark.clone());
        }
    }
    for rule in facts.rules {
        let like: Vec<String> = rule.like.iter().map(|(field, value)| format!("{} = {value}", field.title())).collect();
        lines.push(("called ordinary".into(), format!("{} ({}; {})", like.join(", "), rule.reason, rule.analyst)));
    }
    for source in facts.sources {
        let read = format!("{}, {} events, {} bad records, SHA-256 {}", source.format, source.events, source.records_bad, source.sha256);
        lines.push((source.source_file.clone(), read));
    }
    lines
}
