//! What can be taken back, and done again.

use crate::app::marks::Mark;
use crate::app::rows::Narrow;
use crate::domain::EventKey;

/// One step as it was before (or, on the other stack, after).
#[derive(Clone, Debug, PartialEq)]
pub enum Was {
    /// Marks of subjects.
    Marks(Vec<(EventKey, Mark)>),
    /// What was called ordinary.
    Rules(Vec<crate::domain::Rule>),
    /// The threshold.
    Threshold(f64),
    /// What narrowed the table.
    Narrow(Narrow),
}

/// The steps.
#[derive(Debug, Default)]
pub struct Undo {
    past: Vec<Was>,
    future: Vec<Was>,
}

impl Undo {
    const DEPTH: usize = 200;

    /// Remembers how something was before it is changed.
    pub(super) fn remember(&mut self, was: Was) {
        self.future.clear();
        self.past.push(was);
        if self.past.len() > Self::DEPTH {
            self.past.remove(0);
        }
    }

    /// The last step, for `swap` to restore; what it returns (how things were until now) goes onto the other stack.
    pub(super) fn back(&mut self, swap: impl FnOnce(Was) -> Was) {
        if let Some(was) = self.past.pop() {
            self.future.push(swap(was));
        }
    }

    /// The same the other way round.
    pub(super) fn forth(&mut self, swap: impl FnOnce(Was) -> Was) {
        if let Some(was) = self.future.pop() {
            self.past.push(swap(was));
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether there is a step to take back.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is one to do again.
    #[must_use]
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}
