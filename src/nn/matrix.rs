//! A plain dense matrix, row by row.

use crate::control::RunError;
use burn::tensor::{Device, Tensor, TensorData};

/// Rows of equal length, stored one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    values: Vec<f32>,
    columns: usize,
}

impl Matrix {
    /// Wraps `values`, read as rows of `columns` numbers.
    ///
    /// # Errors
    /// When they do not divide into whole rows.
    pub fn new(values: Vec<f32>, columns: usize) -> Result<Self, RunError> {
        if columns == 0 || !values.len().is_multiple_of(columns) {
            return Err(RunError::failed(format!("{} numbers do not make whole rows of {columns}", values.len())));
        }
        Ok(Self { values, columns })
    }

    /// An empty matrix to which rows can be added.
    #[must_use]
    pub fn with_columns(columns: usize) -> Self {
        Self { values: Vec::new(), columns: columns.max(1) }
    }

    /// Adds a row; shorter ones are filled with zeros, longer ones cut.
    pub fn push(&mut self, row: &[f32]) {
        let taken = row.len().min(self.columns);
        self.values.extend(row.iter().take(taken));
        self.values.resize(self.values.len() + self.columns - taken, 0.0);
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    /// Length of a row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One row; empty when there is no such row.
    #[must_use]
    pub fn row(&self, index: usize) -> &[f32] {
        self.values.get(index * self.columns..(index + 1) * self.columns).unwrap_or_default()
    }

    /// All values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The named rows as a tensor.
    ///
    /// # Shapes
    /// `[rows, columns]`
    pub(super) fn gather(&self, rows: &[usize], device: &Device) -> Tensor<2> {
        let mut values = Vec::with_capacity(rows.len() * self.columns);
        for &row in rows {
            values.extend_from_slice(self.row(row));
        }
        Tensor::from_data(TensorData::new(values, [rows.len(), self.columns]), device)
    }
}

/// Reads a tensor back as plain numbers.
pub(super) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, RunError> {
    let failed = |error: String| RunError::failed(format!("the compute device gave no result: {error}; run with --compute cpu"));
    let data = tensor.try_into_data().map_err(|error| failed(format!("{error:?}")))?;
    data.try_to_vec::<f32>().map_err(|error| failed(format!("{error:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_whole() {
        let matrix = Matrix::new(vec![1.0, 2.0, 3.0, 4.0], 2).expect("two rows");
        assert_eq!((matrix.rows(), matrix.row(1), matrix.row(2).len()), (2, [3.0, 4.0].as_slice(), 0));
        assert!(Matrix::new(vec![1.0; 3], 2).is_err() && Matrix::new(vec![], 0).is_err());
        let mut grown = Matrix::with_columns(3);
        grown.push(&[1.0]);
        grown.push(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(grown.values(), [1.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
    }
}
