//! Explains every subject of a ranking, once: three reasons stay with the subject, all contributions go to the disk in rank order, from where
//! the drill-down, exports and the stored run take them.

use super::pool::Pool;
use crate::case::{Case, Contributions};
use crate::control::{Control, RunError};
use crate::domain::{Contribution, Explain, Subject, Words};
use rayon::prelude::*;
use std::sync::Arc;

/// Subjects explained side by side before what was said of them is written.
const AT_ONCE: usize = 4_096;

/// Explains by rank index what a detector explains in its own order.
pub(super) struct Ordered {
    pub(super) inner: Arc<dyn Explain>,
    pub(super) order: Vec<usize>,
}

impl Explain for Ordered {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        self.order.get(index).map(|&i| self.inner.explain(i)).unwrap_or_default()
    }

    fn words(&self) -> Option<Arc<Words>> {
        self.inner.words()
    }
}

/// Gives every subject, in rank order, its three reasons.
///
/// # Errors
/// When the job is cancelled.
pub(super) fn give_reasons(subjects: &mut [Subject], explain: &dyn Explain, control: &Control) -> Result<(), RunError> {
    each(subjects, explain, control, |_| (), |()| Ok(()))
}

/// Gives every subject, in rank order, its three reasons, and writes all its contributions into the case.
///
/// # Errors
/// When the case cannot be written, or the job is cancelled.
pub(super) fn explain_into(case: &Case, subjects: &mut [Subject], explain: &dyn Explain, control: &Control) -> Result<Contributions, RunError> {
    let mut out = case.begin_contributions()?;
    each(subjects, explain, control, serde_json::to_string, |json| out.push(&json.map_err(anyhow::Error::from)?))?;
    out.finish()
}

/// Explains every subject; `make` is called side by side, `take` in rank order.
fn each<T: Send>(
    subjects: &mut [Subject],
    explain: &dyn Explain,
    control: &Control,
    make: impl Fn(&[Contribution]) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let (pool, total) = (Pool::default(), subjects.len());
    for (chunk, subjects) in subjects.chunks_mut(AT_ONCE).enumerate() {
        control.check()?;
        let first = chunk * AT_ONCE;
        let explained = |(at, subject): (usize, &mut Subject)| {
            let parts = explain.explain(first + at);
            subject.subject = pool.keep(&subject.subject);
            subject.reasons = std::array::from_fn(|nth| parts.get(nth).map(|part| pool.keep(&part.reason())).unwrap_or_default());
            make(&parts)
        };
        let made: Vec<T> = subjects.par_iter_mut().enumerate().map(explained).collect();
        made.into_iter().try_for_each(&mut take)?;
        control.progress("explaining", "", (first + subjects.len()) as u64, Some(total as u64), "subjects");
    }
    Ok(())
}

/// Explains from the disk; the detector, which knows the words it learned, explains anew only what cannot be read.
pub(super) struct Explained {
    pub(super) written: Contributions,
    pub(super) detector: Arc<dyn Explain>,
}

impl Explain for Explained {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        self.written.get(index).unwrap_or_else(|_| self.detector.explain(index))
    }

    fn json(&self, index: usize) -> Option<String> {
        self.written.json(index).ok()
    }

    fn words(&self) -> Option<Arc<Words>> {
        self.detector.words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Explains, and notes which subjects it was asked for.
    struct Counting(Mutex<Vec<usize>>);

    impl Explain for Counting {
        fn explain(&self, index: usize) -> Vec<Contribution> {
            self.0.lock().unwrap().push(index);
            let part = |nth: usize| Contribution { name: format!("part {nth} of {index}"), share: 0.25, observed: "a \"b\"".into(), expected: String::new() };
            (0..5).map(part).collect()
        }
    }

    #[test]
    fn every_subject_is_explained_once_whatever_is_asked_afterwards() {
        let case = Case::temporary().unwrap();
        let detector = Arc::new(Counting(Mutex::default()));
        let total = AT_ONCE + 10;
        let order: Vec<usize> = (0..total).rev().collect();
        let explain = Arc::new(Ordered { inner: Arc::<Counting>::clone(&detector), order });
        let mut subjects = vec![Subject::default(); total];
        let written = explain_into(&case, &mut subjects, explain.as_ref(), &Control::silent()).unwrap();
        let explained = Explained { written, detector: explain };
        let asked = || std::mem::take(&mut *detector.0.lock().unwrap());
        let mut first = asked();
        first.sort_unstable();
        assert_eq!(first, (0..total).collect::<Vec<_>>());
        for index in [0, 1, 600, total - 1, 3] {
            let parts = explained.explain(index);
            assert_eq!((parts.len(), parts[0].name.clone()), (5, format!("part 0 of {}", total - 1 - index)));
            assert_eq!(explained.json(index).unwrap(), serde_json::to_string(&parts).unwrap());
            assert_eq!(&*subjects[index].reasons[2], parts[2].reason());
        }
        assert_eq!(explained.explain(total), []);
        assert_eq!(asked(), [0_usize; 0], "what was written is read, not made again");
    }

    #[test]
    fn what_cannot_be_read_is_explained_anew() {
        let case = Case::temporary().unwrap();
        let detector = Arc::new(Counting(Mutex::default()));
        let mut subjects = vec![Subject::default(); 3];
        let written = explain_into(&case, &mut subjects, detector.as_ref(), &Control::silent()).unwrap();
        let explained = Explained { written, detector };
        for entry in std::fs::read_dir(case.dir().join("runs")).unwrap() {
            std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        assert_eq!(explained.explain(2)[0].name, "part 0 of 2");
        assert!(explained.json(2).is_none());
    }

    #[test]
    fn a_cancel_leaves_nothing_in_the_case() {
        let case = Case::temporary().unwrap();
        let control = Control::silent();
        control.cancel.cancel();
        let detector = Counting(Mutex::default());
        let stopped = explain_into(&case, &mut [Subject::default()], &detector, &control);
        assert!(matches!(stopped, Err(RunError::Cancelled)));
        assert_eq!(std::fs::read_dir(case.dir().join("runs")).unwrap().count(), 0);
    }
}
