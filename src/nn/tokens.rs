//! Classifier of event sequences whose events are sets of words: embeddings, a convolution, an LSTM, and a linear term per word that occurs.
//!
//! The linear term alone is a logistic regression over which words occur; the recurrent part adds what their order tells. Padding is masked
//! out and the places are pooled from each sequence's own beginning, so that padding changes no score.

use super::classifier::{Labels, SequenceClassifier};
use super::device::Device;
use super::layer::{Activation, Layer, parameter};
use super::lstm::Lstm;
use super::random::{Draws, Purpose, generator, glorot};
use burn::module::{Module, Param};
use burn::tensor::{Device as Backend, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Width of the convolution.
const KERNEL: usize = 3;
/// Places of which the largest value is taken.
const POOL: usize = 4;
/// The linear term is less decayed than the rest by the square of this.
const LINEAR: f32 = 2.0;

/// Sequences of events, an event being a few word numbers; 0 is no word.
#[derive(Debug)]
pub struct TokenSequences {
    /// Distinct events, `width` words each.
    events: Vec<u32>,
    width: usize,
    sequences: Vec<Box<[u32]>>,
    /// Distinct words of each sequence.
    bags: Vec<Box<[u32]>>,
    labels: Vec<f32>,
    draws: Draws,
}

impl TokenSequences {
    /// Over distinct events of `width` words each; `seed` draws what dropout leaves out.
    #[must_use]
    pub fn new(events: Vec<u32>, width: usize, seed: u64) -> Self {
        Self { events, width: width.max(1), sequences: Vec::new(), bags: Vec::new(), labels: Vec::new(), draws: Draws::new(seed) }
    }

    /// Adds a sequence of indices into the distinct events (each must be there), with its label (0 or 1).
    pub fn push(&mut self, events: Vec<u32>, label: f32) {
        let mut bag: Vec<u32> = events.iter().flat_map(|&event| self.words(event)).copied().filter(|word| *word != 0).collect();
        bag.sort_unstable();
        bag.dedup();
        self.bags.push(bag.into());
        self.sequences.push(events.into());
        self.labels.push(label);
    }

    /// Number of sequences.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    fn words(&self, event: u32) -> &[u32] {
        let at = event as usize * self.width;
        self.events.get(at..at + self.width).unwrap_or_default()
    }
}

/// The shape of a classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenConfig {
    /// Words, the one for none included.
    pub words: usize,
    /// Numbers per word.
    pub size: usize,
    /// Filters of the convolution.
    pub filters: usize,
    /// Units of the LSTM; 0 = the linear term alone.
    pub units: usize,
    /// Units of the dense layer before the logit.
    pub dense: usize,
    /// Dropout of words and before the dense layer.
    pub dropout: f64,
}

/// A classifier of sequences of words.
#[derive(Module, Debug)]
pub struct TokenClassifier {
    /// One number per word.
    linear: Param<Tensor<2>>,
    /// None without units: then the linear term is all.
    order: Option<Order>,
    #[module(skip)]
    config: TokenConfig,
}

/// The part that looks at the order of events.
#[derive(Module, Debug)]
struct Order {
    embedding: Param<Tensor<2>>,
    convolution: Param<Tensor<2>>,
    threshold: Param<Tensor<1>>,
    lstm: Lstm,
    dense: Layer,
    head: Layer,
}

impl Order {
    fn new(config: &TokenConfig, seed: u64, device: &Backend) -> Self {
        let mut weights = generator(seed, Purpose::Weights);
        // Glorot for one word at a time: words are picked, not summed over the vocabulary.
        let embedding: Vec<f32> = (0..config.words).flat_map(|_| glorot(&mut weights, 1, config.size)).map(|w| w * 0.2).collect();
        let convolution = glorot(&mut weights, config.size, KERNEL * config.filters);
        Self {
            embedding: parameter(TensorData::new(embedding, [config.words, config.size]), 1001, device),
            convolution: parameter(TensorData::new(convolution, [config.size, KERNEL * config.filters]), 1002, device),
            threshold: parameter(TensorData::new(vec![0.0_f32; config.filters], [config.filters]), 1003, device),
            lstm: Lstm::new(config.filters, config.units, 0, &mut weights, device),
            dense: Layer::new(config.units + config.filters, config.dense, 300, &mut weights, device),
            head: Layer::zeros(config.dense, 1, 400, device),
        }
    }
}

impl TokenClassifier {
    /// Weights drawn from `seed`; the linear term and the last layer begin at 0.
    #[must_use]
    pub fn new(config: &TokenConfig, seed: u64, device: &Device) -> Self {
        let device = device.training();
        Self {
            linear: parameter(TensorData::new(vec![0.0_f32; config.words], [config.words, 1]), 1000, &device),
            order: (config.units > 0).then(|| Order::new(config, seed, &device)),
            config: config.clone(),
        }
    }

    /// Number of trainable numbers.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.num_params()
    }

    /// What the words that occur add, each by itself.
    ///
    /// # Shapes
    /// `[rows]`
    fn bag(&self, data: &TokenSequences, rows: &[usize], device: &Backend) -> Tensor<1> {
        let longest = rows.iter().map(|&row| data.bags[row].len()).max().unwrap_or(0).max(1);
        let (mut words, mut there) = (vec![0_i32; rows.len() * longest], vec![0.0_f32; rows.len() * longest]);
        for (place, &row) in rows.iter().enumerate() {
            for (at, &word) in data.bags[row].iter().enumerate() {
                words[place * longest + at] = word as i32;
                there[place * longest + at] = 1.0;
            }
        }
        if let Some(kept) = data.draws.cells(there.len(), self.config.dropout / 2.0, device) {
            there.iter_mut().zip(kept).for_each(|(there, kept)| *there *= kept);
        }
        let words = Tensor::<1, Int>::from_data(TensorData::new(words, [rows.len() * longest]), device);
        let there = Tensor::<2>::from_data(TensorData::new(there, [rows.len(), longest]), device);
        let picked: Tensor<2> = self.linear.val().select(0, words).reshape([rows.len(), longest]);
        (picked * there).sum_dim(1).squeeze_dim(1) * LINEAR
    }

    /// What the convolution makes of each distinct event of these rows, and their numbers among those.
    ///
    /// # Shapes
    /// `[events * KERNEL, filters]`
    fn events(&self, order: &Order, data: &TokenSequences, rows: &[usize], device: &Backend) -> (Tensor<2>, HashMap<u32, i32>) {
        let mut numbers = HashMap::new();
        let (mut words, mut there) = (Vec::new(), Vec::new());
        for event in rows.iter().flat_map(|&row| data.sequences[row].iter()) {
            let next = numbers.len() as i32;
            numbers.entry(*event).or_insert_with(|| {
                words.extend(data.words(*event).iter().map(|&word| word as i32));
                next
            });
        }
        there.extend(words.iter().map(|&word| if word == 0 { 0.0_f32 } else { 1.0 }));
        if let Some(kept) = data.draws.cells(there.len(), self.config.dropout, device) {
            there.iter_mut().zip(kept).for_each(|(there, kept)| *there *= kept);
        }
        let count = numbers.len();
        let words = Tensor::<1, Int>::from_data(TensorData::new(words, [count * data.width]), device);
        let there = Tensor::<3>::from_data(TensorData::new(there, [count, data.width, 1]), device);
        let picked: Tensor<3> = order.embedding.val().select(0, words).reshape([count, data.width, self.config.size]);
        let events: Tensor<2> = (picked * there).sum_dim(1).squeeze_dim(1);
        (events.matmul(order.convolution.val()).reshape([count * KERNEL, self.config.filters]), numbers)
    }

    /// What the order of events adds.
    ///
    /// # Shapes
    /// `[rows]`
    fn ordered(&self, order: &Order, data: &TokenSequences, rows: &[usize], device: &Backend) -> Tensor<1> {
        let (count, filters) = (rows.len(), self.config.filters);
        let longest = rows.iter().map(|&row| data.sequences[row].len()).max().unwrap_or(0).max(KERNEL);
        let blocks = (longest + 1 - KERNEL).div_ceil(POOL);
        let places = blocks * POOL;
        let (events, numbers) = self.events(order, data, rows, device);
        let mut picked: [Vec<i32>; KERNEL] = std::array::from_fn(|_| Vec::with_capacity(places * count));
        let mut real = Vec::with_capacity(places * count);
        for place in 0..places {
            for &row in rows {
                let sequence = &data.sequences[row];
                let there = place + KERNEL <= sequence.len();
                real.push(f32::from(u8::from(there)));
                for (offset, picked) in picked.iter_mut().enumerate() {
                    let number = if there { numbers.get(&sequence[place + offset]).copied().unwrap_or(0) } else { 0 };
                    picked.push(number * KERNEL as i32 + offset as i32);
                }
            }
        }
        let firsts: Vec<Vec<f32>> = (0..blocks).map(|block| real[block * POOL * count..(block * POOL + 1) * count].to_vec()).collect();
        let real = Tensor::<2>::from_data(TensorData::new(real, [places * count, 1]), device);
        let [first, second, third] =
            picked.map(|picked| events.clone().select(0, Tensor::<1, Int>::from_data(TensorData::new(picked, [places * count]), device)));
        let sum = Activation::Relu.apply(first + second + third + order.threshold.val().unsqueeze()) * real;
        let pooled: Tensor<3> = sum.reshape([blocks, POOL, count * filters]).max_dim(1).reshape([blocks, count, filters]);
        let steps: Vec<Tensor<2>> = (0..blocks).map(|block| order.lstm.project(pooled.clone().narrow(0, block, 1).reshape([count, filters]))).collect();
        let masks: Vec<Option<Tensor<2>>> =
            firsts.into_iter().map(|real| real.contains(&0.0).then(|| Tensor::from_data(TensorData::new(real, [count, 1]), device))).collect();
        let last = order.lstm.walk(&steps, &masks, false, None).pop().unwrap_or_else(|| Tensor::zeros([count, self.config.units], device));
        let largest: Tensor<2> = pooled.max_dim(0).reshape([count, filters]);
        let mut both = Tensor::cat(vec![last, largest], 1);
        if let Some(kept) = data.draws.keep(count, self.config.units + filters, self.config.dropout, device) {
            both = both * kept;
        }
        order.head.forward(Activation::Relu.apply(order.dense.forward(both))).squeeze_dim(1)
    }
}

impl Labels for TokenSequences {
    fn labels(&self) -> &[f32] {
        &self.labels
    }
}

impl SequenceClassifier for TokenClassifier {
    type Data = TokenSequences;

    fn forward(&self, data: &TokenSequences, rows: &[usize], device: &Backend) -> Tensor<1> {
        let bag = self.bag(data, rows, device);
        match &self.order {
            Some(order) => bag + self.ordered(order, data, rows, device),
            None => bag,
        }
    }
}
