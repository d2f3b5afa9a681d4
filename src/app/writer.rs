//! The one thread that writes small things in order: annotations, case settings, the analyst's preferences. Nothing is dropped: ending waits for it.

use crate::app::background::Wake;
use crate::app::open::Whose;
use crate::domain::EventKey;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::thread::JoinHandle;

/// What became of a write.
#[derive(Debug)]
pub(super) struct Written {
    /// Events whose marks it held; empty for settings.
    pub keys: Vec<EventKey>,
    /// What failed, in words.
    pub failure: Option<String>,
}

type Write = Box<dyn FnOnce() -> Written + Send>;

/// The thread.
pub(super) struct Writer {
    writes: Option<Sender<(Whose, Write)>>,
    results: Receiver<(Whose, Written)>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn new(wake: Wake) -> std::io::Result<Self> {
        let (writes, queue) = unbounded::<(Whose, Write)>();
        let (sender, results) = unbounded();
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || {
            for (whose, write) in queue {
                // A closed channel means that the window is gone; what is queued is written all the same.
                if sender.send((whose, write())).is_ok() {
                    wake();
                }
            }
        })?;
        Ok(Self { writes: Some(writes), results, thread: Some(thread) })
    }

    /// Queues a write that concerns a case.
    pub(super) fn write(&self, whose: Whose, write: impl FnOnce() -> Written + Send + 'static) {
        if let Some(writes) = &self.writes {
            // The thread lives as long as this sender does.
            let sent = writes.send((whose, Box::new(write)));
            debug_assert!(sent.is_ok());
        }
    }

    /// What was written since the last call, and which case it concerns.
    pub(super) fn drain(&self) -> Vec<(Whose, Written)> {
        self.results.try_iter().collect()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.writes = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            // A write panicked; there is no one left to tell.
        }
    }
}
