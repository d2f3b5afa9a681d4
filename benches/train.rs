//! A training epoch of each network, with PyTorch's figure on the CPU beside it where PyTorch is installed (`cargo bench --bench train`).
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

use residue::control::{Control, Reporter};
use residue::domain::CurvePoint;
use residue::nn::{
    Activation, Dense, DenseConfig, Device, FitConfig, LabelledSequences, LinearAutoencoder, LinearConfig, Matrix, NextConfig, NextRow, Recurrent,
    RecurrentConfig, Rows, SparseRows, WindowFit, fit,
};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;

const EPOCHS: usize = 4;

fn main() {
    println!("a training epoch, best of {EPOCHS}, on the CPU; PyTorch beside it");
    dense("16-8-4-8-16, 10,000 rows, batch 8", &[16, 8, 4, 8, 16], 10_000, 8);
    dense("64-32-8-32-64, 20,000 rows, batch 32", &[64, 32, 8, 32, 64], 20_000, 32);
    dense("128-64-16-64-128, 100,000 rows, batch 256", &[128, 64, 16, 64, 128], 100_000, 256);
    linear();
    recurrent(64);
    recurrent(10);
    sequence();
}

/// Notes when each epoch ends.
#[derive(Default)]
struct Clock(Mutex<Vec<Instant>>);

impl Reporter for Clock {
    fn progress(&self, _: residue::control::Progress) {}
    fn notice(&self, _: residue::control::Notice) {}
    fn epoch(&self, _: CurvePoint) {
        self.0.lock().unwrap().push(Instant::now());
    }
}

/// Seconds of the quickest epoch of whatever `train` trains.
fn quickest(train: impl FnOnce(&Control)) -> f64 {
    let clock = Arc::new(Clock::default());
    train(&Control { reporter: clock.clone(), ..Control::silent() });
    let ends = clock.0.lock().unwrap();
    ends.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).fold(f64::INFINITY, f64::min)
}

fn config(batch: usize) -> FitConfig {
    FitConfig { epochs: EPOCHS + 1, batch, validation: 0.0, patience: None, ..FitConfig::default() }
}

fn dense(name: &str, sizes: &[usize], rows: usize, batch: usize) {
    let values = (0..rows * sizes[0]).map(|i| ((i * 7919) % 1009) as f32 / 504.5 - 1.0).collect();
    let (data, device) = (Matrix::new(values, sizes[0]).unwrap(), Device::cpu());
    let shape = DenseConfig::new(sizes, Activation::LeakyRelu(0.3), Activation::LeakyRelu(0.3));
    let ours = quickest(|control| drop(fit(Dense::new(&shape, 42, &device), &data, None, &config(batch), &device, control).unwrap()));
    println!("{name}: {ours:.3} s; {}", pytorch(sizes, rows, batch));
}

fn linear() {
    let (columns, rows, device) = (50_000_u32, 100_000_u32, Device::cpu());
    let mut data = SparseRows::new(columns as usize);
    for row in 0..rows {
        data.push((0..20).map(|cell| (cell * 2500 + (row.wrapping_mul(2_654_435_761) >> (cell % 16)) % 2500, 1.0)));
    }
    let start = LinearAutoencoder::new(&LinearConfig { columns: columns as usize, code: 4 }, 42, &device);
    let ours = quickest(|control| drop(fit(start, &data, None, &config(1024), &device, control).unwrap()));
    println!("tied linear, 50,000 columns, 100,000 rows of 20, code 4, batch 1024: {ours:.3} s");
}

/// The published `conv_rnn` over 5,000 sequences of 128 steps of 6 features, none of them padded.
fn recurrent(batch: usize) {
    const ROWS: usize = 5_000;
    let (device, shape) = (Device::cpu(), RecurrentConfig::published("conv_rnn").unwrap());
    let mut data = LabelledSequences::new(128, 6, 42);
    for row in 0..ROWS {
        data.push((0..128 * 6).map(|i| ((i * 7919 + row * 31) % 1009) as f32 / 1009.0).collect(), f32::from(u8::from(row % 5 == 0)));
    }
    let config = FitConfig { epochs: 3, ..config(batch) };
    let ours = quickest(|control| drop(fit(Recurrent::new(&shape, 42, &device), &data, None, &config, &device, control).unwrap()));
    let script = format!(
        "
import time, torch
torch.manual_seed(42)
F = torch.nn.functional
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.c, self.l = torch.nn.Conv1d(6, 64, 3), torch.nn.LSTM(64, 64, batch_first=True)
        self.d, self.o = torch.nn.Linear(64, 32), torch.nn.Linear(32, 1)
    def forward(self, x):
        h = F.max_pool1d(torch.relu(self.c(x.transpose(1, 2))), 2).transpose(1, 2)
        h = F.dropout(self.l(h)[0][:, -1], 0.2, True)
        return self.o(torch.relu(self.d(h)))[:, 0]
x, y = torch.rand({ROWS}, 128, 6), (torch.rand({ROWS}) > 0.8).float()
best = {{}}
for threads in (1, 2):
    torch.set_num_threads(threads)
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        order = torch.randperm({ROWS})
        for i in range(0, {ROWS}, {batch}):
            part = order[i:i + {batch}]
            opt.zero_grad()
            F.binary_cross_entropy_with_logits(net(x[part]), y[part]).backward()
            opt.step()
        times.append(time.perf_counter() - start)
    best[threads] = min(times[1:])
print(f'PyTorch {{torch.__version__}} {{best[1]:.3f}} s with 1 thread, {{best[2]:.3f}} s with 2')
"
    );
    println!("conv_rnn, 5,000 sequences of 128 x 6, batch {batch}: {ours:.3} s; {}", python(&script));
}

/// Rows of 27 flags.
struct Flags;

impl Rows for Flags {
    fn count(&self) -> usize {
        10_000
    }
    fn width(&self) -> usize {
        27
    }
    fn write(&self, row: usize, into: &mut Vec<f32>) {
        into.extend((0..27).map(|at| f32::from(u8::from((row * 7919 + at * 104_729) % 11 < 2))));
    }
}

/// The published timeline network: 20 batches of 32 windows of 50 rows.
fn sequence() {
    const BATCHES: usize = 20;
    let mut network = NextRow::new(&NextConfig { width: 27, window: 50, units: vec![248, 248, 124, 124, 248] }, 42);
    let windows: Vec<usize> = (0..32 * BATCHES).map(|at| 100 + at * 13).collect();
    let fit = WindowFit { name: "bench".into(), epochs: 1, batch: 32, rate: 1e-3, seed: 42 };
    let begin = Instant::now();
    network.fit(&Flags, &windows, &fit, &Control::silent()).unwrap();
    let ours = begin.elapsed().as_secs_f64() / BATCHES as f64;
    let script = "
import time, torch
torch.manual_seed(42)
T, B, sizes = 50, 32, [248, 248, 124, 124, 248, 27]
class Layer(torch.nn.Module):
    def __init__(s, i, u, act):
        super().__init__()
        s.act, s.w, s.u, s.b = act, torch.nn.Parameter(torch.randn(i, 4 * u) * .05), torch.nn.Parameter(torch.randn(u, 4 * u) * .05), torch.nn.Parameter(torch.zeros(4 * u))
    def forward(s, x):
        p, h, c, out = x @ s.w + s.b, None, None, []
        for t in range(T):
            i, f, g, o = (p[t] if h is None else p[t] + h @ s.u).chunk(4, 1)
            fresh = torch.sigmoid(i) * s.act(g)
            c = fresh if c is None else torch.sigmoid(f) * c + fresh
            h = torch.sigmoid(o) * s.act(c)
            out.append(h)
        return torch.stack(out)
layers, i = [], 27
for n, u in enumerate(sizes):
    layers.append(Layer(i, u, torch.relu if n < 5 else torch.sigmoid))
    i = u
net = torch.nn.Sequential(*layers)
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
x, y = (torch.rand(T, B, 27) < .2).float(), (torch.rand(B, 27) < .2).float()
torch.set_num_threads(2)
for n in range(22):
    if n == 2:
        start = time.perf_counter()
    opt.zero_grad()
    ((net(x)[-1] - y) ** 2).mean().backward()
    opt.step()
print(f'PyTorch {torch.__version__} {(time.perf_counter() - start) / 20:.3f} s with 2')
";
    println!("timeline sequence network, 1,475,152 parameters, a batch of 32 windows of 50: {ours:.3} s; {}", python(script));
}

/// What PyTorch takes for the same net, rows and batch, in words.
fn pytorch(sizes: &[usize], rows: usize, batch: usize) -> String {
    let script = format!(
        "
import time, torch
torch.manual_seed(42)
sizes, rows, batch = {sizes:?}, {rows}, {batch}
layers = []
for a, b in zip(sizes, sizes[1:]):
    layers += [torch.nn.Linear(a, b), torch.nn.LeakyReLU(0.3)]
net = torch.nn.Sequential(*layers)
x = torch.rand(rows, sizes[0]) * 2 - 1
best = {{}}
for threads in (1, 2):
    torch.set_num_threads(threads)
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    times = []
    for _ in range({EPOCHS} + 1):
        start = time.perf_counter()
        order = torch.randperm(rows)
        for i in range(0, rows, batch):
            part = x[order[i:i + batch]]
            opt.zero_grad()
            loss = ((net(part) - part) ** 2).mean()
            loss.backward()
            opt.step()
        times.append(time.perf_counter() - start)
    best[threads] = min(times[1:])
print(f'PyTorch {{torch.__version__}} {{best[1]:.3f}} s with 1 thread, {{best[2]:.3f}} s with 2')
"
    );
    python(&script)
}

fn python(script: &str) -> String {
    match Command::new("python3").args(["-c", script]).output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(_) => "PyTorch is not installed here".into(),
        Err(_) => "no python3 here, so no PyTorch".into(),
    }
}
