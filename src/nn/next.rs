//! Predicts the next row from a window of rows before it: LSTM layers one on the other, the last as wide as a row.

use super::cells::{Cells, Gradients};
use super::kernel::Trace;
use super::layer::Activation;
use super::random::{Purpose, generator};
use super::windows::{Cut, Rows, WindowFit, Windowed, train};
use crate::control::{Control, RunError};
use crate::domain::CurvePoint;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Windows scored by one thread at a time.
const PART: usize = 64;

/// The shape of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextConfig {
    /// Numbers in a row.
    pub width: usize,
    /// Rows of a window.
    pub window: usize,
    /// Units of the ReLU layers; one of `width` units with sigmoids follows them.
    pub units: Vec<usize>,
}

/// The network; the loss of a row is the mean squared error of its prediction.
#[derive(Clone, Debug)]
pub struct NextRow {
    layers: Vec<Cells>,
    config: NextConfig,
}

impl NextRow {
    /// Weights drawn from `seed`.
    #[must_use]
    pub fn new(config: &NextConfig, seed: u64) -> Self {
        let mut random = generator(seed, Purpose::Weights);
        let mut inputs = config.width;
        let mut layers = Vec::new();
        for units in &config.units {
            layers.push(Cells::new(inputs, *units, Activation::Relu, &mut random));
            inputs = *units;
        }
        layers.push(Cells::new(inputs, config.width, Activation::Sigmoid, &mut random));
        Self { layers, config: config.clone() }
    }

    /// Number of trainable numbers.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(Cells::parameters).sum()
    }

    /// Trains on the windows before the named rows, to the end or until it learns no more: the last epoch's loss tells, which may be infinite.
    ///
    /// # Errors
    /// Cancelled (within one batch).
    pub fn fit(&mut self, rows: &dyn Rows, which: &[usize], config: &WindowFit, control: &Control) -> Result<Vec<CurvePoint>, RunError> {
        train(self, rows, which, config, control)
    }

    /// What is predicted for each of the named rows, one behind the other.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub fn predict(&self, rows: &dyn Rows, which: &[usize], control: &Control) -> Result<Vec<f32>, RunError> {
        let mut out = Vec::with_capacity(which.len() * self.config.width);
        let all = which.len() as u64;
        for (at, block) in which.chunks(PART * 16).enumerate() {
            control.check()?;
            control.progress("scoring", "timeline", (at * PART * 16) as u64, Some(all), "rows");
            let parts: Vec<Vec<f32>> = block.par_chunks(PART).map(|part| self.last(rows, part)).collect();
            out.extend(parts.into_iter().flatten());
        }
        Ok(out)
    }

    /// The windows before the named rows.
    fn before(&self, rows: &dyn Rows, which: &[usize]) -> Cut {
        let ends: Vec<usize> = which.iter().map(|row| rows.end(*row)).collect();
        Cut::new(rows, &ends, self.config.window)
    }

    /// The last step's output.
    fn last(&self, rows: &dyn Rows, which: &[usize]) -> Vec<f32> {
        let cut = self.before(rows, which);
        let mut x = Vec::new();
        for (at, layer) in self.layers.iter().enumerate() {
            x = layer.kernel().forward(if at == 0 { &cut.values } else { &x }, cut.batch()).outputs;
        }
        x.split_off(x.len().saturating_sub(which.len() * self.config.width))
    }

    /// Identifies shape and weights, as hex.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{:?}", self.config));
        for layer in &self.layers {
            for values in [&layer.input.values, &layer.hidden.values, &layer.bias.values] {
                for value in values {
                    hash.update(value.to_le_bytes());
                }
            }
        }
        hash.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }
}

impl Windowed for NextRow {
    fn gradients(&self, rows: &dyn Rows, windows: &[usize]) -> (f64, Vec<Gradients>) {
        let cut = self.before(rows, windows);
        let (width, places) = (self.config.width, windows.len());
        let mut traces: Vec<Trace> = Vec::with_capacity(self.layers.len());
        for (at, layer) in self.layers.iter().enumerate() {
            let x = if at == 0 { &cut.values } else { traces.last().map_or(&cut.values, |trace| &trace.outputs) };
            traces.push(layer.kernel().forward(x, cut.batch()));
        }
        let mut wanted = Vec::with_capacity(places * width);
        for row in windows {
            rows.write(*row, &mut wanted);
        }
        let outputs = traces.last().map_or(&[][..], |trace| &trace.outputs);
        let mut outward = vec![0.0f32; outputs.len()];
        let begin = outputs.len() - places * width;
        let mut loss = 0.0;
        for ((slot, y), x) in outward[begin..].iter_mut().zip(&outputs[begin..]).zip(&wanted) {
            loss += f64::from((y - x) * (y - x)) / width as f64;
            *slot = 2.0 * (y - x) / width as f32;
        }
        let mut all = Vec::with_capacity(self.layers.len());
        for (at, layer) in self.layers.iter().enumerate().rev() {
            let x = if at == 0 { &cut.values } else { &traces[at - 1].outputs };
            let (gradients, inward) = layer.kernel().backward(x, &traces[at], &outward, cut.batch(), at > 0);
            all.push(gradients);
            outward = inward;
        }
        all.reverse();
        (loss, all)
    }

    fn step(&mut self, gradients: &[Gradients], scale: f32, rate: f32, step: i32) {
        for (layer, gradients) in self.layers.iter_mut().zip(gradients) {
            layer.step(gradients, scale, rate, step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three flags that follow from the row before: a wheel of three.
    struct Wheel(usize);

    impl Rows for Wheel {
        fn count(&self) -> usize {
            self.0
        }
        fn width(&self) -> usize {
            3
        }
        fn write(&self, row: usize, into: &mut Vec<f32>) {
            into.extend((0..3).map(|at| f32::from(u8::from(row % 3 == at))));
        }
    }

    #[test]
    fn the_published_network_has_its_parameters() {
        let config = NextConfig { width: 27, window: 50, units: vec![248, 248, 124, 124, 248] };
        assert_eq!(NextRow::new(&config, 42).parameters(), 1_475_152);
    }

    #[test]
    fn what_follows_from_the_rows_before_is_learned() {
        let config = NextConfig { width: 3, window: 5, units: vec![12, 8] };
        let mut network = NextRow::new(&config, 42);
        let all: Vec<usize> = (0..300).collect();
        let fit = WindowFit { name: "wheel".into(), epochs: 30, batch: 16, rate: 1e-2, seed: 42 };
        let curve = network.fit(&Wheel(300), &all, &fit, &Control::silent()).unwrap();
        assert!(curve[29].train < 0.02 && curve[29].train < curve[0].train / 5.0, "{:?}", curve.last());
        let predicted = network.predict(&Wheel(300), &[100, 101, 102], &Control::silent()).unwrap();
        for (at, row) in predicted.chunks(3).enumerate() {
            let best = (0..3).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
            assert_eq!(best, (100 + at) % 3, "{row:?}");
        }
    }

    #[test]
    fn a_network_that_learns_no_more_is_left_at_that() {
        let config = NextConfig { width: 3, window: 5, units: vec![12, 8] };
        let (mut network, control) = (NextRow::new(&config, 42), Control::silent());
        // Far steps drive every cell to where its slope is nothing.
        let fit = WindowFit { name: "wheel".into(), epochs: 50, batch: 16, rate: 1e3, seed: 42 };
        let curve = network.fit(&Wheel(300), &(0..300).collect::<Vec<_>>(), &fit, &control).unwrap();
        let last = curve.last().unwrap().train;
        assert!(curve.len() < 50 && last >= 2.0 / 9.0, "{} epochs, loss {last}", curve.len());
    }

    #[test]
    fn one_thread_and_many_give_the_same_bits() {
        let run = |threads| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                let mut network = NextRow::new(&NextConfig { width: 3, window: 7, units: vec![40, 24] }, 1);
                let fit = WindowFit { name: "wheel".into(), epochs: 1, batch: 32, rate: 1e-3, seed: 1 };
                network.fit(&Wheel(200), &(0..200).collect::<Vec<_>>(), &fit, &Control::silent()).unwrap();
                network.id()
            })
        };
        assert_eq!(run(1), run(4));
    }
}
