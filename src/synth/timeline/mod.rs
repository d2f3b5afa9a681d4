//! The estate as timelines: what plaso and MFTECmd would make of its logs and of its file systems.
//!
//! Border: takes a host's finished rows; adds the files they speak of and the ordinary ones around them.
//! Per host and format a run of lines in order of time is kept in a temporary file; merging them gives one timeline of the estate, whatever its size.

mod files;
mod lines;
mod merge;

pub(super) use files::files;
pub(super) use merge::{Run, merge};

use super::Format;
use super::host::Label;
use super::output::Numbered;
use anyhow::{Context, Result};
use files::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// One line of a timeline.
pub(super) struct Line {
    pub(super) time: i64,
    pub(super) label: Label,
    pub(super) text: String,
}

/// A format's file in `DIR/timeline`; those of one file system carry the host's name.
pub(super) fn name(format: Format, host: Option<&str>) -> String {
    let host = host.unwrap_or("estate");
    match format {
        Format::Evtx => String::new(),
        Format::L2tCsv => format!("{host}_l2t.csv"),
        Format::Dynamic => format!("{host}_dynamic.csv"),
        Format::Jsonl => format!("{host}.jsonl"),
        Format::Bodyfile => format!("{host}.body"),
        Format::Mftecmd => format!("{host}_MFTECmd_$MFT_Output.csv"),
    }
}

/// Whether the format holds one file system rather than everything.
pub(super) fn per_host(format: Format) -> bool {
    matches!(format, Format::Bodyfile | Format::Mftecmd)
}

/// The first line of a format's file, line end included.
pub(super) fn heading(format: Format) -> &'static str {
    match format {
        Format::L2tCsv => "date,time,timezone,MACB,source,sourcetype,type,user,host,short,desc,version,filename,inode,notes,format,extra\n",
        Format::Dynamic => "datetime,timestamp_desc,source,source_long,message,parser,display_name,tag\n",
        Format::Mftecmd => {
            "\u{feff}EntryNumber,SequenceNumber,InUse,ParentEntryNumber,ParentSequenceNumber,ParentPath,FileName,Extension,FileSize,ReferenceCount,ReparseTarget,IsDirectory,HasAds,IsAds,SI<FN,uSecZeros,Copied,SiFlags,NameType,Created0x10,Created0x30,LastModified0x10,LastModified0x30,LastRecordChange0x10,LastRecordChange0x30,LastAccess0x10,LastAccess0x30,UpdateSequenceNumber,LogfileSequenceNumber,SecurityId,ObjectIdFileDroid,LoggedUtilStream,ZoneIdContents,SourceFile\r\n"
        }
        _ => "",
    }
}

/// One host's lines of a merged format, in order of time: its events, and its files up to `limit` lines where one is given.
/// The intrusion's lines are always among them.
pub(super) fn run(folder: &Path, format: Format, host: &super::estate::Host, rows: &[Numbered<'_>], files: &[File], limit: Option<usize>) -> Result<Run> {
    let mut lines: Vec<Line> = rows.iter().map(|row| lines::event(format, host, row)).collect();
    let mut spare = Vec::new();
    for file in files {
        let of_file = lines::file(format, host, file);
        if file.label == Label::Ordinary { spare.extend(of_file) } else { lines.extend(of_file) }
    }
    if let Some(limit) = limit {
        spare.truncate(limit.saturating_sub(lines.len()));
    }
    lines.extend(spare);
    lines.sort_by_key(|line| line.time);
    Run::write(folder, &lines)
}

/// Writes a host's file system in one of the formats that hold one, and appends what truth says of it.
pub(super) fn file_system(folder: &Path, format: Format, host: &super::estate::Host, files: &[File], truth: &mut String) -> Result<u64> {
    let name = name(format, Some(&host.name));
    let mut temporary = crate::files::part(folder, ".residue-", ".part")?;
    let mut out = BufWriter::new(temporary.as_file_mut());
    out.write_all(heading(format).as_bytes())?;
    for (index, file) in files.iter().enumerate() {
        out.write_all(lines::whole_file(format, file).as_bytes())?;
        super::output::judge(truth, &name, index as u64 + 1, file.label);
    }
    out.flush()?;
    drop(out);
    let bytes = temporary.as_file().metadata()?.len();
    temporary.persist(folder.join(&name)).with_context(|| format!("cannot finish {name}"))?;
    Ok(bytes)
}
