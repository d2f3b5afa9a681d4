//! Residue's folder in the user's cache.

use std::path::PathBuf;

/// The folder; none without a home.
#[must_use]
pub fn cache() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "residue").map(|dirs| dirs.cache_dir().to_owned())
}

/// Where things of a kind go: a folder in the cache, else one in the system's temporary folder.
#[must_use]
pub fn places(kind: &str) -> Vec<PathBuf> {
    cache().map(|cache| cache.join(kind)).into_iter().chain([std::env::temp_dir().join(format!("residue-{kind}"))]).collect()
}
