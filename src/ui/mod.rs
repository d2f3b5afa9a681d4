//! The window.

use std::path::PathBuf;

/// Opens the window on evidence, a case, or the demo.
///
/// # Errors
/// When there is no window to be had.
pub fn run(paths: Vec<PathBuf>, demo: bool) -> anyhow::Result<()> {
    anyhow::bail!("this version has no window yet (asked for {} paths, demo: {demo}): use `residue triage`", paths.len())
}
