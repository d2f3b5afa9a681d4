//! What every group needs: the corpus when it is there, and a word when it is not.

use std::path::PathBuf;

/// A path inside the shared corpus, or `None` with a word on standard error when the corpus is not beside the checkout.
pub(crate) fn corpus(relative: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus").join(relative);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: the corpus is not here ({relative})");
    None
}
