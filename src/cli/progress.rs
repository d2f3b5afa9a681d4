//! Progress and notices on standard error: bars on a terminal, plain lines elsewhere.

use super::args::ProgressMode;
use crate::control::{Notice, Progress, Reporter, Severity};
use crate::domain::CurvePoint;
use crate::engine::{Emit, Happening};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

/// The terminal's voice. Keeps notices for the manifest.
pub(super) struct Terminal {
    bar: ProgressBar,
    plain: bool,
    said: Mutex<(Option<Instant>, String)>,
    notices: Mutex<Vec<String>>,
}

impl Terminal {
    pub(super) fn new(mode: ProgressMode) -> Self {
        let tty = std::io::stderr().is_terminal();
        let bar =
            if mode == ProgressMode::Auto && tty { ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10)) } else { ProgressBar::hidden() };
        let plain = mode == ProgressMode::Plain || (mode == ProgressMode::Auto && !tty);
        Self { bar, plain, said: Mutex::default(), notices: Mutex::default() }
    }

    /// Removes the bar.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Every notice so far, sorted: the order they came in depends on threads.
    pub(super) fn notices(&self) -> Vec<String> {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone();
        notices.sort();
        notices
    }

    fn line(&self, text: &str) {
        self.bar.suspend(|| {
            // Nothing can be said about a standard error that is closed.
            drop(writeln!(std::io::stderr(), "{text}"));
        });
    }
}

/// Style of a bar with or without a known end.
fn style(known: bool) -> ProgressStyle {
    let text = if known { "{msg} {wide_bar} {percent:>3} %  {eta} left" } else { "{spinner} {msg}  {human_pos}" };
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Reporter for Terminal {
    fn progress(&self, progress: Progress) {
        let what = format!("{} {}", progress.stage, progress.subject);
        let what = what.trim();
        if !self.bar.is_hidden() {
            if self.bar.length() != progress.total || self.bar.message() != what {
                self.bar.set_style(style(progress.total.is_some()));
                if let Some(total) = progress.total {
                    self.bar.set_length(total);
                } else {
                    self.bar.unset_length();
                }
                self.bar.set_message(what.to_owned());
            }
            self.bar.set_position(progress.done);
        } else if self.plain {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.0.is_none_or(|at| at.elapsed() >= PLAIN_EVERY) || said.1 != progress.stage {
                *said = (Some(Instant::now()), progress.stage.clone());
                let share =
                    progress.total.filter(|&t| t > 0).map(|t| format!(" of {t} ({:.0} %)", progress.done as f64 * 100.0 / t as f64)).unwrap_or_default();
                self.line(&format!("{what}: {}{share} {}", progress.done, progress.unit));
            }
        }
    }

    fn notice(&self, notice: Notice) {
        let mark = match notice.severity {
            Severity::Info => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        self.line(&format!("{mark}: {}", super::printable(&notice.text)));
        if notice.severity > Severity::Info {
            self.notices.lock().unwrap_or_else(PoisonError::into_inner).push(notice.text);
        }
    }

    fn epoch(&self, point: CurvePoint) {
        let validation = point.validation.map(|v| format!(", validation {v:.6}")).unwrap_or_default();
        if !self.bar.is_hidden() {
            self.bar.set_style(style(false));
            self.bar.set_message(format!("training: epoch {}, loss {:.6}{validation}", point.epoch, point.train));
        } else if self.plain && (point.epoch == 1 || point.epoch.is_multiple_of(10)) {
            self.line(&format!("training: epoch {}, loss {:.6}{validation}", point.epoch, point.train));
        }
    }
}

impl Emit for Terminal {
    fn wants_first_rankings(&self) -> bool {
        false
    }

    fn emit(&self, what: Happening) {
        match what {
            Happening::Began(id) => self.line(&format!("{}: begins", id.title())),
            Happening::CannotRun(id, reason) => self.line(&format!("{}: does not apply ({reason})", id.title())),
            _ => {}
        }
    }
}
