//! How a job is watched and stopped: cancellation, progress, notices, and the error that ends a run.
//!
//! Border: knows nothing of evidence or models; everything long-running takes a [`Control`].

pub mod panics;

use crate::domain::CurvePoint;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that says "stop"; clones share it.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks for a stop; the job ends within one batch.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Progress {
    /// What is being done (`reading`, `counting`, `training`, `scoring`).
    pub stage: String,
    /// What it is being done to (a file, a detector); may be empty.
    pub subject: String,
    /// Units done.
    pub done: u64,
    /// Units in all, where known.
    pub total: Option<u64>,
    /// The unit (`bytes`, `events`, `epochs`).
    pub unit: &'static str,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Something partial went wrong.
    Warning,
    /// Something asked for was not done.
    Error,
}

/// Something partial went wrong, or is worth knowing: what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// What, and what to do about it, in one line; path last.
    pub text: String,
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Hears what a job has to say. Called from many threads.
pub trait Reporter: Send + Sync {
    /// Only the newest counts.
    fn progress(&self, progress: Progress);
    /// Each one counts.
    fn notice(&self, notice: Notice);
    /// One epoch of training; epoch 1 begins a new curve.
    fn epoch(&self, point: CurvePoint);
}

/// Hears nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Reporter for Silent {
    fn progress(&self, _: Progress) {}
    fn notice(&self, _: Notice) {}
    fn epoch(&self, _: CurvePoint) {}
}

/// What every long-running function takes: a way to stop it and a way to hear it.
#[derive(Clone)]
pub struct Control {
    /// Stops it.
    pub cancel: CancelToken,
    /// Hears it.
    pub reporter: Arc<dyn Reporter>,
}

impl Control {
    /// A control that nobody listens to, for tests and small jobs.
    #[must_use]
    pub fn silent() -> Self {
        Self { cancel: CancelToken::default(), reporter: Arc::new(Silent) }
    }

    /// Goes on, or ends the job when a stop was asked for.
    ///
    /// # Errors
    /// [`RunError::Cancelled`].
    pub fn check(&self) -> Result<(), RunError> {
        if self.cancel.is_cancelled() { Err(RunError::Cancelled) } else { Ok(()) }
    }

    /// Says how far a job is.
    pub fn progress(&self, stage: &str, subject: &str, done: u64, total: Option<u64>, unit: &'static str) {
        self.reporter.progress(Progress { stage: stage.into(), subject: subject.into(), done, total, unit });
    }

    /// Says something worth knowing.
    pub fn info(&self, text: impl Into<String>) {
        self.reporter.notice(Notice { severity: Severity::Info, text: text.into() });
    }

    /// Says that something partial went wrong.
    pub fn warn(&self, text: impl Into<String>) {
        self.reporter.notice(Notice { severity: Severity::Warning, text: text.into() });
    }
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Somebody asked for it.
    #[error("cancelled")]
    Cancelled,
    /// Something failed; the text says what, where and what to do.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl RunError {
    /// A failure in words.
    #[must_use]
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed(anyhow::Error::msg(text.into()))
    }
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}
