//! The curved activations over slices, written so that the compiler makes vector instructions of them.

/// Adding and taking away this rounds to a whole number, which then stands in the lowest bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts, of which the first has few bits.
const LN_2: f32 = 355.0 / 512.0;
const LN_2_REST: f32 = (std::f64::consts::LN_2 - 355.0 / 512.0) as f32;
/// Beyond this e^x is no ordinary number.
const FAR: f32 = 87.0;

/// e^x within a millionth part, x held within -87 and 87.
#[inline]
fn exp(x: f32) -> f32 {
    let x = x.clamp(-FAR, FAR);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = x - whole * LN_2 - whole * LN_2_REST;
    // The series up to the seventh power: |rest| is at most ln 2 / 2.
    let high = ((rest / 5040.0 + 1.0 / 720.0) * rest + 1.0 / 120.0) * rest + 1.0 / 24.0;
    let sum = (((high * rest + 1.0 / 6.0) * rest + 0.5) * rest + 1.0) * rest + 1.0;
    sum * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// `1 / (1 + e^-x)`.
#[inline]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `2 sigmoid(2x) - 1`.
#[inline]
pub(super) fn tanh(x: f32) -> f32 {
    2.0 / (1.0 + exp(-2.0 * x)) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_those_of_double_precision() {
        let (mut worst_sigmoid, mut worst_tanh) = (0.0_f64, 0.0_f64);
        for at in -40_000..=40_000 {
            let x = at as f32 / 400.0;
            let exact = f64::from(x);
            worst_sigmoid = worst_sigmoid.max((f64::from(sigmoid(x)) - 1.0 / (1.0 + (-exact).exp())).abs());
            worst_tanh = worst_tanh.max((f64::from(tanh(x)) - exact.tanh()).abs());
        }
        assert!(worst_sigmoid < 2e-7 && worst_tanh < 3e-7, "{worst_sigmoid} {worst_tanh}");
        assert_eq!((sigmoid(0.0), tanh(0.0), tanh(f32::INFINITY), tanh(f32::NEG_INFINITY)), (0.5, 0.0, 1.0, -1.0));
        assert!(sigmoid(f32::NAN).is_nan());
    }
}
