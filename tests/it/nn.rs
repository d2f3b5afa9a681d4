//! Tests of the room `nn`: the loop, the networks, the devices, saved models.

use residue::control::{CancelToken, Control, Notice, Progress, Reporter, RunError};
use residue::domain::{Compute, CurvePoint};
use residue::nn::{
    Activation, Card, Dense, DenseConfig, Device, FitConfig, Labelled, LinearAutoencoder, LinearConfig, Matrix, Mlp, MlpConfig, SparseRows, Stop, fit,
    load_card, load_weights, model_id, save,
};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Numbers in (-1, 1) from a small fixed recurrence.
fn numbers(n: usize, mut state: u64) -> Vec<f32> {
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

/// Rows that lie in a plane of `rank` dimensions of `columns`, plus noise.
fn plane(rows: usize, columns: usize, rank: usize, noise: f32) -> Matrix {
    let (basis, place, jitter) = (numbers(rank * columns, 1), numbers(rows * rank, 2), numbers(rows * columns, 3));
    let mut matrix = Matrix::with_columns(columns);
    for row in 0..rows {
        let cell = |c: usize| (0..rank).map(|k| place[row * rank + k] * basis[k * columns + c]).sum::<f32>() + noise * jitter[row * columns + c];
        matrix.push(&(0..columns).map(cell).collect::<Vec<f32>>());
    }
    matrix
}

fn shape() -> DenseConfig {
    DenseConfig::new(&[12, 8, 3, 8, 12], Activation::Tanh, Activation::Linear)
}

fn config(epochs: usize) -> FitConfig {
    FitConfig { name: "test".into(), epochs, batch: 16, learning_rate: 3e-3, final_rate: 3e-3, patience: None, ..FitConfig::default() }
}

#[test]
fn published_shape_has_356_parameters() {
    let config = DenseConfig::new(&[16, 8, 4, 8, 16], Activation::LeakyRelu(0.3), Activation::LeakyRelu(0.3));
    assert_eq!(Dense::new(&config, 42, &Device::cpu()).parameters(), 356);
}

#[test]
fn a_dense_net_overfits_and_its_errors_are_per_column() {
    let (data, device, control) = (plane(64, 12, 2, 0.0), Device::cpu(), Control::silent());
    let config = FitConfig { validation: 0.0, ..config(400) };
    let fitted = fit(Dense::new(&shape(), 7, &device), &data, None, &config, &device, &control).unwrap();
    let (first, last) = (fitted.curve.first().unwrap().train, fitted.curve.last().unwrap().train);
    assert!(last < 1e-3 && last < first / 100.0, "{first} -> {last}");
    assert_eq!((fitted.stop, fitted.best_epoch), (Stop::Epochs, 400));
    let output = fitted.model.outputs(&data, &device, &control).unwrap();
    let errors = fitted.model.squared_errors(&data, &device, &control).unwrap();
    assert_eq!((errors.rows(), errors.columns()), (64, 12));
    assert_eq!(errors.row(5)[3], (data.row(5)[3] - output.row(5)[3]).powi(2));
}

/// One Adam step moves each weight by `rate * g / (|g| + eps)`: its sign is the gradient's, which finite differences of the loss confirm.
#[test]
fn gradients_agree_with_finite_differences() {
    let (device, control) = (Device::cpu(), Control::silent());
    let mut data = SparseRows::new(5);
    data.push([(0, 1.0), (3, 2.0)]);
    data.push([(1, -1.5), (2, 0.5), (4, 1.0)]);
    data.push([]);
    let start = LinearAutoencoder::new(&LinearConfig { columns: 5, code: 2 }, 3, &device);
    let step = FitConfig { epochs: 1, batch: 3, learning_rate: 1e-3, final_rate: 1e-3, validation: 0.0, patience: None, ..FitConfig::default() };
    let before = start.projection().unwrap();
    let after = fit(start, &data, None, &step, &device, &control).unwrap().model.projection().unwrap();
    let loss = |weights: &[f32]| -> f64 {
        (0..3)
            .map(|row| {
                let mut x = [0.0_f64; 5];
                data.row(row).for_each(|(c, v)| x[c as usize] = f64::from(v));
                let z: Vec<f64> = (0..2).map(|k| (0..5).map(|c| x[c] * f64::from(weights[c * 2 + k])).sum()).collect();
                (0..5).map(|c| (x[c] - (0..2).map(|k| f64::from(weights[c * 2 + k]) * z[k]).sum::<f64>()).powi(2)).sum::<f64>()
            })
            .sum()
    };
    for i in 0..10 {
        let mut moved = [before.weights().to_vec(), before.weights().to_vec()];
        moved[0][i] += 1e-2;
        moved[1][i] -= 1e-2;
        let slope = (loss(&moved[0]) - loss(&moved[1])) / 2e-2;
        let step = f64::from(after.weights()[i] - before.weights()[i]);
        assert!(slope.abs() > 1e-3 && (step + 1e-3 * slope.signum()).abs() < 1e-5, "weight {i}: slope {slope}, step {step}");
    }
    for row in 0..3 {
        let whole: f64 = before.loss(data.row(row));
        let z = before.code(data.row(row));
        let own: f64 = before.residuals(data.row(row)).iter().sum();
        let zeros: f64 = (0..5).filter(|c| data.row(row).all(|(o, _)| o != *c)).map(|c| before.rebuilt(&z, c).powi(2)).sum();
        assert!((whole - own - zeros).abs() < 1e-6, "{whole} {own} {zeros}");
    }
}

/// The least squared error that k directions can leave, by power iteration with deflation on X'X, rows weighted.
fn svd_residual(rows: &[Vec<f64>], weights: &[f64], k: usize) -> f64 {
    let n = rows[0].len();
    let mut gram = vec![vec![0.0; n]; n];
    for (row, weight) in rows.iter().zip(weights) {
        for i in 0..n {
            (0..n).for_each(|j| gram[i][j] += weight * row[i] * row[j]);
        }
    }
    let mut left: f64 = (0..n).map(|i| gram[i][i]).sum();
    for _ in 0..k {
        let mut v: Vec<f64> = (0..n).map(|i| 1.0 + (i as f64) * 0.01).collect();
        let mut value = 0.0;
        for _ in 0..3000 {
            let w: Vec<f64> = gram.iter().map(|row| row.iter().zip(&v).map(|(a, b)| a * b).sum()).collect();
            value = w.iter().map(|x| x * x).sum::<f64>().sqrt();
            v = w.iter().map(|x| x / value).collect();
        }
        left -= value;
        for i in 0..n {
            (0..n).for_each(|j| gram[i][j] -= value * v[i] * v[j]);
        }
    }
    left
}

#[test]
fn the_linear_autoencoder_reaches_the_svd_residual() {
    let (device, control) = (Device::cpu(), Control::silent());
    let (random, weights) = (numbers(300 * 8, 11), numbers(300, 12).iter().map(|w| 1.5 + w).collect::<Vec<f32>>());
    let (mut sparse, mut dense) = (SparseRows::new(30), Vec::new());
    for row in 0..300 {
        // Eight of thirty cells, chosen by the row, so that columns are correlated.
        let cells: Vec<(u32, f32)> = (0..8).map(|i| (((row % 7) * 3 + i * 2) as u32 % 30, 1.0 + random[row * 8 + i])).collect();
        let mut full = vec![0.0; 30];
        for (c, v) in &cells {
            full[*c as usize] = f64::from(*v);
        }
        sparse.push(cells);
        dense.push(full);
    }
    let optimum = svd_residual(&dense, &weights.iter().map(|w| f64::from(*w)).collect::<Vec<f64>>(), 4);
    let config = FitConfig { epochs: 300, batch: 64, learning_rate: 2e-2, final_rate: 1e-4, validation: 0.0, patience: None, ..FitConfig::default() };
    let start = LinearAutoencoder::new(&LinearConfig { columns: 30, code: 4 }, 5, &device);
    let fitted = fit(start, &sparse, Some(&weights), &config, &device, &control).unwrap();
    let projection = fitted.model.projection().unwrap();
    let reached: f64 = (0..300).map(|row| f64::from(weights[row]) * projection.loss(sparse.row(row))).sum();
    eprintln!("linear autoencoder: residual {reached:.3}, by SVD {optimum:.3}");
    assert!(reached >= optimum - 1e-3 && reached < optimum * 1.005, "{reached} {optimum}");
}

#[test]
fn a_classifier_learns_exclusive_or() {
    let (device, control) = (Device::cpu(), Control::silent());
    let inputs = Matrix::new([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]].concat(), 2).unwrap();
    let labels = vec![0.0, 1.0, 1.0, 0.0];
    let config = FitConfig { batch: 4, learning_rate: 1e-2, final_rate: 1e-2, validation: 0.0, ..config(500) };
    let data = Labelled::new(inputs.clone(), labels.clone()).unwrap();
    let fitted = fit(Mlp::new(&MlpConfig { sizes: vec![2, 32, 16] }, 1, &device), &data, None, &config, &device, &control).unwrap();
    let logits = fitted.model.logits(&inputs, &device, &control).unwrap();
    assert!(logits.iter().zip(&labels).all(|(z, y)| (*z > 2.0) == (*y > 0.5) && z.abs() > 2.0), "{logits:?}");
    assert!(Labelled::new(inputs, vec![1.0]).is_err());
}

/// Trains a net whose matrix products are large enough for the CPU backend to split them over threads; gives its model id and last loss.
fn identity(threads: usize) -> (String, f64) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let (data, device) = (plane(1024, 256, 5, 0.1), Device::cpu());
        let shape = DenseConfig::new(&[256, 256, 16, 256, 256], Activation::Relu, Activation::Linear);
        let fitted = fit(Dense::new(&shape, 42, &device), &data, None, &FitConfig { batch: 512, ..config(3) }, &device, &Control::silent()).unwrap();
        (model_id(&Card::default(), &fitted.model).unwrap(), fitted.curve.last().unwrap().train)
    })
}

#[test]
fn the_number_of_threads_and_other_fits_change_nothing() {
    let alone = identity(1);
    assert_eq!(alone, identity(2));
    assert_eq!(alone, identity(3));
    let together: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (1..=3).map(|threads| scope.spawn(move || identity(threads))).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(together.iter().all(|run| *run == alone));
}

/// Hears every epoch; may cancel when told to.
#[derive(Default)]
struct Listener {
    epochs: Mutex<Vec<CurvePoint>>,
    notices: Mutex<Vec<String>>,
    cancel: Mutex<Option<(CancelToken, Instant)>>,
}

impl Reporter for Listener {
    fn progress(&self, _: Progress) {}
    fn notice(&self, notice: Notice) {
        self.notices.lock().unwrap().push(notice.text);
    }
    fn epoch(&self, point: CurvePoint) {
        self.epochs.lock().unwrap().push(point);
        if let Some((token, at)) = self.cancel.lock().unwrap().as_mut() {
            token.cancel();
            *at = Instant::now();
        }
    }
}

fn listened(listener: &Arc<Listener>) -> Control {
    Control { cancel: CancelToken::default(), reporter: listener.clone() }
}

#[test]
fn early_stopping_restores_the_best_weights() {
    let (data, device) = (plane(40, 12, 12, 1.0), Device::cpu());
    let listener = Arc::new(Listener::default());
    let config = FitConfig { learning_rate: 2e-2, final_rate: 2e-2, patience: Some(5), validation: 0.3, ..config(1000) };
    let fitted = fit(Dense::new(&shape(), 1, &device), &data, None, &config, &device, &listened(&listener)).unwrap();
    assert_eq!(fitted.stop, Stop::Early);
    assert_eq!(*listener.epochs.lock().unwrap(), fitted.curve);
    let best = fitted.curve.iter().min_by(|a, b| a.validation.unwrap().total_cmp(&b.validation.unwrap())).unwrap();
    assert_eq!(best.epoch, fitted.best_epoch);
    assert_eq!(fitted.curve.len() as u32, best.epoch + 5);
    // The same seed stopped at the best epoch ends with the very same weights.
    let stopped = FitConfig { epochs: best.epoch as usize, patience: None, ..config };
    let again = fit(Dense::new(&shape(), 1, &device), &data, None, &stopped, &device, &Control::silent()).unwrap();
    let card = Card::default();
    assert_eq!(model_id(&card, &again.model).unwrap(), model_id(&card, &fitted.model).unwrap());
}

#[test]
fn a_loss_that_is_no_number_stops_training_with_the_best_weights() {
    let (mut data, device) = (plane(40, 12, 2, 0.1), Device::cpu());
    data.push(&[f32::NAN; 12]);
    let listener = Arc::new(Listener::default());
    let start = Dense::new(&shape(), 1, &device);
    let card = Card::default();
    let initial = model_id(&card, &start).unwrap();
    let fitted = fit(start, &data, None, &FitConfig { patience: Some(3), ..config(10) }, &device, &listened(&listener)).unwrap();
    assert_eq!((fitted.stop, fitted.best_epoch, fitted.curve.len()), (Stop::NotFinite, 0, 0));
    assert_eq!(model_id(&card, &fitted.model).unwrap(), initial);
    assert!(listener.notices.lock().unwrap()[0].contains("no longer a finite number"));
    let none = fit(Dense::new(&shape(), 1, &device), &Matrix::with_columns(12), None, &config(1), &device, &Control::silent());
    assert!(none.unwrap_err().to_string().contains("no rows"));
}

#[test]
fn weights_count_rows() {
    let (device, control) = (Device::cpu(), Control::silent());
    let mut data = SparseRows::new(2);
    data.push([(0, 1.0)]);
    data.push([(1, 1.0)]);
    let config = FitConfig { epochs: 1500, batch: 2, learning_rate: 2e-2, final_rate: 1e-3, validation: 0.0, patience: None, ..FitConfig::default() };
    let start = LinearAutoencoder::new(&LinearConfig { columns: 2, code: 1 }, 1, &device);
    // One direction for two: it goes to the heavier row.
    let fitted = fit(start, &data, Some(&[1.0, 3.0]), &config, &device, &control).unwrap();
    let projection = fitted.model.projection().unwrap();
    assert!(projection.loss(data.row(1)) < 0.01 && projection.loss(data.row(0)) > 0.9);
}

#[test]
fn cancel_is_prompt() {
    let (data, device) = (plane(60_000, 64, 5, 0.1), Device::cpu());
    let control = Control::silent();
    let listener = Arc::new(Listener::default());
    *listener.cancel.lock().unwrap() = Some((control.cancel.clone(), Instant::now()));
    let shape = DenseConfig::new(&[64, 128, 16, 128, 64], Activation::Relu, Activation::Linear);
    let heard = Control { cancel: control.cancel, reporter: listener.clone() };
    let result = fit(Dense::new(&shape, 1, &device), &data, None, &FitConfig { batch: 256, ..config(1000) }, &device, &heard);
    let waited = listener.cancel.lock().unwrap().as_ref().unwrap().1.elapsed();
    assert!(matches!(result, Err(RunError::Cancelled)));
    assert!(waited < Duration::from_millis(250), "{waited:?}");
}

#[test]
fn saved_models_come_back_bit_for_bit_and_damage_is_told() {
    let (data, device, control) = (plane(64, 12, 3, 0.1), Device::cpu(), Control::silent());
    let folder = tempfile::tempdir().unwrap();
    let fitted = fit(Dense::new(&shape(), 9, &device), &data, None, &config(3), &device, &control).unwrap();
    let card = Card {
        kind: "test".into(),
        config: serde_json::to_value(shape()).unwrap(),
        vocabulary: serde_json::json!(["a", "b"]),
        features: vec!["EventID".into()],
        seed: 9,
        ..Card::default()
    };
    let id = save(folder.path(), "net", &fitted.model, &card).unwrap();
    assert_eq!(id.len(), 64);
    let first = std::fs::read(folder.path().join("net.burn")).unwrap();
    save(folder.path(), "net", &fitted.model, &card).unwrap();
    assert_eq!(first, std::fs::read(folder.path().join("net.burn")).unwrap(), "equal models make equal files");

    let loaded = load_card(folder.path(), "net").unwrap();
    assert_eq!((loaded.model_id.as_str(), loaded.seed, loaded.features.len()), (id.as_str(), 9, 1));
    let shape: DenseConfig = serde_json::from_value(loaded.config.clone()).unwrap();
    let back = load_weights(folder.path(), "net", &loaded, Dense::new(&shape, 0, &device), &device).unwrap();
    assert_eq!(back.outputs(&data, &device, &control).unwrap(), fitted.model.outputs(&data, &device, &control).unwrap());

    let narrow = DenseConfig::new(&[12, 4, 12], Activation::Tanh, Activation::Linear);
    let wide = DenseConfig::new(&[12, 8, 3, 8, 13], Activation::Tanh, Activation::Linear);
    for other in [narrow, wide] {
        let error = load_weights(folder.path(), "net", &loaded, Dense::new(&other, 0, &device), &device).unwrap_err().to_string();
        assert!(error.contains("the saved weights"), "{error}");
    }
    let tampered = Card { vocabulary: serde_json::json!(["a", "c"]), ..loaded.clone() };
    assert!(load_weights(folder.path(), "net", &tampered, Dense::new(&shape, 0, &device), &device).is_err());
    for (cut, change) in [(0, None), (10, None), (first.len() - 1, None), (first.len(), Some(first.len() - 3))] {
        let mut bytes = first[..cut].to_vec();
        if let Some(place) = change {
            bytes[place] ^= 1;
        }
        std::fs::write(folder.path().join("net.burn"), &bytes).unwrap();
        let error = load_weights(folder.path(), "net", &loaded, Dense::new(&shape, 0, &device), &device).unwrap_err().to_string();
        assert!(error.contains("damaged") && error.ends_with("net.burn"), "{error}");
        // Even when the card vouches for the damage.
        let vouched = Card { weights_sha256: sha256(&bytes), ..loaded.clone() };
        assert!(load_weights(folder.path(), "net", &vouched, Dense::new(&shape, 0, &device), &device).is_err());
    }
    std::fs::write(folder.path().join("net.json"), "{").unwrap();
    assert!(load_card(folder.path(), "net").unwrap_err().to_string().contains("not a saved model"));
    assert!(load_card(folder.path(), "other").unwrap_err().to_string().contains("cannot be read"));
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn the_chosen_device_says_why() {
    assert_eq!(Device::choose(Compute::Cpu).reason, "CPU: asked for");
    let auto = Device::choose(Compute::Auto);
    eprintln!("adapters: {:?}\nauto: {}", residue::nn::adapters(), auto.reason);
    let hardware = residue::nn::adapters().iter().any(|adapter| adapter.kind.ends_with("GPU"));
    assert!(auto.is_gpu() || auto.reason.starts_with("CPU: "), "{}", auto.reason);
    assert!(hardware || (!auto.is_gpu() && auto.reason.contains("no GPU adapter found")), "a software adapter is never taken unasked: {}", auto.reason);
    assert!(!auto.for_work(356, 8).is_gpu(), "small models stay on the CPU");
}

#[test]
#[ignore = "a software adapter compiles kernels for minutes: cargo test --release --test it nn::a_software -- --ignored --nocapture"]
fn a_software_adapter_agrees_with_the_cpu() {
    let gpu = Device::choose(Compute::Gpu);
    if !gpu.is_gpu() {
        crate::support::skipped(&gpu.reason);
        return;
    }
    assert!(gpu.for_work(356, 8).is_gpu(), "what was asked for is kept");
    let (data, control) = (plane(256, 12, 3, 0.1), Control::silent());
    // One shape of batch for everything: each new one costs a software adapter many seconds of kernel compilation.
    let once = FitConfig { batch: 256, validation: 0.0, ..config(20) };
    let run = |device: &Device| {
        let fitted = fit(Dense::new(&shape(), 4, device), &data, None, &once, device, &control).unwrap();
        let errors = fitted.model.squared_errors(&data, device, &control).unwrap();
        let mut order: Vec<usize> = (0..256).collect();
        let loss: Vec<f32> = order.iter().map(|&row| errors.row(row).iter().sum()).collect();
        order.sort_by(|a, b| loss[*b].total_cmp(&loss[*a]));
        (order[..20].to_vec(), fitted.curve.last().unwrap().train)
    };
    let ((there, loss), (here, expected)) = (run(&gpu), run(&Device::cpu()));
    let common = there.iter().filter(|row| here.contains(row)).count();
    eprintln!("{}: loss {loss} (CPU {expected}), {common} of the top 20 in common", gpu.reason);
    assert!(common >= 18 && (loss - expected).abs() < 1e-3 * expected);
}

#[test]
fn fifty_thousand_columns_are_quick() {
    let (device, control) = (Device::cpu(), Control::silent());
    let mut data = SparseRows::new(50_000);
    let draws = numbers(100_000 * 20, 5);
    for row in draws.chunks(20) {
        // Squared: some columns are common, most are rare.
        let cells: std::collections::BTreeMap<u32, f32> = row.iter().map(|v| ((v * v * 49_999.0) as u32, 1.0 + v)).collect();
        data.push(cells);
    }
    let config = FitConfig { epochs: 2, batch: 1024, learning_rate: 1e-2, final_rate: 1e-2, validation: 0.1, patience: None, ..FitConfig::default() };
    let started = Instant::now();
    let fitted = fit(LinearAutoencoder::new(&LinearConfig { columns: 50_000, code: 4 }, 1, &device), &data, None, &config, &device, &control).unwrap();
    let took = started.elapsed() / 2;
    eprintln!("linear autoencoder, 100,000 rows of 20 in 50,000 columns, k = 4: {took:?} an epoch");
    assert!(fitted.curve[1].train < fitted.curve[0].train);
    assert!(took < Duration::from_secs(10), "{took:?}");
}
