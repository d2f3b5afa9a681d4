//! What runs, how far it is, and how long it will take.

use crate::control::Progress;
use std::time::{Duration, Instant};

/// A job of the main worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Job {
    Opening,
    Saving,
    Analysing,
    Verifying,
    SavingBaseline,
    Comparing,
}

impl Job {
    /// What it does, for the status bar.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Opening => "Opening",
            Self::Saving => "Saving",
            Self::Analysing => "Analysing",
            Self::Verifying => "Verifying",
            Self::SavingBaseline => "Saving a baseline",
            Self::Comparing => "Comparing networks",
        }
    }
}

/// What the job worker is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    /// Nothing.
    #[default]
    Idle,
    /// A job.
    Busy(Job),
    /// Something that was asked to stop.
    Stopping(Job),
}

impl Activity {
    /// The job that runs, or is being stopped.
    #[must_use]
    pub fn job(self) -> Option<Job> {
        match self {
            Self::Idle => None,
            Self::Busy(job) | Self::Stopping(job) => Some(job),
        }
    }

    /// Whether something runs.
    #[must_use]
    pub fn is_busy(self) -> bool {
        self != Self::Idle
    }
}

/// The newest progress and the time left.
#[derive(Debug, Default)]
pub struct Pace {
    stage: Option<(String, String, Instant, u64)>,
    /// The newest progress.
    pub progress: Option<Progress>,
    /// Time left, once it can be told.
    pub left: Option<Duration>,
}

impl Pace {
    /// Before this, nothing is said about the time left.
    const SETTLE: Duration = Duration::from_millis(700);

    /// Hears the newest progress.
    pub(super) fn hear(&mut self, progress: Option<Progress>, now: Instant) {
        self.left = None;
        if let Some(p) = &progress {
            let same = self.stage.as_ref().is_some_and(|(stage, subject, _, from)| *stage == p.stage && *subject == p.subject && p.done >= *from);
            if !same {
                self.stage = Some((p.stage.clone(), p.subject.clone(), now, p.done));
            }
            if let (Some((.., since, from)), Some(total)) = (&self.stage, p.total) {
                self.left = left(now.duration_since(*since), p.done.saturating_sub(*from), total.saturating_sub(p.done));
            }
        } else {
            self.stage = None;
        }
        self.progress = progress;
    }

    /// The share that is done, where the total is known.
    #[must_use]
    pub fn share(&self) -> Option<f32> {
        let p = self.progress.as_ref()?;
        let total = p.total.filter(|t| *t > 0)?;
        Some((p.done as f64 / total as f64).clamp(0.0, 1.0) as f32)
    }
}

fn left(elapsed: Duration, done: u64, to_do: u64) -> Option<Duration> {
    if elapsed < Pace::SETTLE || done == 0 {
        return None;
    }
    Duration::try_from_secs_f64(elapsed.as_secs_f64() * to_do as f64 / done as f64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_told_from_the_stage_s_own_pace() {
        let start = Instant::now();
        let at = |done| Some(Progress { stage: "training".into(), subject: "fields".into(), done, total: Some(100), unit: "epochs" });
        let mut pace = Pace::default();
        pace.hear(at(10), start);
        assert_eq!(pace.left, None);
        pace.hear(at(30), start + Duration::from_secs(2));
        assert_eq!(pace.left, Some(Duration::from_secs(7)));
        assert_eq!(pace.share(), Some(0.3));
        pace.hear(None, start + Duration::from_secs(3));
        assert_eq!((pace.left, pace.share()), (None, None));
    }
}
