//! The `published` preset: 27 flags a row; a sequence network predicts each row from the 50 before it, and what it misses is the loss.
//!
//! The original's network only ever saw symbolic input, so that it gave one constant vector, no value above .7311: that closed form, the distance
//! from the flags' means, is the first ranking, and the final one where the settings ask for it. Ours sees the rows, shifted by one as the text has
//! it; its last layer runs over the whole window, so that its sigmoid is not held below .7311. The window ends before the row's own moment: rows of
//! one second, and the times of one file, have no order to learn. One epoch of the original is some 20,000 windows here: fewer rows are seen several
//! times, of more rows a sample, evenly spread.

use super::explain::shared;
use super::features::Features;
use super::knowledge::{Class, Knowledge};
use super::place::{Places, rooted};
use super::row::{ACCESSED, BORN, CHANGED, Entry, MODIFIED};
use super::table::{Row, Table};
use crate::control::RunError;
use crate::detect::Input;
use crate::domain::{Contribution, Detection, Explain, Stage, Subject};
use crate::nn::{NextConfig, NextRow, Rows, WindowFit};
use std::sync::Arc;

/// Number of flags.
const FLAGS: usize = 27;
/// Passes over few rows at most.
const MOST_EPOCHS: usize = 20;
/// Adam's rate: as published, and, because layers of this width with ReLU come to a halt at it more often than not, lower ones to begin anew with.
const RATES: [f32; 3] = [1e-3, 3e-4, 1e-4];
/// Windows that tell whether it learned.
const JUDGED: usize = 1000;
/// Rows that are further from their means than this are not nearly all alike.
const SAME: f64 = 1e-6;
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

/// Means of the flags.
fn means(rows: &[u32]) -> [f64; FLAGS] {
    let mut sums = [0.0; FLAGS];
    for row in rows {
        sums.iter_mut().enumerate().for_each(|(at, sum)| *sum += f64::from(row >> at & 1));
    }
    sums.map(|sum| sum / rows.len().max(1) as f64)
}

/// What the original's network gave for every row.
fn constant(rows: &[u32]) -> [f64; FLAGS] {
    means(rows).map(|mean| mean.min(CEILING))
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

/// The flags of all rows, for the network.
struct Flags<'a> {
    rows: &'a [u32],
    /// Of each, the first row of the same time.
    begins: Vec<usize>,
}

impl<'a> Flags<'a> {
    fn new(rows: &'a [u32], times: impl Iterator<Item = Option<i64>>) -> Self {
        let (mut begins, mut last) = (Vec::with_capacity(rows.len()), (None, 0));
        for (at, time) in times.enumerate() {
            if at == 0 || last.0 != time {
                last = (time, at);
            }
            begins.push(last.1);
        }
        Self { rows, begins }
    }
}

impl Rows for Flags<'_> {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn width(&self) -> usize {
        FLAGS
    }

    fn end(&self, row: usize) -> usize {
        self.begins.get(row).copied().unwrap_or(row)
    }

    fn write(&self, row: usize, into: &mut Vec<f32>) {
        let bits = self.rows.get(row).copied().unwrap_or(0);
        into.extend((0..FLAGS).map(|at| (bits >> at & 1) as f32));
    }
}

/// Runs the preset.
///
/// # Errors
/// The store cannot be read, or the job is cancelled.
pub(super) fn run(input: &Input<'_>, first: &mut dyn FnMut(Detection)) -> Result<Detection, RunError> {
    let (settings, knowledge) = (&input.plan.settings.timeline, Knowledge::standard());
    let mut table = Table::read(input.case, &[], input.control)?;
    let mut remarks = filter(&mut table, settings.min_inode, settings.journal_inode);
    if !input.baseline.is_empty() {
        remarks.push("published: learns from the timeline itself; the baseline is not used".into());
    }
    input.control.check()?;
    // The flags are of the row's own file: what an event's text names is none.
    let own = |row: &Row| if row.event { "" } else { table.paths.name(row.object) };
    let rows: Vec<u32> = table.rows.iter().map(|row| flags(row, table.kinds.name(row.kind), own(row), &knowledge)).collect();
    let constant = constant(&rows);
    let features = Features::new(&table, &Places::new(&table.paths, &knowledge), input.control)?;
    let mut subjects = table.subjects();
    for (index, (subject, row)) in subjects.iter_mut().zip(&rows).enumerate() {
        let loss = loss(*row, &constant);
        (subject.loss, subject.score, subject.rarity) = (Some(loss), loss, Some(features.rarity(index)));
    }
    let closed = Arc::new(Explanation { rows, constant, predicted: Vec::new(), moments: Vec::new() });
    let alike = closed.rows.windows(2).all(|pair| pair[0] == pair[1]);
    if settings.closed_form || alike {
        remarks.push("published: the distance from the mean of 27 flags, which is what the original network computed".into());
        if alike && !subjects.is_empty() {
            let text = "published: all rows have the same of its 27 flags, which tell files apart and not events, so that none ranks above another; use the recommended preset";
            input.control.warn(text);
            remarks.push(text.into());
        }
        return Ok(Detection { subjects, explain: closed, model_id: String::new(), stage: Stage::Final, remarks, trials: None });
    }
    first(Detection {
        subjects: subjects.clone(),
        explain: closed.clone(),
        model_id: String::new(),
        stage: Stage::First,
        remarks: remarks.clone(),
        trials: None,
    });
    let flags = Flags::new(&closed.rows, table.own().iter().map(|row| row.time));
    network(input, &flags, &closed, subjects, remarks)
}

/// Leaves rows of low inodes and of the change journal out, as published; says how many.
fn filter(table: &mut Table, lowest: u64, journal: u64) -> Vec<String> {
    let found = || {
        let named = |row: &&Row| row.inode.is_some() && rooted(table.paths.name(row.object)).ends_with("\\$usnjrnl");
        table.rows.iter().find(named).and_then(|row| row.inode)
    };
    let journal = if journal == 0 { found() } else { Some(journal) };
    let before = table.rows.len();
    table.rows.retain(|row| row.inode.is_none_or(|inode| inode >= lowest && Some(inode) != journal));
    let dropped = before - table.rows.len();
    let of = journal.map_or_else(String::new, |inode| format!(" or of the change journal ({inode})"));
    if dropped == 0 {
        Vec::new()
    } else {
        vec![format!("{dropped} rows with an inode below {lowest}{of} were left out, as published (settings min_inode, journal_inode)")]
    }
}

/// Trains the sequence network and puts its losses in the place of the closed form's.
fn network(input: &Input<'_>, flags: &Flags<'_>, closed: &Explanation, mut subjects: Vec<Subject>, mut remarks: Vec<String>) -> Result<Detection, RunError> {
    let network = learned(input, flags, closed, &mut remarks)?;
    // Rows of one moment have the same rows before them.
    let mut moments = flags.begins.clone();
    moments.dedup();
    let predicted = network.predict(flags, &moments, input.control)?;
    let moment = |begin: &usize| moments.partition_point(|moment| moment < begin);
    let moments = flags.begins.iter().map(moment).collect();
    let explain = Explanation { rows: closed.rows.clone(), constant: closed.constant, predicted, moments };
    for (index, subject) in subjects.iter_mut().enumerate() {
        let loss = explain.errors(index).iter().sum::<f64>() / FLAGS as f64;
        (subject.loss, subject.score) = (Some(loss), loss);
    }
    Ok(Detection { subjects, explain: Arc::new(explain), model_id: network.id(), stage: Stage::Final, remarks, trials: None })
}

/// The network at the highest rate at which it learns more than the flags' means.
fn learned(input: &Input<'_>, flags: &Flags<'_>, closed: &Explanation, remarks: &mut Vec<String>) -> Result<NextRow, RunError> {
    let settings = &input.plan.settings.timeline;
    let (count, most, units) = (flags.count(), settings.windows.max(1), settings.units.max(2));
    let windows: Vec<usize> =
        if count > most { (0..most).map(|at| (at as u128 * count as u128 / most as u128) as usize).collect() } else { (0..count).collect() };
    let epochs = most.div_ceil(windows.len().max(1)).min(MOST_EPOCHS);
    let config = NextConfig { width: FLAGS, window: settings.window.max(1), units: vec![units, units, units / 2, units / 2, units] };
    let mut network = NextRow::new(&config, input.plan.seed);
    let mut say = |text: String| {
        input.control.info(text.clone());
        remarks.push(text);
    };
    say(format!(
        "timeline, sequence network: {} parameters learn from {} of {count} windows of {} rows, {epochs} times; on two cores that takes minutes (settings units and windows)",
        network.parameters(),
        windows.len(),
        config.window
    ));
    // Judged by a few of the windows once it has learned: the loss of an epoch has its beginning in it.
    let judged: Vec<usize> = windows.iter().copied().step_by(windows.len().div_ceil(JUDGED).max(1)).collect();
    let lost = |expected: &dyn Fn(usize) -> [f64; FLAGS]| {
        let of = |(at, row): (usize, &usize)| closed.rows.get(*row).map_or(0.0, |row| loss(*row, &expected(at)));
        judged.iter().enumerate().map(of).sum::<f64>() / judged.len().max(1) as f64
    };
    let means = means(&closed.rows);
    let idle = lost(&|_| means);
    for (at, rate) in RATES.into_iter().enumerate() {
        if at > 0 {
            network = NextRow::new(&config, input.plan.seed);
        }
        let fit = WindowFit { name: "timeline, sequence network".into(), epochs, batch: 32, rate, seed: input.plan.seed };
        network.fit(flags, &windows, &fit, input.control)?;
        let predicted = network.predict(flags, &judged, input.control)?;
        let reached = lost(&|at| std::array::from_fn(|flag| predicted.get(at * FLAGS + flag).map_or(f64::NAN, |p| f64::from(*p))));
        // Where nearly all rows are alike there is nothing to learn beyond the means.
        if reached < idle || idle < SAME {
            break;
        }
        let next = RATES.get(at + 1).map_or_else(|| "that stands".to_owned(), |next| format!("it begins anew at {next}"));
        say(format!("timeline, sequence network: at a rate of {rate} it learned less than the flags' means say (loss {reached:.3}, means {idle:.3}); {next}"));
    }
    Ok(network)
}

/// What was expected of each row: the network's predictions, or, where there are none, the same of all.
struct Explanation {
    rows: Vec<u32>,
    constant: [f64; FLAGS],
    /// Of each moment.
    predicted: Vec<f32>,
    /// Of each row.
    moments: Vec<usize>,
}

impl Explanation {
    fn expected(&self, index: usize) -> [f64; FLAGS] {
        let own = self.moments.get(index).and_then(|moment| self.predicted.get(moment * FLAGS..(moment + 1) * FLAGS));
        own.map_or(self.constant, |own| std::array::from_fn(|at| own.get(at).map_or(0.0, |p| f64::from(*p))))
    }

    fn errors(&self, index: usize) -> [f64; FLAGS] {
        errors(self.rows.get(index).copied().unwrap_or(0), &self.expected(index))
    }
}

impl Explain for Explanation {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        let Some(row) = self.rows.get(index) else { return Vec::new() };
        let expected = self.expected(index);
        let of = |(at, error): (usize, f64)| {
            let (observed, expected) = (format!("{}", row >> at & 1), format!("{:.2}", expected[at]));
            (error, Contribution { name: NAMES[at].into(), share: 0.0, observed, expected })
        };
        shared(self.errors(index).into_iter().enumerate().map(of).collect())
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
    fn rows_of_one_moment_foretell_nothing_of_each_other() {
        let rows = [0; 6];
        let flags = Flags::new(&rows, [None, None, Some(5), Some(7), Some(7), Some(7)].into_iter());
        assert_eq!((0..6).map(|row| flags.end(row)).collect::<Vec<_>>(), [0, 0, 2, 3, 3, 3]);
    }

    #[test]
    fn places_and_kinds_become_flags() {
        let row = Row { macb: MODIFIED | BORN, entry: Entry::File, allocated: Some(false), ..Row::default() };
        let bits = flags(&row, "mft NTFS file stat $FILE_NAME", r"\Users\a\AppData\x.ps1", &Knowledge::standard());
        let names: Vec<&str> = (0..FLAGS).filter(|at| bits >> at & 1 == 1).map(|at| NAMES[at]).collect();
        assert_eq!(names, ["M", "B", "NTFS_file_stat", "file", "dir_appdata", "file_ps", "mft", "is_allocated0"]);
    }
}
