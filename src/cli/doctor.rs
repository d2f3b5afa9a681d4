//! `residue doctor`: what this machine offers.

use crate::domain::Compute;
use crate::files;
use crate::nn::{Device, adapters};

pub(super) fn report() -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| text += &format!("{name:<18}{value}\n");
    line("residue", format!("{} ({} {})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH));
    line("threads", std::thread::available_parallelism().map_or_else(|e| e.to_string(), |n| n.to_string()));
    let found = adapters();
    line(
        "GPU adapters",
        if found.is_empty() { "none".into() } else { found.iter().map(|a| format!("{} ({}, {})", a.name, a.kind, a.interface)).collect::<Vec<_>>().join("; ") },
    );
    line("chosen device", Device::choose(Compute::Auto).reason);
    line("file dialogs", dialogs());
    line("display", display());
    let cache = files::cache().map(|cache| cache.display().to_string());
    line("scratch cases", cache.unwrap_or_else(|| "in the temporary folder (no home folder)".into()));
    line("log", files::log::path().map_or_else(|why| format!("none: {why}"), |path| path.display().to_string()));
    text
}

/// Linux asks the desktop portal, then zenity; elsewhere the system has dialogs.
fn dialogs() -> String {
    if !cfg!(target_os = "linux") {
        return "of the system".into();
    }
    let on_path = |name: &str| std::env::var_os("PATH").is_some_and(|paths| std::env::split_paths(&paths).any(|p| p.join(name).is_file()));
    match (std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some(), on_path("zenity")) {
        (true, _) => "desktop portal over D-Bus".into(),
        (false, true) => "zenity".into(),
        (false, false) => "none (no session bus, no zenity): type or drop paths".into(),
    }
}

fn display() -> String {
    if !cfg!(target_os = "linux") {
        return "of the system".into();
    }
    ["WAYLAND_DISPLAY", "DISPLAY"]
        .iter()
        .find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()).map(|v| format!("{n}={v}")))
        .unwrap_or_else(|| "none".into())
}
