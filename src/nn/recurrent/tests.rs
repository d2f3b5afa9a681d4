use super::super::by_hand::registered;
use super::super::fit::Model;
use super::super::matrix::read;
use super::*;
use crate::control::Control;
use burn::module::{ModuleVisitor, Param};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::TensorData;

/// Networks in every shape there is: with a convolution and without, one way and both, one layer and two, with dropout of both kinds.
fn shapes() -> Vec<RecurrentConfig> {
    let mut shapes: Vec<RecurrentConfig> =
        RecurrentConfig::NAMES.into_iter().map(|name| RecurrentConfig { inputs: 2, ..RecurrentConfig::published(name).unwrap() }).collect();
    for shape in &mut shapes {
        shape.units.iter_mut().for_each(|units| *units /= 16);
        shape.dense.iter_mut().for_each(|width| *width /= 4);
        shape.filters /= 8;
    }
    shapes.push(RecurrentConfig { name: "both ways twice".into(), units: vec![3, 2], both_ways: true, inside: 0.3, after: 0.3, ..shapes[4].clone() });
    shapes
}

/// 21 sequences of 1 to 9 steps: more than one part of a batch.
fn data() -> LabelledSequences {
    let mut data = LabelledSequences::new(12, 2, 5);
    for row in 0..21_usize {
        data.push((0..2 * (1 + row * 5 % 9)).map(|at| ((at * 37 + row * 11) % 23) as f32 / 11.5 - 1.0).collect(), (row % 3 == 0).into());
    }
    data
}

struct Compared<'a> {
    burn: &'a GradientsParams,
    own: &'a GradientsParams,
    parameters: usize,
}

impl ModuleVisitor for Compared<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = |from: &GradientsParams| read(from.get::<D>(param.id).expect("a gradient")).unwrap();
        let (burn, own) = (values(self.burn), values(self.own));
        assert_eq!(burn.len(), own.len());
        let largest = burn.iter().fold(1e-3_f32, |largest, value| largest.max(value.abs()));
        for (at, (burn, own)) in burn.iter().zip(&own).enumerate() {
            assert!((burn - own).abs() < 2e-4 * largest, "parameter {} at {at}: burn {burn}, own {own}", self.parameters);
        }
        self.parameters += 1;
    }
}

#[test]
fn own_passes_agree_with_burns_graph() {
    let (device, rows) = (Device::cpu(), [3, 0, 20, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
    let weights: Vec<f32> = rows.iter().map(|row| 0.5 + (*row % 4) as f32).collect();
    for config in shapes() {
        // A step moves the biases off 0, where a logit of exactly 0 would have no derivative in burn's graph.
        let net = Recurrent::new(&config, 3, &device);
        let (_, first) = net.by_hand().unwrap().unwrap().gradients(&data(), &rows, &weights);
        let first = registered(&net, first, 1.0, &device.plain());
        let net = AdamConfig::new().init().step(0.01, net, first);
        // Each draws from its own data, so that dropout leaves out the same.
        let (for_burn, for_own) = (data(), data());
        let losses = net.losses(&for_burn, &rows, &device.training());
        let sum = (losses * Tensor::from_data(TensorData::new(weights.clone(), [rows.len()]), &device.training())).sum();
        let wanted = f64::from(read(sum.clone()).unwrap()[0]);
        let burn = GradientsParams::from_grads(sum.backward(), &net);
        let (loss, own) = net.by_hand().unwrap().unwrap().gradients(&for_own, &rows, &weights);
        assert!((loss - wanted).abs() < 1e-4 * wanted, "{}: {loss} {wanted}", config.name);
        let own = registered(&net, own, 1.0, &device.plain());
        let mut compared = Compared { burn: &burn, own: &own, parameters: 0 };
        net.visit(&mut compared);
        assert_eq!(compared.parameters, own.len());

        let logits = net.logits(&for_own, &device, &Control::silent()).unwrap();
        let all: Vec<usize> = (0..21).collect();
        let burn = read(net.valid().forward(&for_burn, &all, &device.plain())).unwrap();
        assert!(logits.iter().zip(&burn).all(|(a, b)| (a - b).abs() < 1e-5), "{}: {logits:?} {burn:?}", config.name);
    }
}

#[test]
fn one_thread_and_many_give_the_same_bits() {
    let run = |threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let net = Recurrent::new(&shapes()[5], 3, &Device::cpu());
            let rows: Vec<usize> = (0..21).chain(0..21).chain(0..21).collect();
            let passes = net.by_hand().unwrap().unwrap();
            passes.gradients(&data(), &rows, &vec![1.0; rows.len()])
        })
    };
    assert_eq!(run(1), run(3));
}
