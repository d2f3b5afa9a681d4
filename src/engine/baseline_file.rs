//! A saved baseline: what detectors learned from known-good evidence, as one file that holds no evidence.
//!
//! The file is a ZIP archive: `baseline.json` says where it comes from, one folder for each detector holds its saved model: normalised tokens,
//! counts and weights. Tokens that one computer or one person alone has shown are replaced by numbers before they are written.

use super::baseline::Baselines;
use crate::control::{Control, RunError};
use crate::detect::{Input, registry};
use crate::domain::{DetectorId, EventStore, Ledger, ManifestSource, Plan};
use crate::files::{self, AtomicFile, Evidence, OutputPath, SourcePath, TempDir};
use crate::nn::Device;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

const ABOUT: &str = "baseline.json";
const FORMAT: u32 = 1;
/// Files of one archive.
const FILES: usize = 200;
/// Bytes of all its files together.
const BYTES: u64 = 2 << 30;
/// Computers that must have been seen: what one alone has shown may not leave.
const COMPUTERS: usize = 2;

/// Where a saved baseline comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Version of the archive's layout.
    pub format: u32,
    /// Version of residue that wrote it.
    pub residue: String,
    /// What it is made of, in its maker's words.
    pub description: String,
    /// How many computers it has seen.
    pub computers: usize,
    /// How many events.
    pub events: u64,
    /// Events by channel.
    pub channels: BTreeMap<String, u64>,
    /// Detectors that learned.
    pub detectors: Vec<DetectorId>,
}

/// A saved baseline, unpacked for as long as it is needed.
pub(super) struct Unpacked {
    pub(super) about: About,
    pub(super) sha256: String,
    folder: TempDir,
}

impl Unpacked {
    /// The folder of a detector's model, where it has one.
    pub(super) fn model(&self, detector: DetectorId) -> Option<PathBuf> {
        Some(self.folder.path().join(detector.name())).filter(|folder| folder.is_dir())
    }

    /// What the manifest says of it.
    pub(super) fn manifest(&self, path: &Path) -> ManifestSource {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        ManifestSource { source_file: name, sha256: self.sha256.clone(), format: "saved baseline".into(), events: self.about.events }
    }
}

/// Whether a path is a saved baseline, whole or not, by how it begins: an archive whose first file is the description.
#[must_use]
pub fn is_baseline_file(path: &Path) -> bool {
    const NAME_AT: usize = 30;
    let mut head = [0; NAME_AT + ABOUT.len()];
    let read = path.is_file() && File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok();
    read && head.starts_with(b"PK\x03\x04") && head.ends_with(ABOUT.as_bytes())
}

/// Learns from known-good evidence and writes what was learned. Says what the file holds.
///
/// # Errors
/// When the evidence cannot be read, is of one computer alone, teaches no detector, the file cannot be written, or the job is cancelled.
pub fn save_baseline(plan: &Plan, description: &str, out: &Path, control: &Control) -> Result<About, RunError> {
    let baselines = Baselines::open(plan, &Evidence::default(), control)?;
    let out = &OutputPath::new(out, &baselines.guard(Evidence::default(), plan))?;
    if baselines.saved.is_some() {
        return Err(RunError::failed("a saved baseline cannot be made from another one; name the evidence it was made from"));
    }
    let stores: Vec<&dyn EventStore> = baselines.stores.iter().map(AsRef::as_ref).collect();
    let mut about = About {
        format: FORMAT,
        residue: env!("CARGO_PKG_VERSION").into(),
        description: description.into(),
        computers: 0,
        events: 0,
        channels: BTreeMap::new(),
        detectors: vec![],
    };
    let mut computers = BTreeSet::new();
    for (computer, channel, events) in stores.iter().flat_map(|s| s.sources()).flat_map(|s| &s.seen) {
        computers.insert(computer.split('.').next().unwrap_or(computer).to_lowercase());
        *about.channels.entry(channel.clone()).or_default() += events;
        about.events += events;
    }
    about.computers = computers.len();
    if about.computers < COMPUTERS {
        return Err(RunError::failed(format!(
            "a saved baseline needs evidence of at least {COMPUTERS} computers, because what one alone has shown stays behind (found {}); use the evidence itself with --baseline",
            about.computers
        )));
    }
    let folder = files::private_folder(None, "residue-", "").context("cannot make a temporary folder")?;
    let device = Device::choose(plan.compute);
    let plan = Plan { save_shared_only: true, ..plan.clone() };
    for detector in registry().into_iter().filter(|d| matches!(d.id(), DetectorId::Groups | DetectorId::Chains | DetectorId::Fields)) {
        // A detector learns from baselines while it scores something: the smallest of them will do.
        let Some(case) = stores.iter().filter(|s| detector.applies(**s).is_ok()).min_by_key(|s| s.events()) else { continue };
        let model = folder.path().join(detector.id().name());
        let input = Input { case: *case, baseline: &stores, plan: &plan, device: &device, model: None, save_model: Some(&model), control };
        detector.run(&input, &mut |_| {})?;
        if model.is_dir() {
            about.detectors.push(detector.id());
        }
    }
    if about.detectors.is_empty() {
        return Err(RunError::failed("no detector could learn from this evidence: it holds neither process creations nor Windows events"));
    }
    pack(folder.path(), &about, out)?;
    Ok(about)
}

fn pack(folder: &Path, about: &About, out: &OutputPath) -> Result<(), RunError> {
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for detector in &about.detectors {
        for entry in std::fs::read_dir(folder.join(detector.name()))? {
            let path = entry?.path();
            if path.is_file() {
                files.push((format!("{}/{}", detector.name(), path.file_name().unwrap_or_default().to_string_lossy()), path));
            }
        }
    }
    files.sort();
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let failed = |e: &dyn std::fmt::Display| RunError::failed(format!("the baseline cannot be packed: {e}"));
    zip.start_file(ABOUT, options).map_err(|e| failed(&e))?;
    serde_json::to_writer_pretty(&mut zip, about).map_err(|e| failed(&e))?;
    for (name, path) in files {
        zip.start_file(name, options).map_err(|e| failed(&e))?;
        std::io::copy(&mut File::open(path)?, &mut zip)?;
    }
    let bytes = zip.finish().map_err(|e| failed(&e))?.into_inner();
    let mut file = AtomicFile::create(out)?;
    file.write_all(&bytes).with_context(|| format!("cannot write {}", out.display()))?;
    Ok(file.finish()?)
}

/// The files of an archive, whatever wrote it: names that could lead out of a folder, and more bytes than such a file holds, are refused.
fn members(path: &Path, each: &mut dyn FnMut(&str, &mut dyn Read) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut archive = ZipArchive::new(File::open(path)?).context("not a saved baseline")?;
    anyhow::ensure!(archive.len() <= FILES, "{} files are more than a saved baseline holds", archive.len());
    let mut left = BYTES;
    for at in 0..archive.len() {
        let mut file = archive.by_index(at)?;
        let name = file.name()?.into_owned();
        let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        let known = name == ABOUT || name.split_once('/').is_some_and(|(d, f)| DetectorId::ALL.iter().any(|id| id.name() == d) && plain(f));
        anyhow::ensure!(known, "it holds a file that no saved baseline has: {}", name.escape_default());
        let mut limited = (&mut file).take(left + 1);
        each(&name, &mut limited)?;
        // What was not read does not count: a reader takes what it needs.
        left = limited.limit().checked_sub(1).context("its files are larger than those of a saved baseline")?;
    }
    Ok(())
}

/// Says where a saved baseline comes from.
fn about(bytes: &[u8]) -> anyhow::Result<About> {
    let about: About = serde_json::from_slice(bytes).context("its description cannot be read")?;
    anyhow::ensure!(about.format <= FORMAT, "it was written by a newer residue ({}); this one reads format {FORMAT}", about.residue);
    Ok(about)
}

/// Unpacks a saved baseline into a temporary folder.
///
/// # Errors
/// When it is none, damaged, or newer than this program.
pub(super) fn unpack(path: &Path) -> Result<Unpacked, RunError> {
    let read = || -> anyhow::Result<Unpacked> {
        let folder = files::private_folder(None, "residue-", "")?;
        let mut found = None;
        members(path, &mut |name, file| {
            if name == ABOUT {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                found = Some(about(&bytes)?);
                return Ok(());
            }
            let to = folder.path().join(name);
            std::fs::create_dir_all(to.parent().unwrap_or(folder.path()))?;
            std::io::copy(file, &mut File::create_new(to)?)?;
            Ok(())
        })?;
        let sha256 = crate::ingest::sha256_of(&SourcePath::of_file(path), &Control::silent())?;
        Ok(Unpacked { about: found.context("it says nothing of where it comes from")?, sha256, folder })
    };
    Ok(read().with_context(|| format!("the saved baseline cannot be used: {}", path.display()))?)
}

/// All that leaves in a saved baseline: every text in it, file by file; of tokens that stayed behind and of numbers, how many there are.
///
/// # Errors
/// When it is none, or damaged.
pub fn list_baseline(path: &Path, out: &mut dyn Write) -> Result<(), RunError> {
    let mut list = || -> anyhow::Result<()> {
        members(path, &mut |name, file| {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let Ok(value) = serde_json::from_slice::<serde_json::Value>(&bytes) else {
                writeln!(out, "{name}: {} bytes of network weights", bytes.len())?;
                return Ok(());
            };
            let mut told = Told::default();
            told.walk(&value);
            writeln!(out, "{name}: {} texts, {} that stayed behind, {} numbers", told.texts.len(), told.private, told.numbers)?;
            for text in told.texts {
                writeln!(out, "    {}", text.escape_debug())?;
            }
            Ok(())
        })
    };
    Ok(list().with_context(|| format!("the saved baseline cannot be read: {}", path.display()))?)
}

#[derive(Default)]
struct Told {
    texts: BTreeSet<String>,
    private: usize,
    numbers: usize,
}

impl Told {
    fn walk(&mut self, value: &serde_json::Value) {
        match value {
            serde_json::Value::String(text) if crate::detect::is_private(text) => self.private += 1,
            serde_json::Value::String(text) => drop(self.texts.insert(text.clone())),
            serde_json::Value::Number(_) => self.numbers += 1,
            serde_json::Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    if crate::detect::is_private(key) {
                        self.private += 1;
                    } else {
                        self.texts.insert(key.clone());
                    }
                    self.walk(value);
                }
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) => {}
        }
    }
}

/// What a case holds that the baseline knows nothing of, in words; `None` when it knows every channel.
pub(super) fn difference(known: &BTreeSet<String>, case: &[Ledger]) -> Option<String> {
    const NAMED: usize = 4;
    let mut unknown: BTreeMap<&str, u64> = BTreeMap::new();
    let mut total = 0;
    for (_, channel, events) in case.iter().flat_map(|s| &s.seen).filter(|(_, channel, _)| !channel.is_empty()) {
        total += events;
        if !known.contains(&channel.to_lowercase()) {
            *unknown.entry(channel).or_default() += events;
        }
    }
    let events: u64 = unknown.values().sum();
    if events == 0 {
        return None;
    }
    let mut largest: Vec<(&str, u64)> = unknown.iter().map(|(c, n)| (*c, *n)).collect();
    largest.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let named: Vec<String> = largest.iter().take(NAMED).map(|(channel, n)| format!("{channel} ({n})")).collect();
    let more = if largest.len() > NAMED { format!(" and {} more", largest.len() - NAMED) } else { String::new() };
    Some(format!(
        "the baseline has not seen {} of the case's channels, {events} of {total} events: {}{more}; what they hold is learned from the case itself",
        largest.len(),
        named.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_that_the_baseline_lacks_are_named_largest_first() {
        let case =
            [Ledger { seen: vec![("a".into(), "Security".into(), 10), ("a".into(), "Odd".into(), 3), ("b".into(), "Rare".into(), 7)], ..Ledger::default() }];
        let known = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(difference(&known(&["security", "odd", "rare"]), &case), None);
        let said = difference(&known(&["security"]), &case).unwrap();
        assert!(said.contains("2 of the case's channels, 10 of 20 events: Rare (7), Odd (3);"), "{said}");
    }

    #[test]
    fn a_foreign_or_hostile_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.baseline");
        std::fs::write(&path, "no archive").unwrap();
        assert!(!is_baseline_file(&path) && unpack(&path).is_err());
        for name in ["../escape", "fields/../../escape", "/etc/passwd", "fields/a/b", "other/x", "fields/.hidden"] {
            let mut zip = ZipWriter::new(File::create(&path).unwrap());
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(b"x").unwrap();
            zip.finish().unwrap();
            let said = unpack(&path).err().unwrap().to_string();
            assert!(said.contains("no saved baseline has"), "{name}: {said}");
        }
    }
}
