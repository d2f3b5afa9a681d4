//! Networks with a forward and a backward pass of their own, for the CPU, where burn's graph of small operations costs more than the numbers do.
//!
//! The weights stay burn's, so that training, saving and the GPU know one network only. A batch is cut into parts of a fixed size, whatever the
//! number of threads, and the parts' sums are added in their order: results do not depend on the threads.

use super::matrix::read;
use crate::control::RunError;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device as Backend, Tensor, TensorData};
use rayon::prelude::*;

/// Rows that one thread takes at a time.
const PART: usize = 16;

/// A network's own passes, over one state of its weights.
pub trait ByHand<D: ?Sized> {
    /// Loss of each of the named rows.
    fn losses(&self, data: &D, rows: &[usize]) -> Vec<f32>;
    /// Sum of the losses of the named rows, each times its weight, and the gradients of that sum, in the order of the network's parameters.
    fn gradients(&self, data: &D, rows: &[usize], weights: &[f32]) -> (f64, Vec<Vec<f32>>);
}

/// What `each` makes of the parts of a batch: it is given the place of the part's first row, and its rows.
pub(super) fn in_parts<T: Send>(rows: &[usize], each: impl Fn(usize, &[usize]) -> T + Sync) -> Vec<T> {
    rows.par_chunks(PART).enumerate().map(|(part, rows)| each(part * PART, rows)).collect()
}

/// The sum of the parts' losses and gradients, added in their order.
pub(super) fn summed(parts: Vec<(f64, Vec<Vec<f32>>)>) -> (f64, Vec<Vec<f32>>) {
    let add = |mut sum: (f64, Vec<Vec<f32>>), part: (f64, Vec<Vec<f32>>)| {
        sum.0 += part.0;
        for (sum, part) in sum.1.iter_mut().zip(&part.1) {
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        sum
    };
    parts.into_iter().reduce(add).unwrap_or_default()
}

/// A network's parameters as plain numbers, in order.
///
/// # Errors
/// The device failed.
pub(super) fn weights<M: Module>(model: &M) -> Result<Vec<Vec<f32>>, RunError> {
    struct Weights(Result<Vec<Vec<f32>>, RunError>);
    impl ModuleVisitor for Weights {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Ok(list) = &mut self.0 {
                match read(param.val()) {
                    Ok(values) => list.push(values),
                    Err(error) => self.0 = Err(error),
                }
            }
        }
    }
    let mut weights = Weights(Ok(Vec::new()));
    model.visit(&mut weights);
    weights.0
}

/// Gradients, in the order of the network's parameters, times `scale`, as the optimiser takes them.
pub(super) fn registered<M: Module>(model: &M, gradients: Vec<Vec<f32>>, scale: f32, device: &Backend) -> GradientsParams {
    struct Register<'a> {
        gradients: std::vec::IntoIter<Vec<f32>>,
        scale: f32,
        device: &'a Backend,
        into: GradientsParams,
    }
    impl ModuleVisitor for Register<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(mut gradient) = self.gradients.next() {
                for value in &mut gradient {
                    *value *= self.scale;
                }
                self.into.register(param.id, Tensor::<D>::from_data(TensorData::new(gradient, param.val().dims()), self.device));
            }
        }
    }
    let mut register = Register { gradients: gradients.into_iter(), scale, device, into: GradientsParams::new() };
    model.visit(&mut register);
    register.into
}
