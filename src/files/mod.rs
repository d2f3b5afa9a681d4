//! Where residue may write, and how: outputs that lie in no evidence, files that appear whole, the cache folder, the log.
//!
//! ```text
//! Evidence (what must stay as it is) -> OutputPath (a place outside it) -> AtomicFile (a file under its name only when it is whole)
//! ```
//! Border: knows neither formats nor cases; alone makes temporary files, so that whether a file is private or follows the umask is decided here.

mod atomic;
mod cache;
pub mod log;
mod output;
mod part;
mod source_path;

pub use atomic::{AtomicFile, remove_leftovers, write_whole};
pub use cache::{cache, places};
pub use output::{Evidence, OutputPath};
pub use part::{NamedTempFile, TempDir, TempPath, part, part_folder, private, private_folder, private_in};
pub use source_path::{INSIDE, SourcePath};
