//! The sequence autoencoder's own passes on the CPU: what [`super::SequenceAutoencoder`] computes, and its gradients.

use super::super::by_hand::{ByHand, in_parts, summed};
use super::super::kernel::{Batch, Kernel, Trace};
use super::super::layer::Activation;
use super::super::product::{affine, column_sums, product};
use super::Sequences;

/// The parameters that the decoder and the last layer begin with.
const DECODER: usize = 6;
const HEAD: usize = 12;

/// A network over one state of its weights: two directions of an encoder, two of a decoder, one layer per step.
pub(super) struct OwnPasses {
    weights: Vec<Vec<f32>>,
    units: usize,
    size: usize,
}

/// Sequences step by step.
struct Part {
    places: usize,
    /// `[steps * places, size]`
    values: Vec<f32>,
    present: Vec<bool>,
}

struct Pass {
    part: Part,
    encoded: [Trace; 2],
    /// The code at every step, `[steps * places, 2 units]`.
    code: Vec<f32>,
    decoded: [Trace; 2],
    /// Both directions of the decoder side by side.
    both: Vec<f32>,
    rebuilt: Vec<f32>,
}

impl Part {
    fn new(data: &Sequences, rows: &[usize]) -> Self {
        let (steps, places) = (data.steps, rows.len());
        let (mut values, mut present) = (Vec::with_capacity(steps * places * data.size), Vec::with_capacity(steps * places));
        for step in 0..steps {
            for &row in rows {
                let at = (row * steps + step) * data.size;
                values.extend_from_slice(&data.values[at..at + data.size]);
                present.push(step + data.lengths[row] >= steps);
            }
        }
        Self { places, values, present }
    }

    fn batch(&self, direction: usize) -> Batch<'_> {
        Batch { steps: self.present.len() / self.places, places: self.places, present: &self.present, reverse: direction == 1, dropped: None }
    }
}

/// Two blocks of rows side by side.
fn beside(left: &[f32], right: &[f32], width: usize) -> Vec<f32> {
    left.chunks_exact(width).zip(right.chunks_exact(width)).flat_map(|(left, right)| left.iter().chain(right).copied()).collect()
}

/// The left or the right half of every row.
fn half(values: &[f32], width: usize, right: usize) -> Vec<f32> {
    values.chunks_exact(2 * width).flat_map(|row| row[right * width..(right + 1) * width].iter().copied()).collect()
}

impl OwnPasses {
    pub(super) fn new(weights: Vec<Vec<f32>>) -> Self {
        let length = |at: usize| weights.get(at).map_or(0, Vec::len);
        Self { units: length(2) / 4, size: length(HEAD + 1), weights }
    }

    fn kernel(&self, first: usize, direction: usize) -> Kernel<'_> {
        let (at, units) = (first + 3 * direction, self.units);
        let inputs = if first == DECODER { 2 * units } else { self.size };
        Kernel { inputs, units, activation: Activation::Tanh, input: &self.weights[at], hidden: &self.weights[at + 1], bias: &self.weights[at + 2] }
    }

    fn pass(&self, data: &Sequences, rows: &[usize]) -> Pass {
        let (part, units) = (Part::new(data, rows), self.units);
        let encoded = [0, 1].map(|direction| self.kernel(0, direction).forward(&part.values, part.batch(direction)));
        let ends = [0, 1].map(|direction| &encoded[direction].outputs[part.batch(direction).last(units)]);
        let code = beside(ends[0], ends[1], units).repeat(data.steps);
        let decoded = [0, 1].map(|direction| self.kernel(DECODER, direction).forward(&code, part.batch(direction)));
        let both = beside(&decoded[0].outputs, &decoded[1].outputs, units);
        let rebuilt = affine(&both, &self.weights[HEAD], &self.weights[HEAD + 1], 2 * units);
        Pass { part, encoded, code, decoded, both, rebuilt }
    }

    /// What it makes of the named rows, sequence by sequence, padding included.
    pub(super) fn rebuilt(&self, data: &Sequences, rows: &[usize]) -> Vec<f32> {
        let parts = in_parts(rows, |_, rows| {
            let (rebuilt, size) = (self.pass(data, rows).rebuilt, self.size);
            let step = |place: usize, step: usize| (step * rows.len() + place) * size;
            let steps = (0..rows.len()).flat_map(|place| (0..data.steps).map(move |at| step(place, at)));
            steps.flat_map(|at| rebuilt[at..at + size].iter().copied()).collect::<Vec<f32>>()
        });
        parts.concat()
    }

    /// The error of every row, and its loss.
    fn errors(&self, data: &Sequences, rows: &[usize], pass: &Pass) -> Vec<(f32, f32)> {
        let size = self.size;
        let mut errors = vec![0.0_f32; rows.len()];
        for (row, (x, y)) in pass.part.values.chunks_exact(size).zip(pass.rebuilt.chunks_exact(size)).enumerate() {
            if pass.part.present[row] {
                errors[row % rows.len()] += x.iter().zip(y).map(|(x, y)| (y - x) * (y - x)).sum::<f32>();
            }
        }
        let loss = |(error, &row): (f32, &usize)| {
            let (error, margin) = (error / (data.lengths[row].max(1) * size) as f32, data.margins[row]);
            (error, if margin > 0.0 { (margin - error).max(0.0) } else { error })
        };
        errors.into_iter().zip(rows).map(loss).collect()
    }

    /// Gradients of all parameters from those of what was rebuilt.
    fn back(&self, data: &Sequences, pass: &Pass, outward: &[f32]) -> Vec<Vec<f32>> {
        let (units, size, part) = (self.units, self.size, &pass.part);
        let rows = part.present.len();
        let mut gradients = vec![Vec::new(); self.weights.len()];
        gradients[HEAD] = product(&pass.both, outward, (2 * units, rows, size), (true, false));
        gradients[HEAD + 1] = column_sums(outward, size);
        let both = product(outward, &self.weights[HEAD], (rows, size, 2 * units), (false, true));
        // The code was repeated: its gradient is the sum over the steps, of both directions.
        let mut code = vec![0.0_f32; part.places * 2 * units];
        for direction in 0..2 {
            let outward = half(&both, units, direction);
            let (own, inward) = self.kernel(DECODER, direction).backward(&pass.code, &pass.decoded[direction], &outward, part.batch(direction), true);
            let at = DECODER + 3 * direction;
            (gradients[at], gradients[at + 1], gradients[at + 2]) = (own.input, own.hidden, own.bias);
            for step in inward.chunks_exact(code.len()) {
                code.iter_mut().zip(step).for_each(|(sum, value)| *sum += value);
            }
        }
        for direction in 0..2 {
            let (batch, at) = (part.batch(direction), 3 * direction);
            let mut outward = vec![0.0; data.steps * part.places * units];
            outward[batch.last(units)].copy_from_slice(&half(&code, units, direction));
            let (own, _) = self.kernel(0, direction).backward(&part.values, &pass.encoded[direction], &outward, batch, false);
            (gradients[at], gradients[at + 1], gradients[at + 2]) = (own.input, own.hidden, own.bias);
        }
        gradients
    }
}

impl ByHand<Sequences> for OwnPasses {
    fn losses(&self, data: &Sequences, rows: &[usize]) -> Vec<f32> {
        let parts = in_parts(rows, |_, rows| self.errors(data, rows, &self.pass(data, rows)));
        parts.into_iter().flatten().map(|(_, loss)| loss).collect()
    }

    fn gradients(&self, data: &Sequences, rows: &[usize], weights: &[f32]) -> (f64, Vec<Vec<f32>>) {
        summed(in_parts(rows, |first, rows| {
            let pass = self.pass(data, rows);
            let errors = self.errors(data, rows, &pass);
            let loss = errors.iter().zip(&weights[first..]).map(|((_, loss), weight)| f64::from(loss * weight)).sum();
            let mut outward = vec![0.0_f32; pass.rebuilt.len()];
            for (at, gradient) in outward.chunks_exact_mut(self.size).enumerate() {
                let (place, cells) = (at % rows.len(), at * self.size..(at + 1) * self.size);
                let (row, (error, _)) = (rows[place], errors[place]);
                let sign = match data.margins[row] {
                    margin if margin <= 0.0 => 1.0,
                    margin if error < margin => -1.0,
                    _ => continue,
                };
                if pass.part.present[at] {
                    let scale = sign * 2.0 * weights[first + place] / (data.lengths[row].max(1) * self.size) as f32;
                    let (x, y) = (&pass.part.values[cells.clone()], &pass.rebuilt[cells]);
                    gradient.iter_mut().zip(x.iter().zip(y)).for_each(|(gradient, (x, y))| *gradient = scale * (y - x));
                }
            }
            (loss, self.back(data, &pass, &outward))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::by_hand::registered;
    use super::super::super::device::Device;
    use super::super::super::fit::Model;
    use super::super::super::matrix::read;
    use super::super::{SequenceAutoencoder, SequenceConfig};
    use super::*;
    use crate::control::Control;
    use burn::module::{Module, ModuleVisitor, Param};
    use burn::optim::GradientsParams;
    use burn::tensor::{Tensor, TensorData};

    struct Compared<'a>(&'a GradientsParams, &'a GradientsParams, usize);

    impl ModuleVisitor for Compared<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let values = |from: &GradientsParams| read(from.get::<D>(param.id).expect("a gradient")).unwrap();
            let (burn, own) = (values(self.0), values(self.1));
            let largest = burn.iter().fold(1e-3_f32, |largest, value| largest.max(value.abs()));
            assert!(burn.iter().zip(&own).all(|(burn, own)| (burn - own).abs() < 2e-4 * largest), "parameter {}: {burn:?} {own:?}", self.2);
            self.2 += 1;
        }
    }

    #[test]
    fn own_passes_agree_with_burns_graph() {
        let (device, size) = (Device::cpu(), 3);
        let net = SequenceAutoencoder::new(&SequenceConfig { size, units: 4 }, 7, &device);
        let mut data = Sequences::new(4, size);
        for row in 0..20_usize {
            let values: Vec<f32> = (0..(1 + row % 5) * size).map(|at| ((at * 29 + row * 13) % 19) as f32 / 9.5 - 1.0).collect();
            // Of the sequences that should not be rebuilt some are beyond their margin already.
            match row % 3 {
                0 => data.push_against(values.chunks(size), if row % 2 == 0 { 0.02 } else { 5.0 }),
                _ => data.push(values.chunks(size)),
            }
        }
        let rows: Vec<usize> = (0..20).rev().collect();
        let weights: Vec<f32> = rows.iter().map(|row| 0.5 + (*row % 4) as f32).collect();
        let losses = net.losses(&data, &rows, &device.training());
        let sum = (losses.clone() * Tensor::from_data(TensorData::new(weights.clone(), [rows.len()]), &device.training())).sum();
        let wanted = f64::from(read(sum.clone()).unwrap()[0]);
        let burn = GradientsParams::from_grads(sum.backward(), &net);
        let passes = net.by_hand().unwrap().unwrap();
        let (loss, own) = passes.gradients(&data, &rows, &weights);
        assert!((loss - wanted).abs() < 1e-4 * wanted, "{loss} {wanted}");
        let mut compared = Compared(&burn, &registered(&net, own, 1.0, &device.plain()), 0);
        net.visit(&mut compared);
        assert_eq!(compared.2, 14);

        let (burn, own) = (read(losses).unwrap(), passes.losses(&data, &rows));
        assert!(burn.iter().zip(&own).all(|(a, b)| (a - b).abs() < 1e-5));
        let (values, masks) = data.gather(&(0..20).collect::<Vec<_>>(), &device.plain());
        let burn: Vec<Tensor<3>> = net.valid().forward(&values, &masks).into_iter().map(|step| step.unsqueeze_dim(1)).collect();
        let (burn, own) = (read(Tensor::cat(burn, 1)).unwrap(), net.rebuilt(&data, &device, &Control::silent()).unwrap());
        assert!(burn.len() == own.len() && burn.iter().zip(&own).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}
