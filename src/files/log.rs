//! The log: a file in the cache folder that says when residue was started, which jobs ran and where something went wrong inside.
//!
//! It never holds evidence: only residue's own fixed words, places in the source, file names and offsets are written. Its size is bounded: when it is
//! full it becomes `residue.old.log`, which replaces the one before.

use std::fs::{File, OpenOptions};
use std::io::{Result, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

const NAME: &str = "residue.log";
const OLD: &str = "residue.old.log";
/// Bytes of the log; the older one has as many.
const MOST: u64 = 1 << 20;

static PATH: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();

/// Where the log is; or why there is none.
///
/// # Errors
/// In words, why there is none.
pub fn path() -> std::result::Result<PathBuf, String> {
    PATH.get().cloned().unwrap_or_else(|| Err("none was begun".into()))
}

/// Begins the log of this process and lets it hear of panics. Called once, by the program's start.
pub fn start() {
    let begun = super::cache().ok_or_else(|| "there is no cache folder".to_owned()).and_then(|cache| {
        let folder = cache.join("log");
        let log = Log::open(&folder, MOST).map_err(|e| format!("it cannot be written ({e}): {}", folder.display()))?;
        let shared = Shared(Arc::new(Mutex::new(log)));
        // Other crates' words may hold what they read: only ours are written.
        let ours = tracing_subscriber::filter::filter_fn(|about| about.target().starts_with("residue"));
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || shared.clone()).with_filter(ours);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).map_err(|e| e.to_string())?;
        Ok(folder.join(NAME))
    });
    let place = begun.as_ref().ok().cloned();
    if PATH.set(begun).is_ok() {
        crate::control::panics::listen(place);
    }
}

/// A file of bounded size.
struct Log {
    folder: PathBuf,
    file: File,
    written: u64,
    most: u64,
}

impl Log {
    fn open(folder: &Path, most: u64) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let file = append(&folder.join(NAME))?;
        let written = file.metadata()?.len();
        Ok(Self { folder: folder.to_owned(), file, written, most })
    }

    /// Begins a new file when a line would not fit any more.
    fn make_room(&mut self, bytes: u64) -> Result<()> {
        if self.written + bytes <= self.most {
            return Ok(());
        }
        let path = self.folder.join(NAME);
        // Another process may have begun a new one already.
        if path.metadata().map_or(0, |metadata| metadata.len()) + bytes > self.most {
            std::fs::rename(&path, self.folder.join(OLD))?;
        }
        self.file = append(&path)?;
        self.written = self.file.metadata()?.len();
        Ok(())
    }
}

/// Opens a file of which only its owner reads, for appending.
fn append(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.make_room(bytes.len() as u64)?;
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Log>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_never_grows_beyond_its_bound_and_keeps_the_newest_lines() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("log");
        let mut log = Log::open(&folder, 1_000).unwrap();
        let mut other = Log::open(&folder, 1_000).unwrap();
        for number in 0..500 {
            writeln!(if number % 3 == 0 { &mut other } else { &mut log }, "line {number:04} of the log").unwrap();
        }
        let sizes: Vec<u64> = [NAME, OLD].iter().map(|name| folder.join(name).metadata().unwrap().len()).collect();
        assert!(sizes[0] <= 1_000 && sizes[1] <= 2_000, "{sizes:?}");
        assert!(std::fs::read_to_string(folder.join(NAME)).unwrap().contains("line 0499"));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
    }
}
