//! An LSTM layer with its own backward pass, on the CPU: all steps' input products in one, all steps' weight gradients in one, no graph of small
//! operations. The cell is Keras': gates input, forget, cell, output; the activation of choice at the cell's input and output.
//!
//! Rows are laid out step by step: row `step * places + place`. Steps that are not present hand their state on. Each call is one thread's work,
//! and its sums have one order.

use super::cells::Gradients;
use super::curves::{sigmoid, tanh};
use super::layer::Activation;
use super::product::{column_sums, multiply, product, transposed};

/// A layer in one direction, its weights borrowed.
#[derive(Clone, Copy)]
pub(super) struct Kernel<'a> {
    pub(super) inputs: usize,
    pub(super) units: usize,
    pub(super) activation: Activation,
    pub(super) input: &'a [f32],
    pub(super) hidden: &'a [f32],
    pub(super) bias: &'a [f32],
}

/// What the backward pass needs of the forward pass.
pub(super) struct Trace {
    /// Gates after their activations, `[steps * places, 4 units]`.
    gates: Vec<f32>,
    /// Cells after each step.
    cells: Vec<f32>,
    /// Their activations.
    squashed: Vec<f32>,
    /// Outputs after each step, `[steps * places, units]`.
    pub(super) outputs: Vec<f32>,
}

/// The shape of a batch: steps, places, and which (step, place) has a value.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) steps: usize,
    pub(super) places: usize,
    pub(super) present: &'a [bool],
    /// From the last step to the first.
    pub(super) reverse: bool,
    /// What each cell of the state is multiplied by before it enters the gates: recurrent dropout, one draw for all steps.
    ///
    /// # Shapes
    /// `[places, units]`
    pub(super) dropped: Option<&'a [f32]>,
}

impl Batch<'_> {
    /// The step that comes at this place of the walk.
    fn step(&self, nth: usize) -> usize {
        if self.reverse { self.steps - 1 - nth } else { nth }
    }

    /// Where the rows of the walk's last step are.
    fn end(&self) -> usize {
        if self.steps == 0 { 0 } else { self.step(self.steps - 1) * self.places }
    }

    /// The rows of the outputs after the walk's last step.
    pub(super) fn last(&self, units: usize) -> std::ops::Range<usize> {
        let begin = self.end() * units;
        begin..begin + if self.steps == 0 { 0 } else { self.places * units }
    }
}

impl Kernel<'_> {
    /// Runs over the steps.
    ///
    /// # Shapes
    /// `[steps * places, inputs]`
    pub(super) fn forward(&self, x: &[f32], batch: Batch<'_>) -> Trace {
        let (u, places) = (self.units, batch.places);
        let (wide, rows) = (4 * u, batch.steps * places);
        let mut gates = self.bias.repeat(rows);
        multiply(&mut gates, x, self.input, (rows, self.inputs, wide), (false, false), true);
        let mut trace = Trace { gates, cells: vec![0.0; rows * u], squashed: vec![0.0; rows * u], outputs: vec![0.0; rows * u] };
        let (mut h, mut c, mut entering) = (vec![0.0; places * u], vec![0.0; places * u], Vec::new());
        for nth in 0..batch.steps {
            let at = batch.step(nth) * places;
            let gates = &mut trace.gates[at * wide..(at + places) * wide];
            if nth > 0 {
                multiply(gates, dropped(&h, batch.dropped, &mut entering), self.hidden, (places, u, wide), (false, false), true);
            }
            for (place, gates) in gates.chunks_exact_mut(wide).enumerate() {
                if !batch.present[at + place] {
                    continue;
                }
                let (both, rest) = gates.split_at_mut(2 * u);
                let (fresh, out) = rest.split_at_mut(u);
                Activation::Sigmoid.over(both);
                self.activation.over(fresh);
                Activation::Sigmoid.over(out);
                let (input, forget) = both.split_at(u);
                let here = place * u..(place + 1) * u;
                let squashed = &mut trace.squashed[(at + place) * u..(at + place + 1) * u];
                let (c, h) = (&mut c[here.clone()], &mut h[here]);
                advance(c, input, forget, fresh);
                squashed.copy_from_slice(c);
                self.activation.over(squashed);
                times(h, squashed, out);
            }
            trace.cells[at * u..(at + places) * u].copy_from_slice(&c);
            trace.outputs[at * u..(at + places) * u].copy_from_slice(&h);
        }
        trace
    }

    /// Gradients of the weights, and of the input where it is wanted, from those of the outputs.
    pub(super) fn backward(&self, x: &[f32], trace: &Trace, outward: &[f32], batch: Batch<'_>, inward: bool) -> (Gradients, Vec<f32>) {
        match self.activation {
            Activation::Linear => self.back(x, trace, outward, batch, inward, |_| 1.0),
            Activation::Relu => self.back(x, trace, outward, batch, inward, |value| if value > 0.0 { 1.0 } else { 0.0 }),
            Activation::LeakyRelu(slope) => self.back(x, trace, outward, batch, inward, move |value| if value > 0.0 { 1.0 } else { slope }),
            Activation::Sigmoid => self.back(x, trace, outward, batch, inward, |value| value * (1.0 - value)),
            Activation::Tanh => self.back(x, trace, outward, batch, inward, |value| 1.0 - value * value),
        }
    }

    /// The same; `slope` gives the derivative of the activation from its value.
    fn back(&self, x: &[f32], trace: &Trace, outward: &[f32], batch: Batch<'_>, inward: bool, slope: impl Fn(f32) -> f32 + Copy) -> (Gradients, Vec<f32>) {
        let (u, places) = (self.units, batch.places);
        let (wide, rows) = (4 * u, batch.steps * places);
        let mut gates = vec![0.0; rows * wide];
        let back = transposed(self.hidden, u, wide);
        let (mut later_h, mut later_c, mut earlier, mut dh) = (vec![0.0; places * u], vec![0.0; places * u], vec![0.0; places * u], vec![0.0; u]);
        let nothing = vec![0.0; u];
        for nth in (0..batch.steps).rev() {
            let at = batch.step(nth) * places;
            let before = nth.checked_sub(1).map(|nth| batch.step(nth) * places);
            for place in 0..places {
                let row = at + place;
                let (own, here) = (row * u..(row + 1) * u, place * u..(place + 1) * u);
                if !batch.present[row] {
                    // The state was handed on: so are its gradients.
                    add(&mut later_h[here], &outward[own]);
                    continue;
                }
                let dc = &mut later_c[here.clone()];
                sum(&mut dh, &outward[own.clone()], &later_h[here]);
                let (input, forget, fresh, out) = quarters(&trace.gates[row * wide..(row + 1) * wide]);
                let (to_both, to_rest) = gates[row * wide..(row + 1) * wide].split_at_mut(2 * u);
                let ((to_input, to_forget), (to_fresh, to_out)) = (to_both.split_at_mut(u), to_rest.split_at_mut(u));
                let cell = before.map_or(&nothing[..], |before| &trace.cells[(before + place) * u..(before + place + 1) * u]);
                out_back(to_out, dc, &dh, out, &trace.squashed[own], slope);
                fresh_back(to_input, to_fresh, dc, input, fresh, slope);
                forget_back(to_forget, dc, cell, forget);
            }
            if before.is_none() {
                continue;
            }
            multiply(&mut earlier, &gates[at * wide..(at + places) * wide], &back, (places, wide, u), (false, false), false);
            if let Some(kept) = batch.dropped {
                earlier.iter_mut().zip(kept).for_each(|(gradient, kept)| *gradient *= kept);
            }
            for place in 0..places {
                let here = place * u..(place + 1) * u;
                if batch.present[at + place] {
                    later_h[here.clone()].copy_from_slice(&earlier[here]);
                }
            }
        }
        // What entered a step is what came out of the one before it in the walk.
        let moved = rows.saturating_sub(places);
        let (from, into) = if batch.reverse { (places.min(rows)..rows, 0..moved) } else { (0..moved, places.min(rows)..rows) };
        let mut entered = Vec::new();
        let outputs = dropped(&trace.outputs[from.start * u..from.end * u], batch.dropped, &mut entered);
        let gradients = Gradients {
            input: product(x, &gates, (self.inputs, rows, wide), (true, false)),
            hidden: product(outputs, &gates[into.start * wide..into.end * wide], (u, moved, wide), (true, false)),
            bias: column_sums(&gates, wide),
        };
        let inward = if inward { product(&gates, self.input, (rows, wide, self.inputs), (false, true)) } else { Vec::new() };
        (gradients, inward)
    }
}

/// States with each cell multiplied by what dropout leaves of it; themselves where it leaves all.
fn dropped<'a>(states: &'a [f32], kept: Option<&[f32]>, into: &'a mut Vec<f32>) -> &'a [f32] {
    let Some(kept) = kept else { return states };
    into.clear();
    into.extend(states.iter().zip(kept.iter().cycle()).map(|(state, kept)| state * kept));
    into
}

fn quarters(row: &[f32]) -> (&[f32], &[f32], &[f32], &[f32]) {
    let (first, second) = row.split_at(row.len() / 2);
    let ((a, b), (c, d)) = (first.split_at(first.len() / 2), second.split_at(second.len() / 2));
    (a, b, c, d)
}

// Short loops over slices that are known not to overlap: the compiler turns each into vector instructions.

fn add(into: &mut [f32], more: &[f32]) {
    into.iter_mut().zip(more).for_each(|(sum, value)| *sum += value);
}

fn sum(into: &mut [f32], a: &[f32], b: &[f32]) {
    into.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum = a + b);
}

fn times(into: &mut [f32], a: &[f32], b: &[f32]) {
    into.iter_mut().zip(a.iter().zip(b)).for_each(|(product, (a, b))| *product = a * b);
}

/// `c = forget c + input fresh`.
fn advance(c: &mut [f32], input: &[f32], forget: &[f32], fresh: &[f32]) {
    for (c, ((input, forget), fresh)) in c.iter_mut().zip(input.iter().zip(forget).zip(fresh)) {
        *c = forget * *c + input * fresh;
    }
}

/// Into the output gate, and into the cell.
fn out_back(to_out: &mut [f32], dc: &mut [f32], dh: &[f32], out: &[f32], squashed: &[f32], slope: impl Fn(f32) -> f32) {
    for ((to_out, dc), ((dh, out), squashed)) in to_out.iter_mut().zip(dc).zip(dh.iter().zip(out).zip(squashed)) {
        *to_out = dh * squashed * out * (1.0 - out);
        *dc += dh * out * slope(*squashed);
    }
}

/// Into the input gate and the cell's input.
fn fresh_back(to_input: &mut [f32], to_fresh: &mut [f32], dc: &[f32], input: &[f32], fresh: &[f32], slope: impl Fn(f32) -> f32) {
    for ((to_input, to_fresh), ((dc, input), fresh)) in to_input.iter_mut().zip(to_fresh).zip(dc.iter().zip(input).zip(fresh)) {
        *to_input = dc * fresh * input * (1.0 - input);
        *to_fresh = dc * input * slope(*fresh);
    }
}

/// Into the forget gate, and into the cell of the step before.
fn forget_back(to_forget: &mut [f32], dc: &mut [f32], before: &[f32], forget: &[f32]) {
    for ((to_forget, dc), (before, forget)) in to_forget.iter_mut().zip(dc).zip(before.iter().zip(forget)) {
        *to_forget = *dc * before * forget * (1.0 - forget);
        *dc *= forget;
    }
}

impl Activation {
    /// Applies it to every value.
    pub(super) fn over(self, values: &mut [f32]) {
        match self {
            Self::Linear => {}
            Self::Relu => values.iter_mut().for_each(|x| *x = x.max(0.0)),
            Self::LeakyRelu(slope) => values.iter_mut().for_each(|x| *x = x.max(0.0) + slope * x.min(0.0)),
            Self::Sigmoid => values.iter_mut().for_each(|x| *x = sigmoid(*x)),
            Self::Tanh => values.iter_mut().for_each(|x| *x = tanh(*x)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cells::{Cells, Weights};
    use super::super::random::{Purpose, generator, glorot};
    use super::*;

    /// Half the sum of the squared outputs of all steps, and what it should be by small changes of each weight and of the input.
    #[test]
    fn gradients_are_those_of_small_changes() {
        for (activation, reverse, drops) in [
            (Activation::Relu, false, false),
            (Activation::Tanh, false, false),
            (Activation::Tanh, true, false),
            (Activation::Tanh, true, true),
            (Activation::Sigmoid, false, true),
        ] {
            let mut random = generator(7, Purpose::Weights);
            let mut cells = Cells::new(3, 4, activation, &mut random);
            let (steps, places) = (5, 2);
            let mut x = glorot(&mut random, steps * places, 3);
            // The second place begins two steps later.
            let present: Vec<bool> = (0..steps * places).map(|row| row % 2 == 0 || row / 2 >= 2).collect();
            let kept = [1.25, 0.0, 1.25, 1.25, 0.0, 1.25, 1.25, 0.0];
            let batch = Batch { steps, places, present: &present, reverse, dropped: drops.then_some(&kept[..]) };
            let cost = |cells: &Cells, x: &[f32]| -> f64 {
                let outputs = cells.kernel().forward(x, batch).outputs;
                outputs.iter().map(|y| 0.5 * f64::from(*y) * f64::from(*y)).sum()
            };
            let trace = cells.kernel().forward(&x, batch);
            let (gradients, inward) = cells.kernel().backward(&x, &trace, &trace.outputs, batch, true);
            for which in 0..4 {
                let count = [cells.input.values.len(), cells.hidden.values.len(), cells.bias.values.len(), x.len()][which];
                for at in (0..count).step_by(3) {
                    let change = |cells: &mut Cells, x: &mut [f32], by: f32| match which {
                        0 => cells.input.values[at] += by,
                        1 => cells.hidden.values[at] += by,
                        2 => cells.bias.values[at] += by,
                        _ => x[at] += by,
                    };
                    let h = 2e-3;
                    change(&mut cells, &mut x, h);
                    let above = cost(&cells, &x);
                    change(&mut cells, &mut x, -2.0 * h);
                    let below = cost(&cells, &x);
                    change(&mut cells, &mut x, h);
                    let wanted = (above - below) / f64::from(2.0 * h);
                    let got = f64::from([&gradients.input, &gradients.hidden, &gradients.bias, &inward][which][at]);
                    assert!((got - wanted).abs() < 2e-3 * (1.0 + wanted.abs()), "{activation:?} {reverse} {which} {at}: {got} {wanted}");
                }
            }
        }
    }

    #[test]
    fn a_step_by_hand_and_a_masked_step_leaves_the_state() {
        let mut cells = Cells::new(1, 1, Activation::Relu, &mut generator(1, Purpose::Weights));
        cells.input = Weights::new(vec![1.0, 0.0, 1.0, 0.0]);
        cells.hidden = Weights::new(vec![0.0, 0.0, 1.0, 0.0]);
        let logistic = |x: f32| 1.0 / (1.0 + (-x).exp());
        let c1 = logistic(1.0);
        let h1 = 0.5 * c1;
        let c2 = logistic(1.0) * c1 + logistic(1.0) * (1.0 + h1);
        for (reverse, wanted) in [(false, [h1, h1, 0.5 * c2]), (true, [0.5 * c2, h1, h1])] {
            let batch = Batch { steps: 3, places: 1, present: &[true, false, true], reverse, dropped: None };
            let outputs = cells.kernel().forward(&[1.0, 9.0, 1.0], batch).outputs;
            for (got, wanted) in outputs.iter().zip(wanted) {
                assert!((got - wanted).abs() < 1e-6, "{got} {wanted}");
            }
            assert_eq!(outputs[batch.last(1)], [if reverse { outputs[0] } else { outputs[2] }]);
        }
    }
}
