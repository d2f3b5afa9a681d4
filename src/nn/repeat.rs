//! Rebuilds a window of rows from one code: LSTM (ReLU), the code repeated, LSTM (tanh), one linear layer a step; the loss is absolute.

use super::cells::{Cells, Gradients, Weights};
use super::kernel::{Batch, Trace};
use super::layer::Activation;
use super::product::{affine, column_sums, product};
use super::random::{Purpose, generator, glorot};
use super::windows::{Cut, Rows, WindowFit, Windowed, train};
use crate::control::{Control, RunError};
use crate::domain::CurvePoint;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// Windows rebuilt by one thread at a time.
const PART: usize = 32;

/// The network.
#[derive(Clone, Debug)]
pub struct Rebuilder {
    encoder: Cells,
    decoder: Cells,
    weight: Weights,
    bias: Weights,
    window: usize,
    width: usize,
}

struct Pass {
    cut: Cut,
    encoded: Trace,
    repeated: Vec<f32>,
    present: Vec<bool>,
    decoded: Trace,
    /// `[window * places, width]`
    outputs: Vec<f32>,
}

impl Rebuilder {
    /// Weights drawn from `seed`, for rows of `width` numbers in windows of `window`.
    #[must_use]
    pub fn new(width: usize, units: usize, window: usize, seed: u64) -> Self {
        let mut random = generator(seed, Purpose::Weights);
        Self {
            encoder: Cells::new(width, units, Activation::Relu, &mut random),
            decoder: Cells::new(units, units, Activation::Tanh, &mut random),
            weight: Weights::new(glorot(&mut random, units, width)),
            bias: Weights::new(vec![0.0; width]),
            window,
            width,
        }
    }

    /// Number of trainable numbers.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.encoder.parameters() + self.decoder.parameters() + self.weight.values.len() + self.bias.values.len()
    }

    /// Trains on the windows that end with the named rows.
    ///
    /// # Errors
    /// Cancelled (within one batch), or the loss is no longer a number.
    pub fn fit(&mut self, rows: &dyn Rows, which: &[usize], config: &WindowFit, control: &Control) -> Result<Vec<CurvePoint>, RunError> {
        let curve = train(self, rows, which, config, control)?;
        match curve.last() {
            Some(last) if !last.train.is_finite() => {
                Err(RunError::failed(format!("{}: the loss is no longer a finite number; train with another seed", config.name)))
            }
            _ => Ok(curve),
        }
    }

    /// The rebuilt last row of the window that ends with each of the named rows, one behind the other.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub fn last(&self, rows: &dyn Rows, which: &[usize], control: &Control) -> Result<Vec<f32>, RunError> {
        let mut out = Vec::with_capacity(which.len() * self.width);
        for block in which.chunks(PART * 8) {
            control.check()?;
            let parts: Vec<Vec<f32>> = block
                .par_chunks(PART)
                .map(|part| {
                    let mut outputs = self.pass(rows, part).outputs;
                    outputs.split_off(outputs.len() - part.len() * self.width)
                })
                .collect();
            out.extend(parts.into_iter().flatten());
        }
        Ok(out)
    }

    /// Identifies shape and weights, as hex.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{} {} {}", self.width, self.window, self.encoder.units));
        let layers = [&self.encoder, &self.decoder].into_iter().flat_map(|cells| [&cells.input, &cells.hidden, &cells.bias]);
        for weights in layers.chain([&self.weight, &self.bias]) {
            for value in &weights.values {
                hash.update(value.to_le_bytes());
            }
        }
        hash.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }

    fn pass(&self, rows: &dyn Rows, which: &[usize]) -> Pass {
        let ends: Vec<usize> = which.iter().map(|row| row + 1).collect();
        let cut = Cut::new(rows, &ends, self.window);
        let (units, places) = (self.encoder.units, which.len());
        let encoded = self.encoder.kernel().forward(&cut.values, cut.batch());
        let code = &encoded.outputs[encoded.outputs.len() - places * units..];
        let repeated = code.repeat(self.window);
        let present = vec![true; self.window * places];
        let decoded = self.decoder.kernel().forward(&repeated, self.whole(&present, places));
        let outputs = affine(&decoded.outputs, &self.weight.values, &self.bias.values, units);
        Pass { cut, encoded, repeated, present, decoded, outputs }
    }
}

impl Rebuilder {
    /// The decoder's batch: every step counts.
    fn whole<'a>(&self, present: &'a [bool], places: usize) -> Batch<'a> {
        Batch { steps: self.window, places, present, reverse: false, dropped: None }
    }
}

impl Windowed for Rebuilder {
    fn gradients(&self, rows: &dyn Rows, windows: &[usize]) -> (f64, Vec<Gradients>) {
        let Pass { cut, encoded, repeated, present, decoded, outputs } = self.pass(rows, windows);
        let (units, places, cells) = (self.encoder.units, windows.len(), (self.window * self.width) as f32);
        let mut loss = 0.0;
        let mut outward = vec![0.0f32; outputs.len()];
        for (row, is) in cut.present.iter().enumerate() {
            if !is {
                continue;
            }
            for at in row * self.width..(row + 1) * self.width {
                let off = outputs[at] - cut.values[at];
                loss += f64::from(off.abs() / cells);
                outward[at] = if off == 0.0 { 0.0 } else { off.signum() / cells };
            }
        }
        let steps = self.window * places;
        let head = Gradients {
            input: product(&decoded.outputs, &outward, (units, steps, self.width), (true, false)),
            hidden: Vec::new(),
            bias: column_sums(&outward, self.width),
        };
        let inner = product(&outward, &self.weight.values, (steps, self.width, units), (false, true));
        let (decoder, repeated) = self.decoder.kernel().backward(&repeated, &decoded, &inner, self.whole(&present, places), true);
        // The code was repeated: its gradient is the sum over the steps.
        let mut code = vec![0.0f32; encoded.outputs.len()];
        let begin = code.len() - places * units;
        for step in repeated.chunks_exact(places * units) {
            code[begin..].iter_mut().zip(step).for_each(|(sum, value)| *sum += value);
        }
        let (encoder, _) = self.encoder.kernel().backward(&cut.values, &encoded, &code, cut.batch(), false);
        (loss, vec![encoder, decoder, head])
    }

    fn step(&mut self, gradients: &[Gradients], scale: f32, rate: f32, step: i32) {
        if let [encoder, decoder, head] = gradients {
            self.encoder.step(encoder, scale, rate, step);
            self.decoder.step(decoder, scale, rate, step);
            self.weight.step(&head.input, scale, rate, step);
            self.bias.step(&head.bias, scale, rate, step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that are what their number says, and one that is not.
    struct Wave;

    impl Rows for Wave {
        fn count(&self) -> usize {
            400
        }
        fn width(&self) -> usize {
            2
        }
        fn write(&self, row: usize, into: &mut Vec<f32>) {
            into.extend(if row == 333 { [0.0, 1.0] } else { [0.6, 0.2] });
        }
    }

    #[test]
    fn the_published_shape_has_these_parameters() {
        // 4 (50 (7 + 50) + 50), 4 (50 x 100 + 50), 50 x 7 + 7
        assert_eq!(Rebuilder::new(7, 50, 200, 1).parameters(), 11_600 + 20_200 + 357);
    }

    #[test]
    fn the_row_that_is_unlike_the_others_is_not_rebuilt() {
        let mut network = Rebuilder::new(2, 6, 10, 42);
        let all: Vec<usize> = (0..400).collect();
        let fit = WindowFit { name: "wave".into(), epochs: 8, batch: 32, rate: 5e-3, seed: 42 };
        let curve = network.fit(&Wave, &all, &fit, &Control::silent()).unwrap();
        assert!(curve[7].train < curve[0].train / 2.0, "{curve:?}");
        let rebuilt = network.last(&Wave, &all, &Control::silent()).unwrap();
        let error = |row: usize| {
            let mut wanted = Vec::new();
            Wave.write(row, &mut wanted);
            rebuilt[2 * row..2 * row + 2].iter().zip(&wanted).map(|(y, x)| (y - x) * (y - x)).sum::<f32>()
        };
        let worst = (0..400).max_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap();
        assert_eq!(worst, 333);
    }
}
