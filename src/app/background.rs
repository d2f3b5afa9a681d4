//! Computations that would hold the window up: the newest one wins, an older one notices that nobody waits and gives up.

use crossbeam_channel::{Receiver, Sender, unbounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Wakes the window when something is ready to be drained.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// At most one wanted result at a time.
pub(super) struct Background<T> {
    newest: Arc<AtomicU64>,
    sender: Sender<(u64, T)>,
    results: Receiver<(u64, T)>,
    waiting: bool,
    wake: Wake,
}

impl<T: Send + 'static> Background<T> {
    pub(super) fn new(wake: Wake) -> Self {
        let (sender, results) = unbounded();
        Self { newest: Arc::default(), sender, results, waiting: false, wake }
    }

    /// Runs `work` on a thread of its own; what ran before is no longer waited for. `work` is given a test that says whether it is stale.
    pub(super) fn start(&mut self, work: impl FnOnce(&dyn Fn() -> bool) -> Option<T> + Send + 'static) {
        let mine = self.newest.fetch_add(1, Ordering::AcqRel) + 1;
        let (newest, sender, wake) = (Arc::clone(&self.newest), self.sender.clone(), Arc::clone(&self.wake));
        self.waiting = true;
        let spawned = std::thread::Builder::new().name("view".into()).spawn(move || {
            if let Some(result) = work(&|| newest.load(Ordering::Acquire) != mine)
                && sender.send((mine, result)).is_ok()
            {
                wake();
            }
        });
        if spawned.is_err() {
            // The system gives no thread: the old view stays on the screen.
            self.waiting = false;
        }
    }

    /// Forgets what runs.
    pub(super) fn forget(&mut self) {
        self.newest.fetch_add(1, Ordering::AcqRel);
        self.waiting = false;
    }

    /// The wanted result, once it is there.
    pub(super) fn take(&mut self) -> Option<T> {
        let newest = self.newest.load(Ordering::Acquire);
        let found = self.results.try_iter().filter(|(id, _)| *id == newest).last().map(|(_, result)| result);
        self.waiting &= found.is_none();
        found
    }

    /// Whether a result is still to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }
}

impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        // What still runs notices that nobody waits.
        self.newest.fetch_add(1, Ordering::AcqRel);
    }
}
