//! What every group needs: the corpus when it is there and a word when it is not, a small estate, and the built binary.

use residue::control::Control;
use residue::synth;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// A path inside the shared corpus, or `None` with a word on standard error when the corpus is not beside the checkout.
pub(crate) fn corpus(relative: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus").join(relative);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("the corpus is not here ({relative})"));
    None
}

/// Says why a test does nothing here, past the capture that hides what passing tests print.
pub(crate) fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stderr(), "{test} skipped: {why}");
}

/// A synthetic estate, made once for all tests.
pub(crate) struct Estate {
    /// Folder of EVTX files.
    pub(crate) evtx: PathBuf,
    /// Its truth.
    pub(crate) truth: PathBuf,
    /// Events in all files.
    pub(crate) events: u64,
    _folder: tempfile::TempDir,
}

/// The estate: some 5,000 events.
pub(crate) fn estate() -> &'static Estate {
    static ESTATE: OnceLock<Estate> = OnceLock::new();
    ESTATE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let options = synth::Options { events: 5_000, seed: 7, formats: vec![synth::Format::Evtx], intrusion: true };
        let summary = synth::write(folder.path(), &options, &Control::silent()).unwrap();
        Estate { evtx: folder.path().join("evtx"), truth: folder.path().join("truth.jsonl"), events: summary.events, _folder: folder }
    })
}

/// Runs the built binary.
pub(crate) fn residue(args: &[&str]) -> Output {
    residue_in(args, &[])
}

/// Runs the built binary with some variables set.
pub(crate) fn residue_in(args: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_residue")).args(args).envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap()
}
