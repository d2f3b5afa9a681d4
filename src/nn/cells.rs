//! LSTM layers with their own backward pass, for long windows on the CPU: all steps' input products in one, all steps' weight gradients in one,
//! no graph of small operations. The cell is Keras': gates input, forget, cell, output; the activation of choice at the cell's input and output.
//!
//! Rows are laid out step by step: row `step * batch + place`. Masked steps hand their state on. Products are burn's on its CPU backend; sums are
//! taken in a fixed order, so that results do not depend on the number of threads.

use super::layer::Activation;
use super::matrix::read;
use super::random::glorot;
use crate::control::RunError;
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;

/// One trainable array and Adam's two moments of it.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) values: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Weights {
    pub(super) fn new(values: Vec<f32>) -> Self {
        let empty = vec![0.0; values.len()];
        Self { first: empty.clone(), second: empty, values }
    }

    /// One step of Adam (1e-3 as published, epsilon 1e-7) along `gradient` times `scale`; `step` counts from 1.
    pub(super) fn step(&mut self, gradient: &[f32], scale: f32, rate: f32, step: i32) {
        let (b1, b2) = (0.9f32, 0.999f32);
        let rate = rate * (1.0 - b2.powi(step)).sqrt() / (1.0 - b1.powi(step));
        for (((value, first), second), gradient) in self.values.iter_mut().zip(&mut self.first).zip(&mut self.second).zip(gradient) {
            let gradient = gradient * scale;
            *first = b1 * *first + (1.0 - b1) * gradient;
            *second = b2 * *second + (1.0 - b2) * gradient * gradient;
            *value -= rate * *first / (second.sqrt() + 1e-7);
        }
    }
}

/// `[m, k] x [k, n]`, either side stored transposed.
pub(super) fn product(a: &[f32], b: &[f32], m: usize, k: usize, n: usize, turned: (bool, bool)) -> Result<Vec<f32>, RunError> {
    let device = Device::flex();
    let tensor = |values: &[f32], rows: usize, columns: usize, turned: bool| {
        if turned {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [columns, rows]), &device).transpose()
        } else {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [rows, columns]), &device)
        }
    };
    read(tensor(a, m, k, turned.0).matmul(tensor(b, k, n, turned.1)))
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The derivative of an activation from its value.
fn slope(activation: Activation, value: f32) -> f32 {
    match activation {
        Activation::Linear => 1.0,
        Activation::Relu => f32::from(u8::from(value > 0.0)),
        Activation::LeakyRelu(slope) => {
            if value > 0.0 {
                1.0
            } else {
                slope
            }
        }
        Activation::Sigmoid => value * (1.0 - value),
        Activation::Tanh => 1.0 - value * value,
    }
}

/// One layer.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    pub(super) inputs: usize,
    pub(super) units: usize,
    activation: Activation,
    pub(super) input: Weights,
    pub(super) hidden: Weights,
    pub(super) bias: Weights,
}

/// What the backward pass needs of the forward pass.
pub(super) struct Trace {
    /// Gates after their activations, `[steps * batch, 4 units]`.
    gates: Vec<f32>,
    /// Cells after each step.
    cells: Vec<f32>,
    /// Their activations.
    squashed: Vec<f32>,
    /// Outputs after each step, `[steps * batch, units]`.
    pub(super) outputs: Vec<f32>,
}

/// Gradients of one layer's weights.
#[derive(Clone, Debug, Default)]
pub(super) struct Gradients {
    pub(super) input: Vec<f32>,
    pub(super) hidden: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// The shape of a batch: steps, places, and which (step, place) has a value.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) steps: usize,
    pub(super) places: usize,
    pub(super) present: &'a [bool],
}

impl Cells {
    /// Glorot-uniform weights, the forget gate's bias at 1.
    pub(super) fn new(inputs: usize, units: usize, activation: Activation, generator: &mut ChaCha8Rng) -> Self {
        let mut bias = vec![0.0; 4 * units];
        bias.iter_mut().skip(units).take(units).for_each(|bias| *bias = 1.0);
        Self {
            inputs,
            units,
            activation,
            input: Weights::new(glorot(generator, inputs, 4 * units)),
            hidden: Weights::new(glorot(generator, units, 4 * units)),
            bias: Weights::new(bias),
        }
    }

    pub(super) fn parameters(&self) -> usize {
        self.input.values.len() + self.hidden.values.len() + self.bias.values.len()
    }

    /// Runs over the steps.
    ///
    /// # Shapes
    /// `[steps * places, inputs]`
    pub(super) fn forward(&self, x: &[f32], batch: Batch<'_>) -> Result<Trace, RunError> {
        let (u, places) = (self.units, batch.places);
        let wide = 4 * u;
        let mut gates = product(x, &self.input.values, batch.steps * places, self.inputs, wide, (false, false))?;
        let state = batch.steps * places * u;
        let mut trace = Trace { gates: Vec::new(), cells: vec![0.0; state], squashed: vec![0.0; state], outputs: vec![0.0; state] };
        let device = Device::flex();
        let hidden = Tensor::<2>::from_data(TensorData::new(self.hidden.values.clone(), [u, wide]), &device);
        for step in 0..batch.steps {
            let at = step * places;
            let before = if step == 0 {
                None
            } else {
                let last = trace.outputs[(at - places) * u..at * u].to_vec();
                Some(read(Tensor::<2>::from_data(TensorData::new(last, [places, u]), &device).matmul(hidden.clone()))?)
            };
            for place in 0..places {
                let row = at + place;
                let (own, last) = (row * u, (row.saturating_sub(places)) * u);
                if !batch.present[row] {
                    if step > 0 {
                        trace.outputs.copy_within(last..last + u, own);
                        trace.cells.copy_within(last..last + u, own);
                    }
                    continue;
                }
                let gates = &mut gates[row * wide..(row + 1) * wide];
                for (gate, bias) in gates.iter_mut().zip(&self.bias.values) {
                    *gate += bias;
                }
                if let Some(before) = &before {
                    for (gate, add) in gates.iter_mut().zip(&before[place * wide..(place + 1) * wide]) {
                        *gate += add;
                    }
                }
                gates[..2 * u].iter_mut().for_each(|gate| *gate = sigmoid(*gate));
                gates[2 * u..3 * u].iter_mut().for_each(|gate| *gate = self.activation.value(*gate));
                gates[3 * u..].iter_mut().for_each(|gate| *gate = sigmoid(*gate));
                for j in 0..u {
                    let kept = if step == 0 { 0.0 } else { gates[u + j] * trace.cells[last + j] };
                    let cell = kept + gates[j] * gates[2 * u + j];
                    let squashed = self.activation.value(cell);
                    trace.cells[own + j] = cell;
                    trace.squashed[own + j] = squashed;
                    trace.outputs[own + j] = gates[3 * u + j] * squashed;
                }
            }
        }
        trace.gates = gates;
        Ok(trace)
    }

    /// Gradients of the weights, and of the input where it is wanted, from those of the outputs.
    pub(super) fn backward(&self, x: &[f32], trace: &Trace, outward: &[f32], batch: Batch<'_>, inward: bool) -> Result<(Gradients, Vec<f32>), RunError> {
        let (u, places) = (self.units, batch.places);
        let (wide, rows) = (4 * u, batch.steps * places);
        let mut gates = vec![0.0f32; rows * wide];
        let device = Device::flex();
        let back = Tensor::<2>::from_data(TensorData::new(self.hidden.values.clone(), [u, wide]), &device).transpose();
        let (mut later_h, mut later_c) = (vec![0.0f32; places * u], vec![0.0f32; places * u]);
        for step in (0..batch.steps).rev() {
            let at = step * places;
            for place in 0..places {
                let row = at + place;
                let (own, last, here) = (row * u, row.saturating_sub(places) * u, place * u);
                if !batch.present[row] {
                    // The state was handed on: so are its gradients.
                    for j in 0..u {
                        later_h[here + j] += outward[own + j];
                    }
                    continue;
                }
                let seen = &trace.gates[row * wide..(row + 1) * wide];
                let out = &mut gates[row * wide..(row + 1) * wide];
                for j in 0..u {
                    let (i, f, g, o) = (seen[j], seen[u + j], seen[2 * u + j], seen[3 * u + j]);
                    let squashed = trace.squashed[own + j];
                    let dh = outward[own + j] + later_h[here + j];
                    let dc = later_c[here + j] + dh * o * slope(self.activation, squashed);
                    let before = if step == 0 { 0.0 } else { trace.cells[last + j] };
                    out[j] = dc * g * i * (1.0 - i);
                    out[u + j] = dc * before * f * (1.0 - f);
                    out[2 * u + j] = dc * i * slope(self.activation, g);
                    out[3 * u + j] = dh * squashed * o * (1.0 - o);
                    later_c[here + j] = dc * f;
                }
            }
            if step > 0 {
                let now = Tensor::<2>::from_data(TensorData::new(gates[at * wide..(at + places) * wide].to_vec(), [places, wide]), &device);
                let earlier = read(now.matmul(back.clone()))?;
                for place in 0..places {
                    let here = place * u..(place + 1) * u;
                    if batch.present[at + place] {
                        later_h[here.clone()].copy_from_slice(&earlier[here]);
                    }
                }
            }
        }
        let mut shifted = vec![0.0; places * u];
        shifted.extend_from_slice(&trace.outputs[..rows.saturating_sub(places) * u]);
        shifted.truncate(rows * u);
        let mut bias = vec![0.0f32; wide];
        for row in gates.chunks_exact(wide) {
            bias.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let gradients = Gradients {
            input: product(x, &gates, self.inputs, rows, wide, (true, false))?,
            hidden: product(&shifted, &gates, u, rows, wide, (true, false))?,
            bias,
        };
        let inward = if inward { product(&gates, &self.input.values, rows, wide, self.inputs, (false, true))? } else { Vec::new() };
        Ok((gradients, inward))
    }
}

impl Gradients {
    /// Adds another part's.
    pub(super) fn add(&mut self, other: &Self) {
        for (own, other) in [(&mut self.input, &other.input), (&mut self.hidden, &other.hidden), (&mut self.bias, &other.bias)] {
            if own.is_empty() {
                own.clone_from(other);
            } else {
                own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
            }
        }
    }

    /// Sum of the squares.
    pub(super) fn square(&self) -> f64 {
        [&self.input, &self.hidden, &self.bias].iter().flat_map(|values| values.iter()).map(|value| f64::from(*value) * f64::from(*value)).sum()
    }
}

impl Cells {
    pub(super) fn step(&mut self, gradients: &Gradients, scale: f32, rate: f32, step: i32) {
        self.input.step(&gradients.input, scale, rate, step);
        self.hidden.step(&gradients.hidden, scale, rate, step);
        self.bias.step(&gradients.bias, scale, rate, step);
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::{Purpose, generator};
    use super::*;

    /// Half the sum of the squared outputs of all steps, and what it should be by small changes of each weight.
    #[test]
    fn gradients_are_those_of_small_changes() {
        for activation in [Activation::Relu, Activation::Tanh, Activation::Sigmoid] {
            let mut random = generator(7, Purpose::Weights);
            let mut cells = Cells::new(3, 4, activation, &mut random);
            let (steps, places) = (5, 2);
            let x = glorot(&mut random, steps * places, 3);
            // The second place begins two steps later.
            let present: Vec<bool> = (0..steps * places).map(|row| row % 2 == 0 || row / 2 >= 2).collect();
            let batch = Batch { steps, places, present: &present };
            let cost = |cells: &Cells| -> f64 {
                let outputs = cells.forward(&x, batch).unwrap().outputs;
                outputs.iter().map(|y| 0.5 * f64::from(*y) * f64::from(*y)).sum()
            };
            let trace = cells.forward(&x, batch).unwrap();
            let (gradients, _) = cells.backward(&x, &trace, &trace.outputs, batch, true).unwrap();
            for which in 0..3 {
                let count = [cells.input.values.len(), cells.hidden.values.len(), cells.bias.values.len()][which];
                for at in (0..count).step_by(3) {
                    let change = |cells: &mut Cells, by: f32| match which {
                        0 => cells.input.values[at] += by,
                        1 => cells.hidden.values[at] += by,
                        _ => cells.bias.values[at] += by,
                    };
                    let h = 2e-3;
                    change(&mut cells, h);
                    let above = cost(&cells);
                    change(&mut cells, -2.0 * h);
                    let below = cost(&cells);
                    change(&mut cells, h);
                    let wanted = (above - below) / f64::from(2.0 * h);
                    let got = f64::from([&gradients.input, &gradients.hidden, &gradients.bias][which][at]);
                    assert!((got - wanted).abs() < 2e-3 * (1.0 + wanted.abs()), "{activation:?} {which} {at}: {got} {wanted}");
                }
            }
        }
    }

    #[test]
    fn a_step_by_hand_and_a_masked_step_leaves_the_state() {
        let mut cells = Cells::new(1, 1, Activation::Relu, &mut generator(1, Purpose::Weights));
        cells.input = Weights::new(vec![1.0, 0.0, 1.0, 0.0]);
        cells.hidden = Weights::new(vec![0.0, 0.0, 1.0, 0.0]);
        let trace = cells.forward(&[1.0, 9.0, 1.0], Batch { steps: 3, places: 1, present: &[true, false, true] }).unwrap();
        let logistic = |x: f32| 1.0 / (1.0 + (-x).exp());
        let c1 = logistic(1.0);
        let h1 = 0.5 * c1;
        let c2 = logistic(1.0) * c1 + logistic(1.0) * (1.0 + h1);
        for (got, wanted) in trace.outputs.iter().zip([h1, h1, 0.5 * c2]) {
            assert!((got - wanted).abs() < 1e-6, "{got} {wanted}");
        }
    }
}
