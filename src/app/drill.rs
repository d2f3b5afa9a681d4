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
    /// The event whose raw record was asked for, and the record once it is there, or why it is not.
    pub record: Option<(EventKey, Option<Result<String, String>>)>,
}

impl Drill {
    /// The answer, if it is the one to the newest question.
    #[must_use]
    pub fn answered(&self) -> Option<&Answer> {
        self.answer.as_deref().filter(|a| Some(a.key) == self.asked)
    }

    /// The raw record of the event that is looked at: none when nobody asked for it, none inside while it is being read.
    #[must_use]
    pub fn rendered(&self) -> Option<Option<&Result<String, String>>> {
        self.record.as_ref().filter(|(key, _)| Some(*key) == self.asked).map(|(_, record)| record.as_ref())
    }

    /// Hears the raw record of an event; one that nobody waits for is dropped.
    pub(super) fn heard(&mut self, key: Option<EventKey>, record: Result<String, String>) {
        if let Some((asked, place)) = &mut self.record
            && key.is_none_or(|key| key == *asked)
            && place.is_none()
        {
            *place = Some(record);
        }
    }

    /// Whether the newest question is still open.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.asked.is_some() && self.answered().is_none() && self.failure.is_none()
    }
}
