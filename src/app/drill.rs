//! What the panel at the right looks at: the selected subject, or a single event reached from it.

use crate::domain::EventKey;
use crate::engine::{Answer, Tree};

/// The drill-down.
#[derive(Default)]
pub struct Drill {
    /// Which event was asked about.
    pub asked: Option<EventKey>,
    /// The subject's index, when it is the selected subject and not a single event.
    pub subject: Option<u32>,
    /// The newest answer; it may still be the one to an earlier question.
    pub answer: Option<Box<Answer>>,
    /// The newest process tree; it may still be the one around an earlier event.
    pub tree: Option<Box<Tree>>,
    /// The nearest ordinary subject to it.
    pub ordinary: Option<u32>,
    /// What failed, in words.
    pub failure: Option<String>,
}

impl Drill {
    /// The answer, if it is the one to the newest question.
    #[must_use]
    pub fn answered(&self) -> Option<&Answer> {
        self.answer.as_deref().filter(|a| Some(a.key) == self.asked)
    }

    /// Whether the newest question is still open.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.asked.is_some() && self.answered().is_none() && self.failure.is_none()
    }
}
