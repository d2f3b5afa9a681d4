//! Sorted runs of lines on disk, and their merging into one file.

use super::super::host::Label;
use super::super::output::judge;
use super::{Format, Line, heading, name};
use crate::control::{Control, RunError};
use anyhow::{Context, Result};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Lines in order of time, in a file that vanishes when dropped.
pub(in crate::synth) struct Run(crate::files::NamedTempFile);

impl Run {
    pub(super) fn write(folder: &Path, lines: &[Line]) -> Result<Self> {
        let mut file = crate::files::private_in(folder, ".residue-", ".run")?;
        let mut out = BufWriter::with_capacity(1 << 18, file.as_file_mut());
        for line in lines {
            out.write_all(&line.time.to_le_bytes())?;
            out.write_all(&[line.label as u8])?;
            out.write_all(&(line.text.len() as u32).to_le_bytes())?;
            out.write_all(line.text.as_bytes())?;
        }
        out.flush()?;
        drop(out);
        Ok(Self(file))
    }
}

/// The next line of a run.
struct Head {
    time: i64,
    label: Label,
    text: Vec<u8>,
}

fn next(run: &mut impl Read) -> std::io::Result<Option<Head>> {
    let mut head = [0; 13];
    match run.read_exact(&mut head) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let [a, b, c, d, e, f, g, h, label, i, j, k, l] = head;
    let mut text = vec![0; u32::from_le_bytes([i, j, k, l]) as usize];
    run.read_exact(&mut text)?;
    let label = [Label::Ordinary, Label::Attack, Label::Ignore][usize::from(label.min(2))];
    Ok(Some(Head { time: i64::from_le_bytes([a, b, c, d, e, f, g, h]), label, text }))
}

/// Merges the hosts' runs into the format's file in `folder`, appends what truth says of its lines, and returns lines and bytes.
pub(in crate::synth) fn merge(folder: &Path, format: Format, runs: Vec<Run>, truth: &mut String, control: &Control) -> Result<(u64, u64), RunError> {
    let name = name(format, None);
    let mut temporary = crate::files::part(folder, ".residue-", ".part")?;
    let mut out = BufWriter::with_capacity(1 << 20, temporary.as_file_mut());
    out.write_all(heading(format).as_bytes())?;
    let mut readers = Vec::new();
    let mut heads = Vec::new();
    let mut queue = BinaryHeap::new();
    for (index, mut run) in runs.into_iter().enumerate() {
        run.0.as_file_mut().seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(1 << 16, run.0);
        let head = next(&mut reader)?;
        queue.extend(head.as_ref().map(|head| Reverse((head.time, index))));
        readers.push(reader);
        heads.push(head);
    }
    let mut rows = 0;
    while let Some(Reverse((_, index))) = queue.pop() {
        let Some(head) = std::mem::replace(&mut heads[index], next(&mut readers[index])?) else { continue };
        queue.extend(heads[index].as_ref().map(|head| Reverse((head.time, index))));
        out.write_all(&head.text)?;
        rows += 1;
        judge(truth, &name, rows, head.label);
        if rows.is_multiple_of(100_000) {
            control.check()?;
            control.progress("merging", &name, rows, None, "rows");
        }
    }
    out.flush()?;
    drop(out);
    let bytes = temporary.as_file().metadata()?.len();
    temporary.persist(folder.join(&name)).with_context(|| format!("cannot finish {name}"))?;
    Ok((rows, bytes))
}
