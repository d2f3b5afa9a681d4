//! Our own seeded random draws: initial weights, the validation split, the order of rows.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// What a generator is for; each purpose has its own stream of the same seed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Weights = 1,
    Split = 2,
    Order = 3,
}

/// A generator for one purpose.
pub(super) fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(purpose as u64);
    generator
}

/// Glorot-uniform weights: `U(-a, a)` with `a = sqrt(6 / (inputs + outputs))`, row by row.
pub(super) fn glorot(generator: &mut ChaCha8Rng, inputs: usize, outputs: usize) -> Vec<f32> {
    let bound = (6.0 / (inputs + outputs).max(1) as f32).sqrt();
    (0..inputs * outputs).map(|_| (generator.random::<f32>() * 2.0 - 1.0) * bound).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_stay_in_bounds_and_repeat() {
        let draw = |purpose| glorot(&mut generator(42, purpose), 30, 20);
        let weights = draw(Purpose::Weights);
        let bound = (6.0_f32 / 50.0).sqrt();
        assert!(weights.iter().all(|w| w.abs() <= bound));
        let variance = weights.iter().map(|w| w * w).sum::<f32>() / 600.0;
        assert!((variance - bound * bound / 3.0).abs() < 0.1 * bound * bound, "{variance}");
        assert_eq!(weights, draw(Purpose::Weights));
        assert_ne!(weights, draw(Purpose::Order));
    }
}
