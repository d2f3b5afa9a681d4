//! `residue audit`: the audit trail of a case.

use super::args::AuditArgs;
use super::{Status, printable};
use crate::case::Case;
use crate::control::RunError;
use crate::domain::time;
use anyhow::Context;
use std::io::Write;

pub(super) fn run(args: &AuditArgs) -> Result<Status, RunError> {
    let case = Case::open(&args.case)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut failed = None;
    case.read_audit(&mut |line| {
        let text = if args.json {
            line.json().to_string()
        } else {
            let words = format!("{:>6}  {}  {}  {}  {}", line.id, time::iso(line.at), line.analyst, line.action, line.words());
            printable(&words.replace('\n', " "))
        };
        failed = writeln!(out, "{text}").err();
        failed.is_none()
    })?;
    failed.map_or_else(|| out.flush(), Err).context("cannot write to standard output")?;
    Ok(Status::Done)
}
