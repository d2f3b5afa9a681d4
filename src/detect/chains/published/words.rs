//! Words of paths as vectors: directory and file names are words, a path is a sentence, FastText skip-gram learns who stands beside whom.

use crate::control::{Control, RunError};
use fasttext::FastText;
use fasttext::args::{Args, LossName, ModelName};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// Numbers per word.
pub(super) const SIZE: usize = 64;
/// How long a cancel may go unseen while the library trains.
const LOOK: Duration = Duration::from_millis(100);

/// Splits a path into its words, in lower case.
pub(super) fn words(path: &str) -> impl Iterator<Item = &str> {
    path.split(['\\', '/']).filter(|word| !word.is_empty())
}

/// Word vectors that also know words they never saw, by their pieces.
pub(super) struct WordVectors {
    model: FastText,
}

impl WordVectors {
    /// Trains on paths, one sentence each. One thread, so that equal input gives equal vectors.
    ///
    /// # Errors
    /// Cancelled, nothing to learn from, or no room for the temporary file that the library reads.
    pub(super) fn learn<'a>(paths: impl Iterator<Item = &'a str>, seed: u64, control: &Control) -> Result<Self, RunError> {
        let mut text = crate::files::private().map_err(|error| RunError::failed(format!("no temporary file for the paths to learn from: {error}")))?;
        {
            let mut out = std::io::BufWriter::new(text.as_file_mut());
            for path in paths {
                let line: Vec<String> = words(path).map(spelt).collect();
                writeln!(out, "{}", line.join(" "))?;
            }
            out.flush()?;
        }
        let args = Args {
            input: text.path().to_owned(),
            model: ModelName::SkipGram,
            loss: LossName::NegativeSampling,
            dim: SIZE as i32,
            ws: 5,
            neg: 5,
            min_count: 1,
            minn: 3,
            maxn: 6,
            bucket: 1 << 17,
            epoch: 20,
            // Paths have few words, and common ones say where a file lies: none is sampled away.
            t: 1.0,
            thread: 1,
            seed: (seed % i32::MAX as u64) as i32,
            verbose: 0,
            ..Args::default()
        };
        Ok(Self { model: train(args, control)? })
    }

    /// The word's vector, of length 1 (0 where nothing is known of it).
    pub(super) fn of(&self, word: &str) -> Vec<f32> {
        unit(self.model.get_word_vector(&spelt(word)))
    }

    /// The path's vector: the mean of its words' vectors, of length 1.
    pub(super) fn path(&self, path: &str) -> Vec<f32> {
        let mut sum = vec![0.0; SIZE];
        for word in words(path) {
            sum.iter_mut().zip(self.of(word)).for_each(|(s, v)| *s += v);
        }
        unit(sum)
    }
}

/// Takes the mean of the vectors for which `counts` holds out of all of them, and makes them of length 1 again.
pub(super) fn centre(vectors: &mut [Vec<f32>], counts: &dyn Fn(usize) -> bool) {
    let counted: Vec<&Vec<f32>> = vectors.iter().enumerate().filter(|(at, _)| counts(*at)).map(|(_, vector)| vector).collect();
    if counted.len() < 2 {
        return;
    }
    let mut mean = vec![0.0; SIZE];
    for vector in &counted {
        mean.iter_mut().zip(*vector).for_each(|(m, v)| *m += v / counted.len() as f32);
    }
    for vector in vectors {
        vector.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m);
        *vector = unit(std::mem::take(vector));
    }
}

/// The library cuts words at white space.
fn spelt(word: &str) -> String {
    word.chars().map(|c| if c.is_whitespace() || c == '\0' { '\u{2423}' } else { c }).collect()
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    if length > 0.0 && length.is_finite() {
        for value in &mut vector {
            *value /= length;
        }
        vector
    } else {
        vec![0.0; vector.len()]
    }
}

/// Trains in a thread of its own, so that a cancel is heard.
fn train(args: Args, control: &Control) -> Result<FastText, RunError> {
    let stop = Arc::new(AtomicBool::new(false));
    let (done, result) = std::sync::mpsc::channel();
    let flag = stop.clone();
    let thread = std::thread::Builder::new().name("word vectors".into()).spawn(move || {
        let trained = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| FastText::train_with_abort(args, flag)));
        done.send(trained).ok();
    })?;
    let trained = loop {
        match result.recv_timeout(LOOK) {
            Ok(trained) => break Some(trained),
            Err(RecvTimeoutError::Disconnected) => break None,
            Err(RecvTimeoutError::Timeout) if control.cancel.is_cancelled() => stop.store(true, Ordering::Release),
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    thread.join().ok();
    control.check()?;
    match trained {
        Some(Ok(Ok(model))) => Ok(model),
        Some(Ok(Err(error))) => Err(RunError::failed(format!("word vectors could not be trained: {error}"))),
        _ => Err(RunError::failed("word vectors could not be trained: the library failed")),
    }
}
