//! The order self-test: chains as they are against the same chains in another order. A model that learned chains, not only paths, tells them apart.

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

/// Area under the ROC curve: how often a high value is above a low one, ties half.
pub(super) fn auc(low: &[f32], high: &[f32]) -> f64 {
    let mut all: Vec<(f32, bool)> = low.iter().map(|v| (*v, false)).chain(high.iter().map(|v| (*v, true))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut won) = (0.0, 0.0);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let highs = tied.iter().filter(|(_, high)| *high).count() as f64;
        let lows = tied.len() as f64 - highs;
        won += highs * (below + lows / 2.0);
        below += lows;
    }
    won / (low.len() as f64 * high.len() as f64)
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
        assert_eq!(auc(&[1.0, 3.0], &[2.0, 1.0]), 1.5 / 4.0);
    }
}
