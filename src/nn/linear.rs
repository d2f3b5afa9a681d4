//! Tied linear autoencoder over sparse rows: x -> W'x -> W W'x, no activation, no bias.
//!
//! Never holds a dense row: |x - W z|^2 = |x|^2 - 2 |z|^2 + z'(W'W) z with z = W'x. Its best weights span the leading singular vectors of the
//! (weighted) rows.

use super::device::Device;
use super::fit::Model;
use super::layer::parameter;
use super::matrix::read;
use super::random::{Purpose, generator, glorot};
use crate::control::RunError;
use burn::module::{Module, Param};
use burn::tensor::{Device as Backend, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// Rows of which only the cells that are not zero are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseRows {
    columns: usize,
    ends: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl SparseRows {
    /// No rows yet, of `columns` cells each.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns, ends: Vec::new(), indices: Vec::new(), values: Vec::new() }
    }

    /// Adds a row of (column, value), each column at most once; columns beyond the last are left out.
    pub fn push(&mut self, cells: impl IntoIterator<Item = (u32, f32)>) {
        for (index, value) in cells.into_iter().filter(|(index, _)| (*index as usize) < self.columns) {
            self.indices.push(index);
            self.values.push(value);
        }
        self.ends.push(self.indices.len());
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    /// Cells of a row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The cells of a row; none when there is no such row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (u32, f32)> + Clone + '_ {
        let end = self.ends.get(row).copied().unwrap_or(0);
        let start = if row == 0 { 0 } else { self.ends.get(row - 1).copied().unwrap_or(0).min(end) };
        self.indices[start..end].iter().copied().zip(self.values[start..end].iter().copied())
    }

    /// The named rows, padded with zeros to the longest.
    ///
    /// # Shapes
    /// columns `[rows * longest]`, values `[rows, longest]`
    fn gather(&self, rows: &[usize]) -> (Vec<i32>, Vec<f32>, usize) {
        let longest = rows.iter().map(|&row| self.row(row).count()).max().unwrap_or(0).max(1);
        let (mut indices, mut values) = (vec![0; rows.len() * longest], vec![0.0; rows.len() * longest]);
        for (place, &row) in rows.iter().enumerate() {
            for (cell, (index, value)) in self.row(row).enumerate() {
                indices[place * longest + cell] = index as i32;
                values[place * longest + cell] = value;
            }
        }
        (indices, values, longest)
    }
}

/// The shape of a tied linear autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearConfig {
    /// Columns of a row.
    pub columns: usize,
    /// Numbers in the code.
    pub code: usize,
}

/// A tied linear autoencoder; the loss of a row is its squared error summed over all columns.
#[derive(Module, Debug)]
pub struct LinearAutoencoder {
    weight: Param<Tensor<2>>,
}

impl LinearAutoencoder {
    /// Glorot-uniform weights drawn from `seed`.
    #[must_use]
    pub fn new(config: &LinearConfig, seed: u64, device: &Device) -> Self {
        let weights = glorot(&mut generator(seed, Purpose::Weights), config.columns, config.code);
        Self { weight: parameter(TensorData::new(weights, [config.columns, config.code]), 0, &device.training()) }
    }

    /// Takes the weights out for scoring in plain arithmetic, which is the same on every device.
    ///
    /// # Errors
    /// The device failed.
    pub fn projection(&self) -> Result<Projection, RunError> {
        let [columns, code] = self.weight.val().dims();
        let weights = read(self.valid().weight.val())?;
        let mut gram = vec![0.0; code * code];
        for row in weights.chunks(code.max(1)) {
            for (i, a) in row.iter().enumerate() {
                for (j, b) in row.iter().enumerate() {
                    gram[i * code + j] += f64::from(*a) * f64::from(*b);
                }
            }
        }
        Ok(Projection { weights, gram, columns, code })
    }
}

impl Model for LinearAutoencoder {
    type Data = SparseRows;

    fn rows(data: &SparseRows) -> usize {
        data.rows()
    }

    fn losses(&self, data: &SparseRows, rows: &[usize], device: &Backend) -> Tensor<1> {
        let (indices, values, longest) = data.gather(rows);
        let weight = self.weight.val();
        let code = weight.dims()[1];
        let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [rows.len() * longest]), device);
        let values = Tensor::<2>::from_data(TensorData::new(values, [rows.len(), longest]), device);
        let picked = weight.clone().select(0, indices).reshape([rows.len(), longest, code]);
        let z: Tensor<2> = (picked * values.clone().unsqueeze_dim(2)).sum_dim(1).squeeze_dim(1);
        let gram = weight.clone().transpose().matmul(weight);
        let own: Tensor<1> = values.square().sum_dim(1).squeeze_dim(1);
        let explained: Tensor<1> = z.clone().square().sum_dim(1).squeeze_dim(1);
        let rebuilt: Tensor<1> = (z.clone().matmul(gram) * z).sum_dim(1).squeeze_dim(1);
        own - explained * 2.0 + rebuilt
    }
}

/// The trained weights of a [`LinearAutoencoder`], for scoring.
#[derive(Clone, Debug)]
pub struct Projection {
    weights: Vec<f32>,
    gram: Vec<f64>,
    columns: usize,
    code: usize,
}

impl Projection {
    /// The weight matrix, column of the data by column: `[columns, code]`.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    fn weights_of(&self, column: u32) -> &[f32] {
        let start = column as usize * self.code;
        if (column as usize) < self.columns { &self.weights[start..start + self.code] } else { &[] }
    }

    /// The code z = W'x of a row.
    pub fn code(&self, cells: impl IntoIterator<Item = (u32, f32)>) -> Vec<f64> {
        let mut z = vec![0.0; self.code];
        for (column, value) in cells {
            for (z, w) in z.iter_mut().zip(self.weights_of(column)) {
                *z += f64::from(value) * f64::from(*w);
            }
        }
        z
    }

    /// What the network puts at `column` for a row of code `z`.
    #[must_use]
    pub fn rebuilt(&self, z: &[f64], column: u32) -> f64 {
        self.weights_of(column).iter().zip(z).map(|(w, z)| f64::from(*w) * z).sum()
    }

    /// The squared error of a row over all columns, never below 0.
    pub fn loss(&self, cells: impl IntoIterator<Item = (u32, f32)> + Clone) -> f64 {
        let z = self.code(cells.clone());
        let own: f64 = cells.into_iter().map(|(_, value)| f64::from(value) * f64::from(value)).sum();
        let explained: f64 = z.iter().map(|z| z * z).sum();
        let rebuilt: f64 = z.iter().enumerate().map(|(i, a)| a * z.iter().enumerate().map(|(j, b)| self.gram[i * self.code + j] * b).sum::<f64>()).sum();
        (own - 2.0 * explained + rebuilt).max(0.0)
    }

    /// The squared error at each of the row's own cells, in their order; what is missing to [`Projection::loss`] lies at cells that are zero.
    pub fn residuals(&self, cells: impl IntoIterator<Item = (u32, f32)> + Clone) -> Vec<f64> {
        let z = self.code(cells.clone());
        cells.into_iter().map(|(column, value)| (f64::from(value) - self.rebuilt(&z, column)).powi(2)).collect()
    }
}
