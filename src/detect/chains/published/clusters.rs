//! DBSCAN over unit vectors by cosine distance, in memory that grows with the number of points alone.
//!
//! Own code, since the libraries keep every neighbourhood and bring an array library along for forty lines.

use super::words::SIZE;
use crate::control::{Control, RunError};
use rayon::prelude::*;

/// Cluster of every point, numbered in order of first core point; none = noise. A border point belongs to the first cluster that reaches it.
///
/// # Errors
/// Cancelled.
pub(super) fn dbscan(points: &[Vec<f32>], distance: f32, fewest: usize, control: &Control) -> Result<Vec<Option<u32>>, RunError> {
    let near = 1.0 - distance;
    let mut core = Vec::with_capacity(points.len());
    for chunk in points.chunks(1024) {
        control.check()?;
        core.par_extend(chunk.par_iter().map(|point| points.iter().filter(|other| cosine(point, other) >= near).count() >= fewest));
    }
    let mut cluster: Vec<Option<u32>> = vec![None; points.len()];
    let mut next = 0;
    for first in 0..points.len() {
        if !core[first] || cluster[first].is_some() {
            continue;
        }
        let mut open = vec![first];
        cluster[first] = Some(next);
        while !open.is_empty() {
            control.check()?;
            let reached: Vec<Vec<usize>> = open
                .par_iter()
                .map(|at| (0..points.len()).filter(|other| cluster[*other].is_none() && cosine(&points[*at], &points[*other]) >= near).collect())
                .collect();
            open.clear();
            for other in reached.into_iter().flatten() {
                if cluster[other].is_none() {
                    cluster[other] = Some(next);
                    if core[other] {
                        open.push(other);
                    }
                }
            }
        }
        next += 1;
    }
    Ok(cluster)
}

/// Dot product: the cosine of vectors of length 1.
pub(super) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let (mut sum, mut tail) = ([0.0_f32; 8], 0.0);
    let (whole_a, whole_b) = (a.chunks_exact(8), b.chunks_exact(8));
    for (x, y) in whole_a.remainder().iter().zip(whole_b.remainder()) {
        tail += x * y;
    }
    for (x, y) in whole_a.zip(whole_b) {
        for i in 0..8 {
            sum[i] += x[i] * y[i];
        }
    }
    debug_assert!(a.len() == b.len() && (a.len() == SIZE || a.len() < SIZE));
    sum.iter().sum::<f32>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_bundles_and_a_stray() {
        let at = |degrees: f32| vec![degrees.to_radians().cos(), degrees.to_radians().sin()];
        // 1 - cos 5 degrees = 0.0038; 1 - cos 10 = 0.0152.
        let points: Vec<Vec<f32>> = [0.0, 5.0, 10.0, 90.0, 95.0, 100.0, 45.0].into_iter().map(at).collect();
        let found = dbscan(&points, 0.005, 2, &Control::silent()).expect("not cancelled");
        assert_eq!(found, [Some(0), Some(0), Some(0), Some(1), Some(1), Some(1), None]);
        let strict = dbscan(&points, 0.005, 3, &Control::silent()).expect("not cancelled");
        assert_eq!(strict, [Some(0), Some(0), Some(0), Some(1), Some(1), Some(1), None], "the middle ones are core, the others border");
        assert_eq!(dbscan(&[], 0.1, 5, &Control::silent()).expect("not cancelled"), []);
    }
}
