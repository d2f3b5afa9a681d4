//! Hubs: processes that start others on behalf of everybody. A lead's tree is cut below them.

use std::collections::HashSet;
use std::sync::LazyLock;

static NAMES: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("../../assets/hubs.tsv").lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('\t').next()).collect());

/// Whether a program (base name in lower case) is known as a hub before anything is learned.
pub(super) fn is_hub(name: &str) -> bool {
    NAMES.contains(name)
}
