//! Sequences of numbers with labels, as the published classifiers take them.

use super::super::classifier::Labels;
use super::super::random::Draws;
use burn::tensor::{Device as Backend, Tensor, TensorData};

/// Sequences of at most `steps` rows of numbers, with labels.
#[derive(Debug)]
pub struct LabelledSequences {
    values: Vec<Box<[f32]>>,
    labels: Vec<f32>,
    steps: usize,
    size: usize,
    pub(super) draws: Draws,
}

impl LabelledSequences {
    /// None yet; `seed` draws what dropout leaves out.
    #[must_use]
    pub fn new(steps: usize, size: usize, seed: u64) -> Self {
        Self { values: Vec::new(), labels: Vec::new(), steps: steps.max(1), size: size.max(1), draws: Draws::new(seed) }
    }

    /// Adds a sequence, step by step, with its label (0 or 1); of more steps than there may be the last ones count.
    pub fn push(&mut self, mut values: Vec<f32>, label: f32) {
        values.truncate(values.len() / self.size * self.size);
        let over = values.len().saturating_sub(self.steps * self.size);
        self.values.push(values.split_off(over).into());
        self.labels.push(label);
    }

    /// Number of sequences.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len()
    }

    pub(super) fn length(&self, row: usize) -> usize {
        self.values.get(row).map_or(0, |values| values.len() / self.size)
    }

    /// Steps of the longest of these rows.
    pub(super) fn longest(&self, rows: &[usize]) -> usize {
        rows.iter().map(|&row| self.length(row)).max().unwrap_or(0)
    }

    /// `width` steps from `step` on, of `longest`, side by side.
    ///
    /// # Shapes
    /// `[rows, width * size]`
    pub(super) fn gather(&self, rows: &[usize], step: usize, width: usize, longest: usize, device: &Backend) -> Tensor<2> {
        let mut cells = Vec::with_capacity(rows.len() * width * self.size);
        for &row in rows {
            let padding = longest - self.length(row);
            for at in step..step + width {
                match at.checked_sub(padding).and_then(|at| self.values[row].get(at * self.size..(at + 1) * self.size)) {
                    Some(values) => cells.extend_from_slice(values),
                    None => cells.resize(cells.len() + self.size, 0.0),
                }
            }
        }
        Tensor::from_data(TensorData::new(cells, [rows.len(), width * self.size]), device)
    }

    /// 1 for rows that have a value at `step` of `longest`; none where all have.
    ///
    /// # Shapes
    /// `[rows, 1]`
    pub(super) fn mask(&self, rows: &[usize], step: usize, longest: usize, device: &Backend) -> Option<Tensor<2>> {
        let real: Vec<f32> = rows.iter().map(|&row| f32::from(u8::from(step + self.length(row) >= longest))).collect();
        real.contains(&0.0).then(|| Tensor::from_data(TensorData::new(real, [rows.len(), 1]), device))
    }

    /// `width` steps of a sequence from one of its own steps on; none where it has fewer.
    pub(super) fn window(&self, row: usize, step: usize, width: usize) -> Option<&[f32]> {
        self.values.get(row)?.get(step * self.size..(step + width) * self.size)
    }

    /// Numbers per step.
    pub(super) fn size(&self) -> usize {
        self.size
    }
}

impl Labels for LabelledSequences {
    fn labels(&self) -> &[f32] {
        &self.labels
    }
}
