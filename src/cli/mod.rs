//! The headless front end: turns the command line into a plan, runs the engine, writes files, and answers with an exit status.
//!
//! Data goes to files or standard output, progress and notices to standard error. Exit status: 0 done; 1 done, but some evidence could not be
//! read whole; 2 failed or misused; 130 cancelled.

mod args;
mod audit;
mod baseline;
mod config;
mod convert;
mod demo;
mod doctor;
mod evaluate;
mod evaluate_leads;
mod export;
mod inspect;
mod progress;
mod synth;
mod triage;

use crate::case::Case;
use crate::control::{CancelToken, Control, RunError, panics};
use crate::files::{Evidence, OutputPath, remove_leftovers};
use anyhow::Context;
use args::{Cli, Command, ProgressMode};
use clap::Parser;
use progress::Terminal;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// How a command ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Done,
    Partial,
    Cancelled,
    /// What was asked for was not done, and notices have said why.
    Failed,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "done, some of it in part",
            Self::Cancelled => "cancelled",
            Self::Failed => "not done",
        }
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap writes help to standard output and mistakes to standard error; a closed stream has no reader to tell.
            drop(error.print());
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    crate::files::log::start();
    let begin = std::time::Instant::now();
    let command = cli.command.as_ref().map_or("window", Command::name);
    tracing::info!("residue {} on {} {}: {command}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    // A panic on this thread is a failure like any other: told in words, exit status 2.
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(cli)))
        .unwrap_or_else(|panic| Err(RunError::failed(panics::internal_error(panic.as_ref()))));
    let end = match &done {
        Ok(status) => status.word(),
        Err(RunError::Cancelled) => "cancelled",
        Err(RunError::Failed(_)) => "failed",
    };
    tracing::info!("{command} ended after {} ms: {end}", begin.elapsed().as_millis());
    match done {
        Ok(Status::Done) => ExitCode::SUCCESS,
        Ok(Status::Partial) => ExitCode::from(1),
        Ok(Status::Failed) => ExitCode::from(2),
        Ok(Status::Cancelled) | Err(RunError::Cancelled) => ExitCode::from(130),
        Err(RunError::Failed(error)) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "error: {}", printable(&error.to_string())));
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> Result<Status, RunError> {
    match cli.command {
        None => Ok(crate::ui::run(cli.paths, false).map(|()| Status::Done)?),
        Some(Command::Demo(args)) => demo::run(&args),
        Some(Command::Triage(args)) => triage::run(&args),
        Some(Command::Inspect(args)) => inspect::run(&args),
        Some(Command::Convert(args)) => convert::run(&args),
        Some(Command::Baseline(args)) => baseline::run(&args),
        Some(Command::Export(args)) => export::run(&args),
        Some(Command::Verify(args)) => export::verify(&args),
        Some(Command::Import(args)) => export::import(&args),
        Some(Command::Audit(args)) => audit::run(&args),
        Some(Command::Evaluate(args)) => evaluate::run(&args),
        Some(Command::Synth(args)) => synth::run(&args),
        Some(Command::Config) => print(&config::commented()),
        Some(Command::Doctor) => print(&doctor::report()),
    }
}

fn print(text: &str) -> Result<Status, RunError> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(Status::Done)
}

/// Whether somebody downstream (`| head`) has read enough.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|e| e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe))
}

/// Text from evidence without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// A terminal's control: its voice, and Ctrl-C as cancel (a second one ends the process at once).
fn control(mode: ProgressMode) -> (Control, Arc<Terminal>) {
    let cancel = CancelToken::default();
    let terminal = Arc::new(Terminal::new(mode));
    let token = cancel.clone();
    let handler = ctrlc::set_handler(move || {
        if token.is_cancelled() {
            std::process::exit(130);
        }
        token.cancel();
    });
    let control = Control { cancel, reporter: Arc::<Terminal>::clone(&terminal) };
    if handler.is_err() {
        control.info("Ctrl-C cannot be caught here: it ends Residue at once");
    }
    (control, terminal)
}

/// What was given to a command: a case, which is opened, or evidence.
struct Given {
    case: Option<Case>,
    evidence: Evidence,
}

impl Given {
    /// One case, or files and folders of evidence.
    fn open(paths: &[PathBuf]) -> Result<Self, RunError> {
        let case = match paths {
            [path] if Case::is_case(path) => Some(Case::open(path)?),
            _ => None,
        };
        let evidence = case.as_ref().map_or_else(|| Evidence::of(paths), Case::evidence);
        Ok(Self { case, evidence })
    }
}

/// A file to write: outside the evidence, and new or allowed by `--force`.
fn out_file(path: &Path, force: bool, evidence: &Evidence) -> Result<OutputPath, RunError> {
    let out = OutputPath::new(path, evidence)?;
    if path.exists() && !force {
        return Err(RunError::failed(format!("the output exists; choose another or add --force: {}", path.display())));
    }
    Ok(out)
}

/// Makes an output folder: outside the evidence, and new, empty, or allowed by `--force`; leftovers of killed runs in it are removed.
fn out_folder(path: &Path, force: bool, evidence: &Evidence) -> Result<OutputPath, RunError> {
    let out = OutputPath::new(path, evidence)?;
    out.make_folder(evidence)?;
    remove_leftovers(path)?;
    let occupied = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?.next().is_some();
    if occupied && !force {
        return Err(RunError::failed(format!("the output folder is not empty; choose another or add --force: {}", path.display())));
    }
    Ok(out)
}
