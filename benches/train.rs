//! A training epoch of each network, with PyTorch's figure on the CPU beside it where PyTorch is installed, and the training of word vectors
//! beside gensim's (`cargo bench --bench train`; `-- dense`, `-- recurrent`, `-- timeline`, `-- words` for a part; `PYTHON` names the interpreter).
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
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let part = |name: &str| wanted.is_empty() || wanted.iter().any(|part| part == name);
    println!("a training epoch, best of {EPOCHS}, on the CPU; PyTorch beside it");
    if part("dense") {
        all_dense();
    }
    if part("recurrent") {
        recurrent(64);
        recurrent(10);
    }
    if part("timeline") {
        sequence();
    }
    if part("words") {
        words();
    }
}

fn all_dense() {
    dense("16-8-4-8-16, 10,000 rows, batch 8", &[16, 8, 4, 8, 16], 10_000, 8);
    dense("64-32-8-32-64, 20,000 rows, batch 32", &[64, 32, 8, 32, 64], 20_000, 32);
    dense("128-64-16-64-128, 100,000 rows, batch 256", &[128, 64, 16, 64, 128], 100_000, 256);
    linear();
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

/// Distinct paths as an estate has them: 60 vendors of 20 applications each, common program names, versions, users and random names.
fn paths() -> Vec<String> {
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Small numbers are drawn far more often than large ones.
        let unit = (state >> 11) as f64 / (1_u64 << 53) as f64;
        ((unit * unit * unit) * below as f64) as u64
    };
    let programs = ["setup", "update", "launcher", "service", "helper", "crashpad", "worker", "agent", "tray", "console", "uninstall", "host"];
    let mut paths: Vec<String> = (0..60_000)
        .map(|_| {
            let (vendor, app, program) = (draw(60), draw(20), programs[draw(12) as usize]);
            let (major, minor, number) = (draw(9) + 1, draw(30), draw(4_000_000_000));
            match draw(6) {
                0 => format!(r"c:\program files\vendor{vendor}\application{app}\{major}.{minor}\bin\{program}{app}.exe"),
                1 => format!(r"c:\windows\system32\component{vendor}\{program}{app}.dll"),
                2 => format!(r"c:\users\user{}\appdata\local\vendor{vendor}\application{app}\{program}.exe", draw(300)),
                3 => format!(r"c:\users\user{}\appdata\local\temp\{number:08x}\{program}.tmp", draw(300)),
                4 => format!(r"c:\program files (x86)\vendor{vendor}\common files\{program}{minor}.exe"),
                _ => format!(r"c:\windows\winsxs\amd64_component{vendor}_{number:08x}\{program}{app}.exe"),
            }
        })
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// The ten words of `of` nearest to each of the first `count`, by cosine; the vectors have length 1.
fn neighbours(vectors: &[Vec<f32>], count: usize) -> Vec<Vec<usize>> {
    let nearest = |at: usize| {
        let cosine = |other: usize| vectors[at].iter().zip(&vectors[other]).map(|(a, b)| a * b).sum::<f32>();
        let mut order: Vec<(f32, usize)> = (0..vectors.len()).filter(|other| *other != at).map(|other| (cosine(other), other)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        order.into_iter().take(10).map(|(_, other)| other).collect()
    };
    (0..count).map(nearest).collect()
}

fn overlap(ours: &[Vec<usize>], theirs: &[Vec<usize>]) -> f64 {
    let shared: usize = ours.iter().zip(theirs).map(|(a, b)| a.iter().filter(|word| b.contains(word)).count()).sum();
    shared as f64 / (10 * ours.len()) as f64
}

/// Skip-gram with pieces of words over the published settings, one thread, beside gensim: seconds, and how many of the ten nearest words of the
/// 300 commonest are the same; two seeds of gensim show how many can be.
fn words() {
    let (paths, folder) = (paths(), tempfile::tempdir().unwrap());
    let text: String = paths.iter().map(|path| path.split('\\').map(|word| word.replace(' ', "\u{2423}")).collect::<Vec<_>>().join(" ") + "\n").collect();
    let mut counts = std::collections::BTreeMap::new();
    text.split_whitespace().for_each(|word| *counts.entry(word).or_insert(0) += 1);
    let mut common: Vec<(&str, usize)> = counts.iter().map(|(word, count)| (*word, *count)).filter(|(_, count)| *count >= 5).collect();
    common.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let common: Vec<&str> = common.into_iter().map(|(word, _)| word).collect();
    let borrowed: Vec<&str> = paths.iter().map(String::as_str).collect();
    let train = |seed: u64| {
        let begin = Instant::now();
        let vectors = residue::detect::chains::word_vectors(&borrowed, &common, seed, &Control::silent()).unwrap();
        (begin.elapsed().as_secs_f64(), neighbours(&vectors, 300))
    };
    let ((seconds, ours), (_, again)) = (train(42), train(43));
    println!("word vectors, {} paths, {} words, {} of 5 and more: {seconds:.1} s", paths.len(), counts.len(), common.len());
    std::fs::write(folder.path().join("text"), &text).unwrap();
    std::fs::write(folder.path().join("words"), common.join("\n")).unwrap();
    let script = format!(
        "
import time, gensim, numpy
from gensim.models import FastText
lines = [line.split() for line in open(r'{0}/text', encoding='utf-8')]
words = open(r'{0}/words', encoding='utf-8').read().split()
for seed in (42, 43):
    start = time.perf_counter()
    m = FastText(lines, sg=1, vector_size=64, window=5, negative=5, hs=0, min_count=1, min_n=3, max_n=6, bucket=1 << 17, epochs=20, workers=1, sample=0, alpha=0.05, seed=seed)
    took = time.perf_counter() - start
    v = numpy.stack([m.wv[w] for w in words])
    v /= numpy.linalg.norm(v, axis=1, keepdims=True)
    near = numpy.argsort(-(v[:300] @ v.T), axis=1, kind='stable')
    print(gensim.__version__, took, ' '.join(str(x) for i, row in enumerate(near) for x in [y for y in row if y != i][:10]))
",
        folder.path().display()
    );
    let answer = python(&script);
    let runs: Vec<(f64, Vec<Vec<usize>>)> = answer
        .lines()
        .filter_map(|line| {
            let mut parts = line.split(' ').skip(1);
            let seconds = parts.next()?.parse().ok()?;
            let all: Vec<usize> = parts.map_while(|part| part.parse().ok()).collect();
            Some((seconds, all.chunks(10).map(<[usize]>::to_vec).collect()))
        })
        .collect();
    let [(first, theirs), (second, also)] = runs.as_slice() else {
        println!("gensim: {answer}");
        return;
    };
    println!("gensim {first:.1} s and {second:.1} s with one thread: {:.2} times its time", seconds / first.min(*second));
    println!(
        "of ten neighbours the same: with gensim {:.3}; two seeds of gensim {:.3}, two seeds of ours {:.3}",
        overlap(&ours, theirs),
        overlap(theirs, also),
        overlap(&ours, &again)
    );
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
    let interpreter = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    match Command::new(interpreter).args(["-c", script]).output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(_) => "what it is compared with is not installed here".into(),
        Err(_) => "no python3 here to compare with".into(),
    }
}
