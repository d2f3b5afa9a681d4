//! A recurrent layer: LSTM with one fused matrix for its four gates.
//!
//! The gates are input, forget, cell, output; the forget gate's bias starts at 1 (Jozefowicz et al. 2015). Steps without a value leave the state as it was.

use super::layer::{Activation, parameter};
use super::random::glorot;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData, activation::sigmoid, module::linear};
use rand::rngs::ChaCha8Rng;

/// One direction of an LSTM.
#[derive(Module, Debug)]
pub(super) struct Lstm {
    input: Param<Tensor<2>>,
    hidden: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    units: usize,
}

impl Lstm {
    /// Glorot-uniform weights; parameters are numbered from `3 * number`.
    pub(super) fn new(inputs: usize, units: usize, number: usize, generator: &mut ChaCha8Rng, device: &Device) -> Self {
        let mut bias = vec![0.0_f32; 4 * units];
        bias[units..2 * units].fill(1.0);
        Self {
            input: parameter(TensorData::new(glorot(generator, inputs, 4 * units), [inputs, 4 * units]), 3 * number, device),
            hidden: parameter(TensorData::new(glorot(generator, units, 4 * units), [units, 4 * units]), 3 * number + 1, device),
            bias: parameter(TensorData::new(bias, [4 * units]), 3 * number + 2, device),
            units,
        }
    }

    /// What the input alone adds to the gates of a step.
    ///
    /// # Shapes
    /// `[rows, inputs] -> [rows, 4 units]`
    pub(super) fn project(&self, x: Tensor<2>) -> Tensor<2> {
        linear(x, self.input.val(), Some(self.bias.val()))
    }

    /// Runs over the projected steps in order, or from the last to the first; gives the state after each step, by step.
    ///
    /// # Shapes
    /// steps `[rows, 4 units]`, masks `[rows, 1]` of 0 and 1; out `[rows, units]` per step
    pub(super) fn run(&self, steps: &[Tensor<2>], masks: &[Tensor<2>], reverse: bool) -> Vec<Tensor<2>> {
        let masks: Vec<Option<Tensor<2>>> = masks.iter().cloned().map(Some).collect();
        self.walk(steps, &masks, reverse, None)
    }

    /// The same, where no mask means that every row has a value at that step. `dropped` multiplies the state before it enters the gates
    /// (recurrent dropout, one draw for all steps: Gal and Ghahramani 2016).
    ///
    /// # Shapes
    /// as [`Lstm::run`]; dropped `[rows, units]`
    pub(super) fn walk(&self, steps: &[Tensor<2>], masks: &[Option<Tensor<2>>], reverse: bool, dropped: Option<&Tensor<2>>) -> Vec<Tensor<2>> {
        let mut order: Vec<usize> = (0..steps.len()).collect();
        if reverse {
            order.reverse();
        }
        let weights = self.hidden.val();
        let mut states: Vec<Option<Tensor<2>>> = vec![None; steps.len()];
        let mut state: Option<(Tensor<2>, Tensor<2>)> = None;
        for at in order {
            let gates = match &state {
                Some((h, _)) => steps[at].clone() + dropped.map_or_else(|| h.clone(), |dropped| h.clone() * dropped.clone()).matmul(weights.clone()),
                None => steps[at].clone(),
            };
            let next = self.step(&gates, state.as_ref(), masks.get(at).and_then(Option::as_ref));
            states[at] = Some(next.0.clone());
            state = Some(next);
        }
        states.into_iter().flatten().collect()
    }

    fn step(&self, gates: &Tensor<2>, state: Option<&(Tensor<2>, Tensor<2>)>, mask: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<2>) {
        let n = self.units;
        let gate = |at: usize| gates.clone().narrow(1, at * n, n);
        let fresh = sigmoid(gate(0)) * Activation::Tanh.apply(gate(2));
        let output = sigmoid(gate(3));
        let cell = match state {
            Some((_, c)) => fresh + sigmoid(gate(1)) * c.clone(),
            None => fresh,
        };
        let out = output * Activation::Tanh.apply(cell.clone());
        match (state, mask) {
            (_, None) => (out, cell),
            (None, Some(mask)) => (out * mask.clone(), cell * mask.clone()),
            (Some((h, c)), Some(mask)) => {
                let kept = mask.clone().neg() + 1.0;
                (out * mask.clone() + h.clone() * kept.clone(), cell * mask.clone() + c.clone() * kept)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::matrix::read;
    use super::super::random::{Purpose, generator};
    use super::*;

    #[test]
    fn a_step_by_hand_and_a_masked_step_leaves_the_state() {
        let device = Device::flex();
        let mut lstm = Lstm::new(1, 1, 0, &mut generator(1, Purpose::Weights), &device);
        let weights = |v: [f32; 4]| Param::from_data(TensorData::new(v.to_vec(), [1, 4]), &device);
        lstm.input = weights([1.0, 0.0, 1.0, 0.0]);
        lstm.hidden = weights([0.0, 0.0, 1.0, 0.0]);
        let number = |v: f32| Tensor::<2>::from_data(TensorData::new(vec![v], [1, 1]), &device);
        let steps: Vec<Tensor<2>> = [1.0, 5.0, 1.0].into_iter().map(|x| lstm.project(number(x))).collect();
        let masks = vec![number(1.0), number(0.0), number(1.0)];
        let out: Vec<f32> = lstm.run(&steps, &masks, false).into_iter().flat_map(|h| read(h).expect("one number")).collect();
        let logistic = |x: f32| 1.0 / (1.0 + (-x).exp());
        let c1 = logistic(1.0) * 1.0_f32.tanh();
        let h1 = 0.5 * c1.tanh();
        let c2 = logistic(1.0) * (1.0 + h1).tanh() + logistic(1.0) * c1;
        let h2 = 0.5 * c2.tanh();
        for (got, wanted) in out.iter().zip([h1, h1, h2]) {
            assert!((got - wanted).abs() < 1e-5, "{got} {wanted}");
        }
    }
}
