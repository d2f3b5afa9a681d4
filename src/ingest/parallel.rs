//! A few jobs at a time, whose panics cost an error and no more.

use crate::control::RunError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Sources read at a time; each also has its own parsing threads.
const AT_A_TIME: usize = 2;

/// Runs `job` for 0..`count` on a few threads; results in order, or the first error that came.
pub(super) fn in_parallel<T: Send>(count: usize, job: impl Fn(usize) -> Result<T, RunError> + Sync) -> Result<Vec<T>, RunError> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(count));
    let failed: Mutex<Option<RunError>> = Mutex::new(None);
    let stop = |error: RunError| {
        next.store(count, Ordering::SeqCst);
        if let Ok(mut failed) = failed.lock() {
            failed.get_or_insert(error);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(count) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    if at >= count {
                        return;
                    }
                    match catch_unwind(AssertUnwindSafe(|| job(at))) {
                        Ok(Ok(value)) => {
                            if let Ok(mut results) = results.lock() {
                                results.push((at, value));
                            }
                        }
                        Ok(Err(error)) => return stop(error),
                        Err(_) => return stop(RunError::failed("reading failed inside, and the case was left as it was")),
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_default() {
        return Err(error);
    }
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, value)| value).collect())
}
