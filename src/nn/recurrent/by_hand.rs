//! The published classifiers' own passes on the CPU: what [`super::Recurrent`] computes, and its gradients.

use super::super::by_hand::{in_parts, summed};
use super::super::classifier::{Labels, Logits, entropy};
use super::super::kernel::{Batch, Kernel, Trace};
use super::super::layer::Activation;
use super::super::product::{affine, column_sums, product};
use super::{KERNEL, LabelledSequences, RecurrentConfig};

/// A network over one state of its weights.
pub(super) struct OwnPasses<'a> {
    config: &'a RecurrentConfig,
    /// In the order of the parameters: convolution, LSTMs, dense layers.
    weights: Vec<Vec<f32>>,
}

/// What dropout leaves of a batch, drawn for all of its rows at once.
#[derive(Default)]
struct Kept {
    layers: Vec<KeptLayer>,
    after: Option<Vec<f32>>,
}

#[derive(Default)]
struct KeptLayer {
    input: Option<Vec<f32>>,
    states: Vec<Option<Vec<f32>>>,
}

/// Steps of a part of a batch, step by step, as the first LSTM takes them.
struct Entrance {
    steps: usize,
    places: usize,
    /// `[steps * places, width]`
    values: Vec<f32>,
    present: Vec<bool>,
    convolved: Option<Convolved>,
}

/// What the convolution's gradients need.
struct Convolved {
    /// The windows of the later and of the earlier of each two, `[steps * places, KERNEL * size]`.
    windows: [Vec<f32>; 2],
    /// Whether the later one is the larger.
    later: Vec<bool>,
}

/// What the backward pass needs of one layer.
struct Passed {
    /// The layer's input; none for the first layer without dropout, whose input is the entrance.
    input: Option<Vec<f32>>,
    traces: Vec<Trace>,
}

/// Everything the backward pass needs.
struct Pass {
    entrance: Entrance,
    layers: Vec<Passed>,
    /// The input of each dense layer, and the logits behind them.
    dense: Vec<Vec<f32>>,
}

/// The part of a batch's draws that belongs to `places` rows from `first` on.
fn part(drawn: Option<&Vec<f32>>, first: usize, places: usize, width: usize) -> Option<&[f32]> {
    drawn?.get(first * width..(first + places) * width)
}

fn multiplied(values: &mut [f32], kept: &[f32]) {
    values.iter_mut().zip(kept.iter().cycle()).for_each(|(value, kept)| *value *= kept);
}

/// Rows side by side.
fn beside(parts: &[&[f32]], width: usize) -> Vec<f32> {
    let rows = parts.first().map_or(0, |part| part.len() / width.max(1));
    (0..rows).flat_map(|row| parts.iter().flat_map(move |part| part[row * width..(row + 1) * width].iter().copied())).collect()
}

/// The `nth` columns of `width` of rows of `whole`.
fn columns(values: &[f32], whole: usize, nth: usize, width: usize) -> Vec<f32> {
    values.chunks_exact(whole.max(1)).flat_map(|row| row[nth * width..(nth + 1) * width].iter().copied()).collect()
}

impl<'a> OwnPasses<'a> {
    pub(super) fn new(config: &'a RecurrentConfig, weights: Vec<Vec<f32>>) -> Self {
        Self { config, weights }
    }

    fn directions(&self) -> usize {
        1 + usize::from(self.config.both_ways)
    }

    /// Numbers per step that enter a layer.
    fn width(&self, layer: usize) -> usize {
        match (layer.checked_sub(1), self.config.filters) {
            (Some(before), _) => self.config.units[before] * self.directions(),
            (None, 0) => self.config.inputs,
            (None, filters) => filters,
        }
    }

    /// The parameter that a layer's direction begins with.
    fn first_of(&self, layer: usize, direction: usize) -> usize {
        2 * usize::from(self.config.filters > 0) + 3 * (layer * self.directions() + direction)
    }

    fn kernel(&self, layer: usize, direction: usize) -> Kernel<'_> {
        let at = self.first_of(layer, direction);
        let (inputs, units, activation) = (self.width(layer), self.config.units[layer], Activation::Tanh);
        Kernel { inputs, units, activation, input: &self.weights[at], hidden: &self.weights[at + 1], bias: &self.weights[at + 2] }
    }

    /// Draws in the order in which burn's graph would.
    fn draw(&self, data: &LabelledSequences, rows: usize) -> Kept {
        let mut kept = Kept::default();
        for (layer, units) in self.config.units.iter().enumerate() {
            let input = data.draws.draw(rows * self.width(layer), self.config.inside);
            let states = (0..self.directions()).map(|_| data.draws.draw(rows * units, self.config.inside)).collect();
            kept.layers.push(KeptLayer { input, states });
        }
        kept.after = data.draws.draw(rows * self.width(self.config.units.len()), self.config.after);
        kept
    }

    fn entrance(&self, data: &LabelledSequences, rows: &[usize]) -> Entrance {
        if self.config.filters > 0 {
            return self.convolve(data, rows);
        }
        let (steps, places, size) = (data.longest(rows).max(1), rows.len(), data.size());
        let (mut values, mut present) = (vec![0.0; steps * places * size], vec![false; steps * places]);
        for (place, &row) in rows.iter().enumerate() {
            let padding = steps - data.length(row);
            for step in padding..steps {
                let at = step * places + place;
                present[at] = true;
                values[at * size..(at + 1) * size].copy_from_slice(data.window(row, step - padding, 1).unwrap_or_default());
            }
        }
        Entrance { steps, places, values, present, convolved: None }
    }

    /// A place counts where all of its steps are real; places are paired from the end, so that padding moves no pair.
    fn convolve(&self, data: &LabelledSequences, rows: &[usize]) -> Entrance {
        let (longest, places, wide) = (data.longest(rows).max(KERNEL), rows.len(), KERNEL * data.size());
        let windows = longest + 1 - KERNEL;
        let steps = windows.div_ceil(2);
        let (mut present, mut cells) = (vec![false; steps * places], [vec![0.0; steps * places * wide], vec![0.0; steps * places * wide]]);
        let mut real = [vec![false; steps * places], vec![false; steps * places]];
        for step in 0..steps {
            let end = windows - 1 - 2 * (steps - 1 - step);
            for (place, &row) in rows.iter().enumerate() {
                let at = step * places + place;
                for (which, window) in [Some(end), end.checked_sub(1)].into_iter().enumerate() {
                    let Some(begin) = window.and_then(|window| (window + data.length(row)).checked_sub(longest)) else { continue };
                    let Some(values) = data.window(row, begin, KERNEL) else { continue };
                    cells[which][at * wide..(at + 1) * wide].copy_from_slice(values);
                    real[which][at] = true;
                }
                present[at] = real[0][at];
            }
        }
        let filters = self.config.filters;
        let [mut values, mut earlier] = [0, 1].map(|which| affine(&cells[which], &self.weights[0], &self.weights[1], wide));
        for (which, values) in [&mut values, &mut earlier].into_iter().enumerate() {
            for (row, real) in values.chunks_exact_mut(filters).zip(&real[which]) {
                if !real {
                    row.fill(0.0);
                }
            }
        }
        let later = values.iter().zip(&earlier).map(|(later, earlier)| later >= earlier).collect();
        values.iter_mut().zip(&earlier).for_each(|(value, earlier)| *value = value.max(*earlier).max(0.0));
        Entrance { steps, places, values, present, convolved: Some(Convolved { windows: cells, later }) }
    }

    /// The rows of a part, which begin at row `first` of their batch.
    fn pass(&self, data: &LabelledSequences, rows: &[usize], first: usize, kept: &Kept) -> Pass {
        let entrance = self.entrance(data, rows);
        let places = entrance.places;
        let mut layers: Vec<Passed> = Vec::new();
        let mut state = Vec::new();
        for (layer, &units) in self.config.units.iter().enumerate() {
            let drawn = kept.layers.get(layer);
            let mut input = layers.last().map(|below: &Passed| {
                let outputs: Vec<&[f32]> = below.traces.iter().map(|trace| trace.outputs.as_slice()).collect();
                beside(&outputs, self.config.units[layer - 1])
            });
            if let Some(kept) = part(drawn.and_then(|drawn| drawn.input.as_ref()), first, places, self.width(layer)) {
                multiplied(input.get_or_insert_with(|| entrance.values.clone()), kept);
            }
            let x = input.as_ref().unwrap_or(&entrance.values);
            let mut ends: Vec<Vec<f32>> = Vec::new();
            let mut traces = Vec::new();
            for direction in 0..self.directions() {
                let batch = entrance.batch(direction, part(drawn.and_then(|drawn| drawn.states[direction].as_ref()), first, places, units));
                let trace = self.kernel(layer, direction).forward(x, batch);
                ends.push(trace.outputs[batch.last(units)].to_vec());
                traces.push(trace);
            }
            let ends: Vec<&[f32]> = ends.iter().map(Vec::as_slice).collect();
            state = beside(&ends, units);
            layers.push(Passed { input, traces });
        }
        if let Some(kept) = part(kept.after.as_ref(), first, places, self.width(self.config.units.len())) {
            multiplied(&mut state, kept);
        }
        Pass { entrance, layers, dense: self.decide(state) }
    }

    /// The dense layers and the logit.
    fn decide(&self, state: Vec<f32>) -> Vec<Vec<f32>> {
        let mut width = self.width(self.config.units.len());
        let mut dense = vec![state];
        for (nth, &next) in self.config.dense.iter().chain([&1]).enumerate() {
            let at = self.first_of(self.config.units.len(), 0) + 2 * nth;
            let mut x = affine(&dense[nth], &self.weights[at], &self.weights[at + 1], width);
            if nth < self.config.dense.len() {
                Activation::Relu.over(&mut x);
            }
            dense.push(x);
            width = next;
        }
        dense
    }

    /// Gradients of all parameters from those of the logits.
    fn back(&self, pass: &Pass, logits: Vec<f32>, first: usize, kept: &Kept) -> Vec<Vec<f32>> {
        let mut gradients: Vec<Vec<f32>> = vec![Vec::new(); self.weights.len()];
        let (places, last) = (pass.entrance.places, self.config.units.len());
        let mut outward = logits;
        let widths: Vec<usize> = [self.width(last)].into_iter().chain(self.config.dense.iter().copied()).collect();
        for (nth, &inputs) in widths.iter().enumerate().rev() {
            let at = self.first_of(last, 0) + 2 * nth;
            let outputs = outward.len() / places;
            gradients[at] = product(&pass.dense[nth], &outward, (inputs, places, outputs), (true, false));
            gradients[at + 1] = column_sums(&outward, outputs);
            outward = product(&outward, &self.weights[at], (places, outputs, inputs), (false, true));
            if nth > 0 {
                outward.iter_mut().zip(&pass.dense[nth]).for_each(|(gradient, x)| *gradient *= f32::from(u8::from(*x > 0.0)));
            }
        }
        if let Some(kept) = part(kept.after.as_ref(), first, places, self.width(last)) {
            multiplied(&mut outward, kept);
        }
        let steps = self.back_through_layers(pass, &outward, first, kept, &mut gradients);
        if let Some(convolved) = &pass.entrance.convolved {
            let (weight, bias) = convolved.back(&pass.entrance.values, steps, self.config.filters);
            (gradients[0], gradients[1]) = (weight, bias);
        }
        gradients
    }

    /// Gradients of the LSTMs; gives those of the entrance's values where it has weights.
    fn back_through_layers(&self, pass: &Pass, state: &[f32], first: usize, kept: &Kept, gradients: &mut [Vec<f32>]) -> Vec<f32> {
        let Pass { entrance, layers, .. } = pass;
        let (rows, places) = (entrance.steps * entrance.places, entrance.places);
        let mut below: Option<Vec<f32>> = None;
        for (layer, passed) in layers.iter().enumerate().rev() {
            let (units, width) = (self.config.units[layer], self.width(layer));
            let drawn = kept.layers.get(layer);
            let wanted = layer > 0 || entrance.convolved.is_some();
            let mut inward: Option<Vec<f32>> = None;
            for direction in 0..self.directions() {
                let batch = entrance.batch(direction, part(drawn.and_then(|drawn| drawn.states[direction].as_ref()), first, places, units));
                let side = |values: &[f32]| columns(values, units * self.directions(), direction, units);
                let outward = below.as_deref().map_or_else(
                    || {
                        let mut all = vec![0.0; rows * units];
                        all[batch.last(units)].copy_from_slice(&side(state));
                        all
                    },
                    side,
                );
                let x = passed.input.as_ref().unwrap_or(&entrance.values);
                let (own, further) = self.kernel(layer, direction).backward(x, &passed.traces[direction], &outward, batch, wanted);
                let at = self.first_of(layer, direction);
                (gradients[at], gradients[at + 1], gradients[at + 2]) = (own.input, own.hidden, own.bias);
                match &mut inward {
                    Some(sum) => sum.iter_mut().zip(&further).for_each(|(sum, more)| *sum += more),
                    None => inward = Some(further),
                }
            }
            let mut inward = inward.unwrap_or_default();
            if let Some(kept) = part(drawn.and_then(|drawn| drawn.input.as_ref()), first, places, width) {
                inward.chunks_exact_mut(places * width).for_each(|step| multiplied(step, kept));
            }
            below = Some(inward);
        }
        below.unwrap_or_default()
    }
}

impl Entrance {
    fn batch<'a>(&'a self, direction: usize, dropped: Option<&'a [f32]>) -> Batch<'a> {
        Batch { steps: self.steps, places: self.places, present: &self.present, reverse: direction == 1, dropped }
    }
}

impl Convolved {
    /// Gradients of the convolution's weight and bias: of each two the larger has it, where it is above 0.
    fn back(&self, outputs: &[f32], outward: Vec<f32>, filters: usize) -> (Vec<f32>, Vec<f32>) {
        let mut passed = outward;
        passed.iter_mut().zip(outputs).for_each(|(gradient, x)| *gradient = if *x > 0.0 { *gradient } else { 0.0 });
        let bias = column_sums(&passed, filters);
        let rows = outputs.len() / filters.max(1);
        let of = |which: usize| {
            let own: Vec<f32> = passed.iter().zip(&self.later).map(|(gradient, later)| if *later == (which == 0) { *gradient } else { 0.0 }).collect();
            let wide = self.windows[which].len() / rows.max(1);
            product(&self.windows[which], &own, (wide, rows, filters), (true, false))
        };
        let mut weight = of(0);
        weight.iter_mut().zip(of(1)).for_each(|(sum, more)| *sum += more);
        (weight, bias)
    }
}

impl Logits<LabelledSequences> for OwnPasses<'_> {
    fn logits(&self, data: &LabelledSequences, rows: &[usize]) -> Vec<f32> {
        in_parts(rows, |first, rows| self.pass(data, rows, first, &Kept::default()).dense.pop().unwrap_or_default()).concat()
    }

    fn gradients(&self, data: &LabelledSequences, rows: &[usize], weights: &[f32]) -> (f64, Vec<Vec<f32>>) {
        let kept = self.draw(data, rows.len());
        summed(in_parts(rows, |first, rows| {
            let mut pass = self.pass(data, rows, first, &kept);
            let mut logits = pass.dense.pop().unwrap_or_default();
            let mut loss = 0.0;
            for (nth, (logit, row)) in logits.iter_mut().zip(rows).enumerate() {
                let (value, slope) = entropy(*logit, data.labels()[*row]);
                let weight = weights[first + nth];
                loss += f64::from(value * weight);
                *logit = slope * weight;
            }
            (loss, self.back(&pass, logits, first, &kept))
        }))
    }
}
