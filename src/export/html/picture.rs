//! Pictures as inline SVG: how many subjects have which score, and the highest score over time.

use super::{number, second};
use crate::export::chapter::Chapter;
use std::fmt::Write;

const WIDTH: f64 = 1200.0;
const BARS: usize = 80;
const SLICES: usize = 240;

/// Scores along, counts up (logarithmic), the threshold as a line.
pub(super) fn histogram(page: &mut String, chapter: &Chapter<'_>) {
    const HEIGHT: f64 = 140.0;
    let report = chapter.report;
    let scores: Vec<f64> = report.subjects.iter().map(|s| s.score).collect();
    let (Some(&high), Some(&low)) = (scores.first(), scores.last()) else { return };
    let span = (high - low).max(f64::MIN_POSITIVE);
    let mut counts = [0_u64; BARS];
    for score in &scores {
        counts[(((score - low) / span * BARS as f64) as usize).min(BARS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let title = format!("{} subjects by {}, {} at or above {}", scores.len(), report.rank_by.title(), chapter.above(), number(report.threshold));
    open(page, HEIGHT + 30.0, &title);
    let width = WIDTH / BARS as f64;
    for (bar, &count) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
        let height = ((count as f64 + 1.0).ln() / (most as f64 + 1.0).ln() * (HEIGHT - 16.0)).max(2.0);
        let from = low + span * bar as f64 / BARS as f64;
        let over = if from >= report.threshold { " over" } else { "" };
        let _ = write!(
            page,
            "<rect class=\"bar{over}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{count} from {}</title></rect>",
            bar as f64 * width,
            HEIGHT - height,
            width - 1.0,
            number(from)
        );
    }
    let share = ((report.threshold - low) / span).clamp(0.0, 1.0);
    if report.threshold.is_finite() {
        let x = share * WIDTH;
        let (anchor, at) = if share > 0.5 { ("end", x - 6.0) } else { ("start", x + 6.0) };
        let _ = write!(
            page,
            "<line class=\"line\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{HEIGHT}\"/><text x=\"{at:.1}\" y=\"12\" text-anchor=\"{anchor}\">threshold {}</text>",
            number(report.threshold)
        );
    }
    axis(page, HEIGHT, &number(low), &format!("{} (count: logarithmic, most {most})", report.rank_by.title()), &number(high));
}

/// Time along, the highest score up.
pub(super) fn timeline(page: &mut String, chapter: &Chapter<'_>) {
    const HEIGHT: f64 = 80.0;
    let report = chapter.report;
    let times = || report.subjects.iter().filter_map(|s| Some((s.first_seen?, s.score)));
    let (Some(first), Some(last)) = (times().map(|t| t.0).min(), times().map(|t| t.0).max()) else { return };
    let (Some(high), Some(low)) = (report.subjects.first().map(|s| s.score), report.subjects.last().map(|s| s.score)) else { return };
    let span = (i128::from(last) - i128::from(first)).max(1);
    let mut slices: Vec<(u64, f64)> = vec![(0, f64::NEG_INFINITY); SLICES];
    for (time, score) in times() {
        let at = ((i128::from(time) - i128::from(first)) * SLICES as i128 / span) as usize;
        let slice = &mut slices[at.min(SLICES - 1)];
        *slice = (slice.0 + 1, slice.1.max(score));
    }
    open(page, HEIGHT + 30.0, &format!("highest {} over time, {} to {}", report.rank_by.title(), second(first), second(last)));
    let width = WIDTH / SLICES as f64;
    for (at, (count, highest)) in slices.iter().enumerate().filter(|(_, (n, _))| *n > 0) {
        let height = ((highest - low) / (high - low).max(f64::MIN_POSITIVE) * (HEIGHT - 4.0)).clamp(2.0, HEIGHT);
        let over = if *highest >= report.threshold { " over" } else { "" };
        let from = i64::try_from(i128::from(first) + span * at as i128 / SLICES as i128).unwrap_or(first);
        let _ = write!(
            page,
            "<rect class=\"bar{over}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{}: {count} subjects, highest {}</title></rect>",
            at as f64 * width,
            HEIGHT - height,
            (width - 0.5).max(1.0),
            second(from),
            number(*highest)
        );
    }
    axis(page, HEIGHT, &second(first), &format!("highest {} over time", report.rank_by.title()), &second(last));
}

fn open(page: &mut String, height: f64, title: &str) {
    let _ = write!(page, "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>");
}

fn axis(page: &mut String, height: f64, left: &str, middle: &str, right: &str) {
    let (line, text) = (height + 0.5, height + 16.0);
    let _ = writeln!(
        page,
        "<line class=\"axis\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{line}\" y2=\"{line}\"/><text x=\"0\" y=\"{text}\">{left}</text>\
         <text x=\"{}\" y=\"{text}\" text-anchor=\"middle\">{middle}</text><text x=\"{WIDTH}\" y=\"{text}\" text-anchor=\"end\">{right}</text></svg>",
        WIDTH / 2.0
    );
}
