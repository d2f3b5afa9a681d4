//! Paths as 32 numbers: hashed words and pieces of a path, projected onto the directions in which known paths differ most.

use crate::control::{Control, RunError};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// Hash buckets.
const BUCKETS: usize = 4096;
/// Numbers per path.
pub(super) const SIZE: usize = 32;
/// Power iterations: enough for the leading directions of path data to settle.
const ROUNDS: usize = 8;
/// Paths learned from at most, spread evenly over all.
const MOST: usize = 50_000;

/// A truncated singular value decomposition of hashed paths.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Embedding {
    /// One row of [`SIZE`] numbers per bucket.
    basis: Vec<f32>,
}

impl Embedding {
    /// Learns from distinct normalised paths.
    ///
    /// # Errors
    /// Cancelled.
    pub(super) fn learn(paths: &[&str], seed: u64, control: &Control) -> Result<Self, RunError> {
        let rows: Vec<Vec<(u16, f32)>> = paths.iter().step_by(paths.len().div_ceil(MOST).max(1)).map(|path| hashed(path)).collect();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut basis: Vec<f64> = (0..BUCKETS * SIZE).map(|_| f64::from(random.random::<f32>()) - 0.5).collect();
        for _ in 0..ROUNDS {
            control.check()?;
            orthonormal(&mut basis);
            let mut next = vec![0.0; BUCKETS * SIZE];
            for row in &rows {
                let code = project(row, &basis);
                for &(bucket, value) in row {
                    let at = usize::from(bucket) * SIZE;
                    next[at..at + SIZE].iter_mut().zip(&code).for_each(|(cell, c)| *cell += f64::from(value) * c);
                }
            }
            basis = next;
        }
        orthonormal(&mut basis);
        Ok(Self { basis: basis.iter().map(|v| *v as f32).collect() })
    }

    /// What it consists of, for saving.
    pub(super) fn numbers(&self) -> &[f32] {
        &self.basis
    }

    /// From [`Embedding::numbers`]; `None` when they are not as many as there must be.
    pub(super) fn from_numbers(basis: Vec<f32>) -> Option<Self> {
        (basis.len() == BUCKETS * SIZE && basis.iter().all(|v| v.is_finite())).then_some(Self { basis })
    }

    /// The path's numbers, as a vector of length 1 (0 when it shares nothing with the paths learned from).
    pub(super) fn of(&self, path: &str) -> [f32; SIZE] {
        let mut code = [0.0; SIZE];
        for (bucket, value) in hashed(path) {
            let at = usize::from(bucket) * SIZE;
            code.iter_mut().zip(&self.basis[at..at + SIZE]).for_each(|(c, b)| *c += value * b);
        }
        let length = code.iter().map(|c| c * c).sum::<f32>().sqrt();
        if length > 1e-6 { code.map(|c| c / length) } else { [0.0; SIZE] }
    }
}

fn project(row: &[(u16, f32)], basis: &[f64]) -> [f64; SIZE] {
    let mut code = [0.0; SIZE];
    for &(bucket, value) in row {
        let at = usize::from(bucket) * SIZE;
        code.iter_mut().zip(&basis[at..at + SIZE]).for_each(|(c, b)| *c += f64::from(value) * b);
    }
    code
}

/// Gram-Schmidt over the columns, twice for accuracy; a column that vanishes becomes zero.
fn orthonormal(basis: &mut [f64]) {
    for column in 0..SIZE {
        for _ in 0..2 {
            for earlier in 0..column {
                let dot: f64 = basis.chunks_exact(SIZE).map(|row| row[column] * row[earlier]).sum();
                basis.chunks_exact_mut(SIZE).for_each(|row| row[column] -= dot * row[earlier]);
            }
        }
        let length = basis.chunks_exact(SIZE).map(|row| row[column] * row[column]).sum::<f64>().sqrt();
        let scale = if length > 1e-9 { 1.0 / length } else { 0.0 };
        basis.chunks_exact_mut(SIZE).for_each(|row| row[column] *= scale);
    }
}

/// Signed hashed features of a path (directory words, the whole path, the name, its pieces of 3 and 4 characters), log1p of their counts, length 1.
fn hashed(path: &str) -> Vec<(u16, f32)> {
    let mut cells: Vec<(u16, f32)> = Vec::with_capacity(48);
    let mut add = |kind: u8, text: &str| {
        let hash = fnv(kind, text);
        cells.push(((hash % BUCKETS as u64) as u16, if hash >> 63 == 0 { 1.0 } else { -1.0 }));
    };
    let (directory, name) = path.rsplit_once('\\').unwrap_or(("", path));
    directory.split('\\').filter(|word| !word.is_empty()).for_each(|word| add(b'd', word));
    add(b'f', path);
    add(b'n', name);
    let bounded: Vec<char> = std::iter::once('<').chain(name.chars()).chain(std::iter::once('>')).collect();
    for length in [3, 4] {
        bounded.windows(length).for_each(|piece| add(b'g', &piece.iter().collect::<String>()));
    }
    cells.sort_by_key(|cell| cell.0);
    let mut merged: Vec<(u16, f32)> = Vec::with_capacity(cells.len());
    for (bucket, value) in cells {
        match merged.last_mut() {
            Some(last) if last.0 == bucket => last.1 += value,
            _ => merged.push((bucket, value)),
        }
    }
    for cell in &mut merged {
        cell.1 = cell.1.signum() * cell.1.abs().ln_1p();
    }
    let length = merged.iter().map(|cell| cell.1 * cell.1).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    for cell in &mut merged {
        cell.1 /= length;
    }
    merged
}

/// FNV-1a, 64 bits, with the high bits folded down so that the remainder sees them.
fn fnv(kind: u8, text: &str) -> u64 {
    let hash = std::iter::once(kind).chain(text.bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_share_words_lie_close() {
        let paths = [
            r"c:\windows\system32\svchost.exe",
            r"c:\windows\system32\services.exe",
            r"c:\windows\system32\lsass.exe",
            r"c:\users\<user>\downloads\setup.exe",
            r"c:\users\<user>\downloads\tool.exe",
        ];
        let learned = Embedding::learn(&paths, 7, &Control::silent()).expect("not cancelled");
        let close = |a: &str, b: &str| {
            let (a, b) = (learned.of(a), learned.of(b));
            a.iter().zip(b).map(|(p, q)| p * q).sum::<f32>()
        };
        assert!(close(paths[0], paths[1]) > close(paths[0], paths[3]) + 0.05);
        assert_eq!(learned, Embedding::learn(&paths, 7, &Control::silent()).expect("not cancelled"));
        assert!((close(paths[0], paths[0]) - 1.0).abs() < 1e-4, "vectors have length 1");
    }
}
