//! Which device trains, and why: a real GPU when there is one and it computes correctly, else the CPU.
//!
//! Border: one probe of each kind per process; the device is burn's own, never the window's, so training does not stall painting.

use super::adapters::{INSTANCES, adapters};
use super::matrix::read;
use crate::control::RunError;
use crate::domain::Compute;
use burn::tensor::{Device as Backend, DeviceKind, Tensor, TensorData};
use cubecl_runtime::config::autotune::{AutotuneLevel, BenchConfig};
use cubecl_runtime::config::{CubeClRuntimeConfig, RuntimeConfig};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

/// Below this many multiplications a step (3 x parameters x rows in a batch) a GPU spends its time on launches: `auto` stays on the CPU.
const SMALL_STEP: usize = 50_000_000;

/// Where tensors live, and why there.
#[derive(Clone, Debug)]
pub struct Device {
    /// Shown in words: `CPU: no GPU adapter found`.
    pub reason: String,
    backend: Backend,
    gpu: bool,
    automatic: bool,
}

impl Device {
    /// The CPU, because it was asked for.
    #[must_use]
    pub fn cpu() -> Self {
        Self { reason: "CPU: asked for".into(), backend: Backend::flex(), gpu: false, automatic: false }
    }

    /// Chooses as asked. Adapters are probed once per process, before the window is made or on the job thread; it never fails, the reason says what happened.
    #[must_use]
    pub fn choose(compute: Compute) -> Self {
        match compute {
            Compute::Cpu => Self::cpu(),
            Compute::Auto => Self::of(hardware().as_ref(), true),
            Compute::Gpu => {
                let found = hardware();
                Self::of(if found.is_ok() { found } else { software() }.as_ref(), false)
            }
        }
    }

    fn of(probed: Result<&Gpu, &String>, automatic: bool) -> Self {
        match probed {
            Ok(gpu) => Self { reason: format!("GPU: {}", gpu.name), backend: gpu.backend.clone(), gpu: true, automatic },
            Err(why) => Self { reason: format!("CPU: {why}"), backend: Backend::flex(), gpu: false, automatic },
        }
    }

    /// Whether tensors live on a graphics adapter.
    #[must_use]
    pub fn is_gpu(&self) -> bool {
        self.gpu
    }

    /// The device for a model of that many parameters trained in batches of that many rows: with `auto`, small models stay on the CPU.
    #[must_use]
    pub fn for_work(&self, parameters: usize, batch: usize) -> Self {
        if self.gpu && self.automatic && parameters.saturating_mul(batch).saturating_mul(3) < SMALL_STEP {
            let reason = format!("CPU: faster than {} for a model of {parameters} parameters", self.reason.trim_start_matches("GPU: "));
            return Self { reason, backend: Backend::flex(), gpu: false, automatic: true };
        }
        self.clone()
    }

    /// For inference.
    pub(super) fn plain(&self) -> Backend {
        self.backend.clone()
    }

    /// For training.
    pub(super) fn training(&self) -> Backend {
        self.backend.clone().autodiff()
    }
}

#[derive(Clone, Debug)]
struct Gpu {
    name: String,
    backend: Backend,
}

fn hardware() -> &'static Result<Gpu, String> {
    static FOUND: OnceLock<Result<Gpu, String>> = OnceLock::new();
    FOUND.get_or_init(|| {
        if !may_exist() {
            return Err("no GPU adapter found".into());
        }
        let listed = adapters();
        if !listed.iter().any(|adapter| adapter.kind.ends_with("GPU")) {
            return Err(match listed.iter().find(|adapter| adapter.is_software()) {
                Some(adapter) => format!("no GPU adapter found, only a software one ({})", adapter.name),
                None => "no GPU adapter found".into(),
            });
        }
        let kinds = [DeviceKind::DiscreteGpu(0), DeviceKind::IntegratedGpu(0), DeviceKind::VirtualGpu(0)];
        let mut why = String::from("no GPU adapter could be opened");
        for kind in kinds {
            match probe(kind) {
                Ok(gpu) => return Ok(gpu),
                Err(Refusal::Absent) => {}
                Err(Refusal::Unfit(text)) => why = text,
            }
        }
        Err(why)
    })
}

/// Whether a GPU can be there at all: on Linux one without a device file cannot, and asking the graphics loader would cost time and stray messages.
fn may_exist() -> bool {
    let nodes = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg", "/dev/mali0", "/dev/kgsl-3d0"];
    !cfg!(target_os = "linux") || nodes.iter().any(|node| std::path::Path::new(node).exists())
}

fn software() -> &'static Result<Gpu, String> {
    static FOUND: OnceLock<Result<Gpu, String>> = OnceLock::new();
    FOUND.get_or_init(|| {
        if adapters().is_empty() {
            return Err("a GPU was asked for, but no adapter was found, not even a software one".into());
        }
        probe(DeviceKind::Cpu).map_err(|refusal| match refusal {
            Refusal::Absent => "a GPU was asked for, but no adapter could be opened".into(),
            Refusal::Unfit(why) => why,
        })
    })
}

enum Refusal {
    Absent,
    Unfit(String),
}

/// Networks here are small: the search for the fastest kernel would take longer than training. Nothing of it is written to disk.
fn tune_little() {
    let mut config = CubeClRuntimeConfig::default();
    config.autotune.level = AutotuneLevel::Minimal;
    config.autotune.disable_cache = true;
    config.autotune.bench = BenchConfig { min_samples: 1, max_samples: 1, short_circuit_samples: 1, ..BenchConfig::default() };
    // False when something has read the configuration already; then it stays as it is.
    CubeClRuntimeConfig::try_set(config);
}

/// Opens an adapter and lets it compute a small gradient that the CPU checks.
fn probe(kind: DeviceKind) -> Result<Gpu, Refusal> {
    let guard = INSTANCES.lock();
    let tried = catch_unwind(AssertUnwindSafe(|| {
        tune_little();
        let backend = Backend::wgpu_options().device_kind(kind).init().map_err(|_| Refusal::Absent)?;
        let name = backend.identity().map_or_else(|| "unnamed adapter".to_owned(), |identity| identity.name);
        let unfit = |what: &str| Refusal::Unfit(format!("{name} was refused: {what}"));
        let (here, there) = (gradient(&Backend::flex()), gradient(&backend));
        let (Ok(here), Ok(there)) = (here, there) else { return Err(unfit("it gave no result")) };
        let agree = here.len() == there.len() && here.iter().zip(&there).all(|(a, b)| (a - b).abs() <= 1e-3 * (1.0 + a.abs()));
        if agree { Ok(Gpu { name, backend }) } else { Err(unfit("its results differ from the CPU's")) }
    }));
    drop(guard);
    tried.unwrap_or_else(|_| Err(Refusal::Unfit("the GPU adapter failed its test (driver error)".into())))
}

/// Gradient of `mean((relu(A W) - A)^2)` with respect to W, for fixed numbers.
fn gradient(device: &Backend) -> Result<Vec<f32>, RunError> {
    let device = device.clone().autodiff();
    let numbers = |n: usize, scale: f32| (0..n).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0) * scale).collect::<Vec<f32>>();
    let a = Tensor::<2>::from_data(TensorData::new(numbers(64 * 16, 1.0), [64, 16]), &device);
    let w = Tensor::<2>::from_data(TensorData::new(numbers(16 * 16, 0.3), [16, 16]), &device).require_grad();
    let loss = (burn::tensor::activation::relu(a.clone().matmul(w.clone())) - a).square().mean();
    let gradients = loss.backward();
    w.grad(&gradients).map_or_else(|| Err(RunError::failed("no gradient")), read)
}
