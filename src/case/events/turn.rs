//! Searches come first: what is done ahead of time waits while one runs.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Counts the searches that run.
#[derive(Default)]
pub(super) struct Turn {
    searches: Mutex<usize>,
    ended: Condvar,
}

/// A search that runs, until this is dropped.
pub(super) struct Running<'a>(&'a Turn);

impl Turn {
    /// A search begins.
    pub(super) fn begin(&self) -> Running<'_> {
        *self.count() += 1;
        Running(self)
    }

    /// Waits until no search runs.
    pub(super) fn wait(&self) {
        let mut count = self.count();
        while *count > 0 {
            count = self.ended.wait(count).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn count(&self) -> MutexGuard<'_, usize> {
        self.searches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.count() -= 1;
        self.0.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn what_waits_goes_on_when_the_last_search_has_ended() {
        let (turn, ended) = (Turn::default(), AtomicBool::new(false));
        turn.wait();
        let (first, second) = (turn.begin(), turn.begin());
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| {
                turn.wait();
                assert!(ended.load(Ordering::SeqCst));
            });
            drop(first);
            ended.store(true, Ordering::SeqCst);
            drop(second);
            waits.join().unwrap();
        });
    }
}
