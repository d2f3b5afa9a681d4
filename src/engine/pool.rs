//! Texts that repeat, kept once: reasons of millions of subjects say few different things.

use foldhash::HashSet;
use foldhash::fast::FixedState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

/// A set of texts that many threads fill.
#[derive(Default)]
pub(super) struct Pool([Mutex<HashSet<Arc<str>>>; Pool::PARTS]);

impl Pool {
    const PARTS: usize = 32;

    /// The text as it is kept.
    pub(super) fn keep(&self, text: &str) -> Arc<str> {
        let part = FixedState::default().hash_one(text) as usize % Self::PARTS;
        let mut known = self.0[part].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = known.get(text) {
            return Arc::clone(kept);
        }
        let kept: Arc<str> = text.into();
        known.insert(Arc::clone(&kept));
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one() {
        let pool = Pool::default();
        let (a, b, c) = (pool.keep("a reason"), pool.keep("a reason"), pool.keep("another"));
        assert!(Arc::ptr_eq(&a, &b) && &*a == "a reason" && &*c == "another");
    }
}
