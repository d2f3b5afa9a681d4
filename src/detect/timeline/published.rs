//! The `published` preset: 27 flags a row, and the distance from their means, which is what the published sequence network computed.
//!
//! The original's network only ever saw symbolic input, so that it gave one constant vector; a sigmoid of an LSTM's output cannot exceed .7311.

use super::explain::shared;
use super::knowledge::{Class, Knowledge};
use super::place::rooted;
use super::row::{ACCESSED, BORN, CHANGED, Entry, MODIFIED};
use super::table::{Row, Table};
use crate::control::RunError;
use crate::detect::Input;
use crate::domain::{Contribution, Detection, Explain, Stage};
use std::sync::Arc;

/// Number of flags.
const FLAGS: usize = 27;
/// The highest value of the published output: the sigmoid of 1.
const CEILING: f64 = 0.731_058_578_630_004_9;
const NAMES: [&str; FLAGS] = [
    "M",
    "A",
    "C",
    "B",
    "file_stat",
    "NTFS_file_stat",
    "file_entry_shell_item",
    "NTFS_USN_change",
    "file",
    "directory",
    "link",
    "dir_appdata",
    "dir_win",
    "dir_user",
    "dir_other",
    "file_executable",
    "file_graphic",
    "file_documents",
    "file_ps",
    "file_other",
    "mft",
    "lnk_shell_items",
    "olecf_automatic_destinations_lnk_shell_items",
    "winreg_bagmru_shell_items",
    "usnjrnl",
    "is_allocated1",
    "is_allocated0",
];

/// The flags as bits.
fn flags(row: &Row, kind: &str, path: &str, knowledge: &Knowledge) -> u32 {
    let (kind, path) = (kind.to_lowercase(), rooted(path));
    let name = path.rsplit('\\').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let shell_item = kind.contains("shell item") || kind.contains("shell_items");
    let script = matches!(extension, "ps1" | "psm1" | "psd1");
    let executable = matches!(extension, "exe" | "dll" | "sys" | "msi" | "com" | "scr" | "cpl" | "drv" | "ocx");
    let class = knowledge.class(extension);
    let (graphic, document) = (class == Class::Graphic, class == Class::Document);
    let data = path.contains("\\appdata\\") || path.contains("\\application data\\") || path.contains("\\local settings\\");
    let user = !data && (path.starts_with("\\users\\") || path.starts_with("\\documents and settings\\"));
    let windows = !data && !user && (path.starts_with("\\windows\\") || path.starts_with("\\winnt\\"));
    let ntfs = kind.contains("ntfs file stat");
    let set = [
        row.macb & MODIFIED != 0,
        row.macb & ACCESSED != 0,
        row.macb & CHANGED != 0,
        row.macb & BORN != 0,
        kind.contains("file stat") && !ntfs || kind.starts_with("bodyfile") || kind.starts_with("mactime"),
        ntfs || kind.starts_with("mftecmd"),
        kind.contains("file entry shell item"),
        kind.contains("usn change"),
        row.entry == Entry::File,
        row.entry == Entry::Directory,
        row.entry == Entry::Link,
        data,
        windows,
        user,
        !(data || windows || user),
        executable,
        graphic,
        document && !executable,
        script,
        !(executable || graphic || document || script),
        kind.starts_with("mft"),
        shell_item && kind.starts_with("lnk"),
        shell_item && kind.contains("automatic_destinations"),
        shell_item && kind.contains("bagmru"),
        kind.starts_with("usnjrnl"),
        row.allocated == Some(true),
        row.allocated == Some(false),
    ];
    set.iter().enumerate().fold(0, |bits, (at, set)| bits | u32::from(*set) << at)
}

/// Means of the flags, cut at the ceiling.
fn constant(rows: &[u32]) -> [f64; FLAGS] {
    let mut sums = [0.0; FLAGS];
    for row in rows {
        sums.iter_mut().enumerate().for_each(|(at, sum)| *sum += f64::from(row >> at & 1));
    }
    sums.map(|sum| (sum / rows.len().max(1) as f64).min(CEILING))
}

fn errors(row: u32, constant: &[f64; FLAGS]) -> [f64; FLAGS] {
    let mut out = [0.0; FLAGS];
    for (at, (out, c)) in out.iter_mut().zip(constant).enumerate() {
        *out = (f64::from(row >> at & 1) - c).powi(2);
    }
    out
}

fn loss(row: u32, constant: &[f64; FLAGS]) -> f64 {
    errors(row, constant).iter().sum::<f64>() / FLAGS as f64
}

/// Runs the preset.
///
/// # Errors
/// The store cannot be read, or the job is cancelled.
pub(super) fn run(input: &Input<'_>) -> Result<Detection, RunError> {
    let (lowest, knowledge) = (input.plan.settings.timeline.min_inode, Knowledge::standard());
    let mut table = Table::read(input.case, input.control)?;
    let before = table.rows.len();
    table.rows.retain(|row| row.inode.is_none_or(|inode| inode >= lowest));
    let dropped = before - table.rows.len();
    input.control.check()?;
    let rows: Vec<u32> = table.rows.iter().map(|row| flags(row, table.kinds.name(row.kind), table.paths.name(row.object), &knowledge)).collect();
    let constant = constant(&rows);
    let mut subjects = table.subjects();
    for (subject, row) in subjects.iter_mut().zip(&rows) {
        let loss = loss(*row, &constant);
        (subject.loss, subject.score) = (Some(loss), loss);
    }
    let mut remarks = vec![
        "published: the distance from the mean of 27 flags, which is what the published sequence network computed; the network itself is not trained"
            .to_owned(),
    ];
    if dropped > 0 {
        remarks.push(format!("{dropped} rows with an inode below {lowest} were left out, as published (setting min_inode)"));
    }
    Ok(Detection { subjects, explain: Arc::new(Explanation { rows, constant }), model_id: String::new(), stage: Stage::Final, remarks })
}

struct Explanation {
    rows: Vec<u32>,
    constant: [f64; FLAGS],
}

impl Explain for Explanation {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        let Some(row) = self.rows.get(index) else { return Vec::new() };
        let of = |(at, error): (usize, f64)| {
            let (observed, expected) = (format!("{}", row >> at & 1), format!("{:.2}", self.constant[at]));
            (error, Contribution { name: NAMES[at].into(), share: 0.0, observed, expected })
        };
        shared(errors(*row, &self.constant).into_iter().enumerate().map(of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_form_by_hand() {
        // Flag 0 in all four rows, flag 1 in one.
        let constant = constant(&[1, 1, 1, 3]);
        assert!((constant[0] - 0.731_058_578).abs() < 1e-8 && (constant[1] - 0.25).abs() < 1e-12 && constant[2] == 0.0);
        let base = (1.0 - CEILING).powi(2);
        assert!((loss(1, &constant) - (base + 0.0625) / 27.0).abs() < 1e-12);
        assert!((loss(3, &constant) - (base + 0.5625) / 27.0).abs() < 1e-12);
    }

    #[test]
    fn places_and_kinds_become_flags() {
        let row = Row { macb: MODIFIED | BORN, entry: Entry::File, allocated: Some(false), ..Row::default() };
        let bits = flags(&row, "mft NTFS file stat $FILE_NAME", r"\Users\a\AppData\x.ps1", &Knowledge::standard());
        let names: Vec<&str> = (0..FLAGS).filter(|at| bits >> at & 1 == 1).map(|at| NAMES[at]).collect();
        assert_eq!(names, ["M", "B", "NTFS_file_stat", "file", "dir_appdata", "file_ps", "mft", "is_allocated0"]);
    }
}
