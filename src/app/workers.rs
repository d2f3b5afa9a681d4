//! A worker of the session, and the case that its newest job is about: what a job says arrives with the case's identity, so that nothing that was asked
//! of one case is heard by the next.

use crate::app::background::Wake;
use crate::app::open::Whose;
use crate::control::Progress;
use crate::engine::{Happening, Work, Worker};
use std::sync::Arc;
use std::time::Duration;

/// The worker.
pub(super) struct Desk {
    worker: Worker,
    about: Whose,
}

impl Desk {
    pub(super) fn new(wake: &Wake, about: Whose) -> std::io::Result<Self> {
        let wake = Arc::clone(wake);
        Ok(Self { worker: Worker::new(move || wake())?, about })
    }

    /// Cancels what runs and runs a job about a case.
    pub(super) fn submit(&mut self, about: Whose, work: Work) {
        self.about = about;
        self.worker.submit(work);
    }

    /// Asks the newest job to stop.
    pub(super) fn cancel(&self) {
        self.worker.cancel();
    }

    /// What the newest job said (what older jobs still say is dropped by the worker), and which case it is about.
    pub(super) fn drain(&self, budget: Duration) -> (Whose, Vec<Happening>) {
        (self.about.clone(), self.worker.drain(budget).into_iter().map(|event| event.what).collect())
    }

    /// Whether something was said that was not taken yet.
    pub(super) fn has_more(&self) -> bool {
        self.worker.has_more()
    }

    /// How far the newest job is.
    pub(super) fn progress(&self) -> Option<Progress> {
        self.worker.progress()
    }
}
