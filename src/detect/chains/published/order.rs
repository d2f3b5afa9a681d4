//! The order self-test: chains as they are against the same chains in another order. A model that learned chains, not only paths, tells them apart.

use crate::domain::Roc;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{SeedableRng, rngs::ChaCha8Rng};

/// Each chain in a different order; chains that read the same in every order are left out, from both lists.
pub(super) fn shifted(chains: &[Vec<u32>], seed: u64) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let several = chains.iter().filter(|chain| chain.windows(2).any(|pair| pair[0] != pair[1]));
    several
        .map(|chain| {
            let mut other = chain.clone();
            while other == *chain {
                other.shuffle(&mut random);
            }
            (chain.clone(), other)
        })
        .unzip()
}

/// Each chain with two different neighbours exchanged; chains without such are left out.
pub(super) fn swapped(chains: &[Vec<u32>], seed: u64) -> Vec<Vec<u32>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let swap = |chain: &Vec<u32>| {
        let places: Vec<usize> = (1..chain.len()).filter(|at| chain[at - 1] != chain[*at]).collect();
        let at = *places.choose(&mut random)?;
        let mut other = chain.clone();
        other.swap(at - 1, at);
        Some(other)
    };
    chains.iter().filter_map(swap).collect()
}

/// Corners of a curve that are kept.
const CORNERS: usize = 200;

/// How well high values stand above low ones; the area counts ties half.
pub(super) fn roc(low: &[f32], high: &[f32]) -> Roc {
    let mut all: Vec<(f32, bool)> = low.iter().map(|v| (*v, false)).chain(high.iter().map(|v| (*v, true))).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut lows, mut highs, mut area, mut points) = (0.0, 0.0, 0.0, vec![[0.0, 0.0]]);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let rise = tied.iter().filter(|(_, high)| *high).count() as f64 / high.len() as f64;
        let step = tied.iter().filter(|(_, high)| !*high).count() as f64 / low.len() as f64;
        area += step * (highs + rise / 2.0);
        (lows, highs) = (lows + step, highs + rise);
        points.push([lows, highs]);
    }
    let (last, stride) = (points.len() - 1, points.len().div_ceil(CORNERS));
    let points = points.into_iter().enumerate().filter(|(at, _)| at.is_multiple_of(stride) || *at == last).map(|(_, point)| point).collect();
    Roc { area, points }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_differs_and_the_area_is_counted() {
        let (real, other) = shifted(&[vec![1, 2], vec![3, 3], vec![1, 1, 2]], 1);
        assert_eq!(real, [vec![1, 2], vec![1, 1, 2]]);
        assert!(other[0] == [2, 1] && other[1] != real[1]);
        assert_eq!(swapped(&[vec![1, 2], vec![3, 3], vec![1, 1, 2]], 1), [vec![2, 1], vec![1, 2, 1]]);
        // Pairs (1,2) (1,1) (3,2) (3,1): won 1 + 1/2 + 0 + 0.
        let found = roc(&[1.0, 3.0], &[2.0, 1.0]);
        assert_eq!(found, Roc { area: 1.5 / 4.0, points: vec![[0.0, 0.0], [0.5, 0.0], [0.5, 0.5], [1.0, 1.0]] });
        let many: Vec<f32> = (0..5_000).map(|n| n as f32).collect();
        let found = roc(&many, &many);
        assert!((found.area - 0.5).abs() < 1e-3 && found.points.len() <= CORNERS + 1);
        assert!(found.points.last().is_some_and(|end| end.iter().all(|share| (share - 1.0).abs() < 1e-9)));
    }
}
