//! The graphics adapters this machine offers, without opening one.

use burn::tensor::wgpu::wgpu;
use std::future::Future;
use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

/// The Vulkan loader does not like instances that come and go on several threads at once.
pub(super) static INSTANCES: Mutex<()> = Mutex::new(());

/// One graphics adapter, as `residue doctor` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Its own name.
    pub name: String,
    /// `discrete GPU`, `integrated GPU`, `virtual GPU`, `software` or `other`.
    pub kind: &'static str,
    /// The graphics interface it is reached through (`vulkan`, `gl`, ...).
    pub interface: String,
}

impl Adapter {
    /// Whether the CPU does its work (lavapipe, WARP, SwiftShader).
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.kind == "software"
    }
}

/// Lists the adapters, hardware first. Call it before the window is made or from the job thread, never while the window opens.
#[must_use]
pub fn adapters() -> Vec<Adapter> {
    let guard = INSTANCES.lock();
    let mut found = catch_unwind(list).unwrap_or_default();
    drop(guard);
    found.sort_by_key(|adapter| (adapter.is_software(), adapter.kind == "other"));
    found
}

fn list() -> Vec<Adapter> {
    // OpenGL is left out: burn does not compute on it, and its loader writes to standard error.
    let mut wanted = wgpu::InstanceDescriptor::new_without_display_handle();
    wanted.backends = wgpu::Backends::PRIMARY;
    let instance = wgpu::Instance::new(wanted);
    let named = |adapter: wgpu::Adapter| {
        let info = adapter.get_info();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete GPU",
            wgpu::DeviceType::IntegratedGpu => "integrated GPU",
            wgpu::DeviceType::VirtualGpu => "virtual GPU",
            wgpu::DeviceType::Cpu => "software",
            wgpu::DeviceType::Other => "other",
        };
        Adapter { name: info.name, kind, interface: info.backend.to_string() }
    };
    ready(instance.enumerate_adapters(wgpu::Backends::PRIMARY)).unwrap_or_default().into_iter().map(named).collect()
}

/// The value of a future that is ready at once, as wgpu's are outside browsers.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
