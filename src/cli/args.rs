//! The command line's grammar.

use crate::domain::{Compute, DetectorId, Preset, RankBy, Threshold};
use crate::engine::Part;
use crate::export::Format;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Learns on this machine what is ordinary in EVTX logs and timelines, and ranks what is left over.
#[derive(Debug, Parser)]
#[command(name = "residue", version, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(super) struct Cli {
    /// Evidence or a case to open in the window.
    pub(super) paths: Vec<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Opens the window on the built-in demo case; without a display, triages it on the terminal.
    Demo(DemoArgs),
    /// Reads evidence, learns it, and writes rankings.
    Triage(Box<TriageArgs>),
    /// Says what each source is and what was read of it.
    Inspect(InspectArgs),
    /// Writes the normalised events as Parquet, CSV or JSON lines.
    Convert(ConvertArgs),
    /// Learns from known-good evidence and saves what was learned in one file, without the evidence; or lists all that such a file holds.
    Baseline(BaselineArgs),
    /// Writes the rankings that a case holds: CSV, JSONL, Parquet, XLSX, or a one-page HTML report.
    Export(ExportArgs),
    /// Hashes the evidence of a case again and says what is not as it was read.
    Verify(VerifyArgs),
    /// Adds flags, tags and notes of an exported ranking to a case.
    Import(ImportArgs),
    /// Prints the audit trail of a case: who did what, when; what was before and after.
    Audit(AuditArgs),
    /// Measures a ranking against ground truth.
    Evaluate(EvaluateArgs),
    /// Writes a synthetic estate with a planted intrusion and its truth.
    Synth(SynthArgs),
    /// Prints every setting of every detector with its default.
    Config,
    /// Prints versions, adapters, the chosen device and what dialogs are there.
    Doctor,
}

impl Command {
    /// Its name, for the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Demo(_) => "demo",
            Self::Triage(_) => "triage",
            Self::Inspect(_) => "inspect",
            Self::Convert(_) => "convert",
            Self::Baseline(_) => "baseline",
            Self::Export(_) => "export",
            Self::Verify(_) => "verify",
            Self::Import(_) => "import",
            Self::Audit(_) => "audit",
            Self::Evaluate(_) => "evaluate",
            Self::Synth(_) => "synth",
            Self::Config => "config",
            Self::Doctor => "doctor",
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Work on the terminal even where there is a display.
    #[arg(long)]
    pub(super) headless: bool,
    /// How to show progress.
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: ProgressMode,
}

#[derive(Debug, Args)]
pub(super) struct TriageArgs {
    /// Evidence files and folders, or one case.
    #[arg(required = true)]
    pub(super) paths: Vec<PathBuf>,
    /// Folder for the results; made if missing, refused when not empty.
    #[arg(long)]
    pub(super) out: PathBuf,
    /// Keep the case, with its rankings, in this new folder (NAME.residue).
    #[arg(long)]
    pub(super) save_case: Option<PathBuf>,
    /// Use the folder even when it is not empty.
    #[arg(long)]
    pub(super) force: bool,
    /// Detectors to run [default: all that apply].
    #[arg(long = "detector", value_delimiter = ',', value_parser = detector)]
    pub(super) detectors: Vec<DetectorId>,
    /// Our best (`recommended`) or as its authors described it (`published`).
    #[arg(long, value_parser = preset, default_value = "recommended")]
    pub(super) preset: Preset,
    /// Known-good evidence or case to learn from (repeatable).
    #[arg(long)]
    pub(super) baseline: Vec<PathBuf>,
    /// Truth file whose attack and ignore subjects are kept out of the baseline (repeatable; for evaluation).
    #[arg(long)]
    pub(super) baseline_truth: Vec<PathBuf>,
    /// Labels for the process classifier, as CSV.
    #[arg(long)]
    pub(super) labels: Option<PathBuf>,
    /// Score with the models saved in this folder.
    #[arg(long)]
    pub(super) model: Option<PathBuf>,
    /// Save the trained models into this folder.
    #[arg(long)]
    pub(super) save_model: Option<PathBuf>,
    /// Settings, as printed by `residue config`.
    #[arg(long)]
    pub(super) config: Option<PathBuf>,
    /// What ranks: `recommended`, `loss` or `rarity` [default: recommended; with --preset published its loss].
    #[arg(long, value_parser = rank_by)]
    pub(super) rank_by: Option<RankBy>,
    /// Where *above* begins: a quantile such as q0.99, or a number in units of what ranks.
    #[arg(long, default_value = "q0.99", allow_hyphen_values = true)]
    pub(super) threshold: Threshold,
    /// Seeds every random draw.
    #[arg(long, default_value_t = 42)]
    pub(super) seed: u64,
    /// Which device trains.
    #[arg(long, value_parser = compute, default_value = "auto")]
    pub(super) compute: Compute,
    /// Zone of time stamps that do not say theirs [default: UTC].
    #[arg(long)]
    pub(super) time_zone: Option<String>,
    /// Suppression file: what it calls ordinary is left out of the rankings and counted in the manifest (repeatable).
    #[arg(long)]
    pub(super) suppress: Vec<PathBuf>,
    /// Column mappings for tables whose format is not known: TOML such as `time = "when"`, `message = ["what", "why"]`, `computer = "host"`;
    /// also user, channel, provider, event_id, level, image (a path), command_line. With `columns = ["when", "what"]` it serves every table that has
    /// these columns; several mappings stand under `[[format]]` each.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(super) map: Option<PathBuf>,
    /// Leave the knowledge tables out of the recommended score.
    #[arg(long)]
    pub(super) no_prior: bool,
    /// Only events at or after this time (ISO 8601, UTC unless it says otherwise).
    #[arg(long, value_parser = time)]
    pub(super) from: Option<i64>,
    /// Only events at or before this time.
    #[arg(long, value_parser = time)]
    pub(super) to: Option<i64>,
    /// Events before this time are known-good: learned from, not scored.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) known_good_before: Option<i64>,
    /// Only events of this computer (repeatable).
    #[arg(long)]
    pub(super) host: Vec<String>,
    /// How to show progress.
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: ProgressMode,
}

#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// Evidence files and folders.
    #[arg(required = true)]
    pub(super) paths: Vec<PathBuf>,
    /// Print the ledger as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Print what the logs cover instead: from when to when, missing record IDs, clears, creations without command lines.
    #[arg(long, conflicts_with = "json")]
    pub(super) coverage: bool,
    /// Zone of time stamps that do not say theirs [default: UTC].
    #[arg(long)]
    pub(super) time_zone: Option<String>,
    /// Column mappings for tables whose format is not known: TOML such as `time = "when"`, `message = ["what", "why"]`, `computer = "host"`;
    /// also user, channel, provider, event_id, level, image (a path), command_line. With `columns = ["when", "what"]` it serves every table that has
    /// these columns; several mappings stand under `[[format]]` each.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(super) map: Option<PathBuf>,
    /// How to show progress.
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: ProgressMode,
}

#[derive(Debug, Args)]
pub(super) struct ConvertArgs {
    /// Evidence files and folders, or one case.
    #[arg(required = true)]
    pub(super) paths: Vec<PathBuf>,
    /// The file to write; its ending (.parquet, .csv, .jsonl) names the format.
    #[arg(long)]
    pub(super) out: PathBuf,
    /// Replace the file when it exists.
    #[arg(long)]
    pub(super) force: bool,
    /// Zone of time stamps that do not say theirs [default: UTC].
    #[arg(long)]
    pub(super) time_zone: Option<String>,
    /// Column mappings for tables whose format is not known: TOML such as `time = "when"`, `message = ["what", "why"]`, `computer = "host"`;
    /// also user, channel, provider, event_id, level, image (a path), command_line. With `columns = ["when", "what"]` it serves every table that has
    /// these columns; several mappings stand under `[[format]]` each.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(super) map: Option<PathBuf>,
    /// How to show progress.
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: ProgressMode,
}

#[derive(Debug, Args)]
pub(super) struct BaselineArgs {
    /// Known-good evidence of at least two computers, or cases; with --list a saved baseline.
    #[arg(required = true)]
    pub(super) paths: Vec<PathBuf>,
    /// The file to write.
    #[arg(long, required_unless_present = "list")]
    pub(super) out: Option<PathBuf>,
    /// Print all that leaves in a saved baseline.
    #[arg(long, conflicts_with = "out")]
    pub(super) list: bool,
    /// Replace the file when it exists.
    #[arg(long)]
    pub(super) force: bool,
    /// Where it comes from, in a sentence.
    #[arg(long, default_value = "")]
    pub(super) description: String,
    /// Truth file whose attack and ignore subjects are kept out (repeatable; for evaluation).
    #[arg(long)]
    pub(super) truth: Vec<PathBuf>,
    /// Settings, as printed by `residue config`.
    #[arg(long)]
    pub(super) config: Option<PathBuf>,
    /// Seeds every random draw.
    #[arg(long, default_value_t = 42)]
    pub(super) seed: u64,
    /// Which device trains.
    #[arg(long, value_parser = compute, default_value = "auto")]
    pub(super) compute: Compute,
    /// How to show progress.
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: ProgressMode,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The case.
    pub(super) case: PathBuf,
    /// The file to write; its ending names the format unless --format does.
    #[arg(long)]
    pub(super) out: PathBuf,
    /// Replace the file when it exists.
    #[arg(long)]
    pub(super) force: bool,
    /// html, xlsx, parquet, csv or jsonl [default: the ending of --out].
    #[arg(long, value_parser = format)]
    pub(super) format: Option<Format>,
    /// Which rows: flagged, above or all.
    #[arg(long, value_parser = part, default_value = "flagged")]
    pub(super) which: Part,
    /// Write single events of all methods as one list, in the order of the leads' scores (CSV or JSONL).
    #[arg(long, conflicts_with = "which")]
    pub(super) combined: bool,
    /// Rankings to write [default: all; CSV, JSONL and Parquet hold one].
    #[arg(long = "detector", value_delimiter = ',', value_parser = detector)]
    pub(super) detectors: Vec<DetectorId>,
    /// How to show progress.
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: ProgressMode,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The case.
    pub(super) case: PathBuf,
    /// How to show progress.
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: ProgressMode,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The case.
    pub(super) case: PathBuf,
    /// Rankings exported as CSV or JSONL.
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
    /// How to show progress.
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: ProgressMode,
}

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// The case.
    pub(super) case: PathBuf,
    /// Print as JSON lines.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct EvaluateArgs {
    /// A ranking as JSON lines.
    pub(super) ranking: PathBuf,
    /// Truth as JSON lines (repeatable).
    #[arg(long, required = true)]
    pub(super) truth: Vec<PathBuf>,
    /// The value to rank by [default: the ranking's own score].
    #[arg(long, value_enum, default_value_t)]
    pub(super) by: By,
    /// What is counted: subjects, paths scored by their worst subject, or leads (of `leads.jsonl`).
    #[arg(long, value_enum, default_value_t)]
    pub(super) unit: Unit,
    /// Print as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct SynthArgs {
    /// Folder to write; made if missing, refused when not empty.
    #[arg(long)]
    pub(super) out: PathBuf,
    /// About how many events.
    #[arg(long, default_value_t = 20_000)]
    pub(super) events: u64,
    /// Same seed and size, same bytes.
    #[arg(long, default_value_t = 42)]
    pub(super) seed: u64,
    /// What to write: evtx, l2tcsv, dynamic, bodyfile, mftecmd, jsonl.
    #[arg(long, value_delimiter = ',', default_value = "evtx")]
    pub(super) format: Vec<String>,
    /// Plant no intrusion: everything is ordinary.
    #[arg(long)]
    pub(super) no_intrusion: bool,
    /// Use the folder even when it is not empty.
    #[arg(long)]
    pub(super) force: bool,
    /// How to show progress.
    #[arg(long, value_enum, default_value_t)]
    pub(super) progress: ProgressMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressMode {
    /// Bars on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// Plain lines.
    Plain,
    /// None.
    None,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    #[default]
    Score,
    Loss,
    Learned,
    Prior,
    Rarity,
}

impl By {
    /// The key in a ranking.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Loss => "loss",
            Self::Learned => "learned",
            Self::Prior => "prior",
            Self::Rarity => "rarity",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Unit {
    #[default]
    Subject,
    Path,
    /// Leads, from `leads.jsonl`.
    Lead,
}

/// How evidence is to be read.
macro_rules! reading {
    ($args:ty) => {
        impl $args {
            pub(super) fn reading(&self) -> crate::engine::ReadOptions {
                crate::engine::ReadOptions { zone: self.time_zone.clone(), map: self.map.clone() }
            }
        }
    };
}
reading!(TriageArgs);
reading!(InspectArgs);
reading!(ConvertArgs);

/// Reads one of the lower-case names that `serde` gives an enum's values.
fn named<T: serde::de::DeserializeOwned>(text: &str, names: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|_| format!("is none of {names}"))
}

fn format(text: &str) -> Result<Format, String> {
    Format::of(text).ok_or_else(|| format!("'{text}' is none of html, xlsx, parquet, csv, jsonl"))
}

fn part(text: &str) -> Result<Part, String> {
    match text {
        "flagged" => Ok(Part::Flagged),
        "above" => Ok(Part::Above),
        "all" => Ok(Part::All),
        _ => Err(format!("'{text}' is none of flagged, above, all")),
    }
}

fn detector(text: &str) -> Result<DetectorId, String> {
    named(text, "groups, chains, fields, process, timeline")
}

fn preset(text: &str) -> Result<Preset, String> {
    named(text, "recommended, published")
}

fn rank_by(text: &str) -> Result<RankBy, String> {
    named(text, "recommended, loss, rarity")
}

fn compute(text: &str) -> Result<Compute, String> {
    named(text, "auto, cpu, gpu")
}

fn time(text: &str) -> Result<i64, String> {
    crate::domain::time::parse(text).ok_or_else(|| "is no time such as 2026-01-31T12:00:00Z".into())
}
