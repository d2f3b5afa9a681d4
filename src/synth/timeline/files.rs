//! The files of a host: those that its events speak of, the intrusion's with what it did to their times, and the ordinary ones around them.

use super::super::estate::{DAY, HOUR, SECOND, pick, random, word};
use super::super::host::{HostLog, Label, MadeEvent};
use super::super::shape::Field;
use super::super::words::seldom;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::collections::BTreeMap;

/// Times of a file, nanoseconds UTC: modified, accessed, changed, born.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::synth) struct Times {
    pub(in crate::synth) modified: i64,
    pub(in crate::synth) accessed: i64,
    pub(in crate::synth) changed: i64,
    pub(in crate::synth) born: i64,
}

impl Times {
    fn all(time: i64) -> Self {
        Self { modified: time, accessed: time, changed: time, born: time }
    }
}

/// An entry of the master file table.
#[derive(Clone, Debug)]
pub(in crate::synth) struct File {
    /// With the drive: `C:\Windows\...`.
    pub(in crate::synth) path: String,
    pub(in crate::synth) entry: u64,
    pub(in crate::synth) sequence: u16,
    pub(in crate::synth) parent: u64,
    pub(in crate::synth) size: u64,
    /// $STANDARD_INFORMATION.
    pub(in crate::synth) standard: Times,
    /// $FILE_NAME.
    pub(in crate::synth) name: Times,
    pub(in crate::synth) label: Label,
}

/// The files of a host, `ordinary` of them besides those that its events speak of, by entry number.
pub(in crate::synth) fn files(log: &HostLog<'_>, rows: &[MadeEvent], ordinary: usize) -> Vec<File> {
    let mut rng = random(log.estate.seed ^ u64::from(log.host.machine), 31);
    let mut table = Table { files: BTreeMap::new(), rng: &mut rng, next: 118_000 };
    let mut last_attack: Option<(String, i64)> = None;
    for row in rows {
        match log.tables.shapes[row.shape].key {
            "sysmon_file" => {
                if let Some(path) = text(row, 5).filter(|path| path.as_bytes().get(1) == Some(&b':')) {
                    table.seen(path, row.time, row.label);
                    if row.label == Label::Attack && (path.ends_with("exe") || path.ends_with("dll")) {
                        last_attack = Some((path.to_owned(), row.time));
                    }
                }
            }
            "sysmon_process" => {
                if let Some(image) = text(row, 4) {
                    table.prefetched(image, row.time, row.label);
                }
            }
            _ => {}
        }
    }
    if let Some((path, time)) = last_attack {
        table.disguise(&path, time);
    }
    table.ordinary(log, ordinary);
    let mut files: Vec<File> = table.files.into_values().collect();
    files.sort_by_key(|file| file.entry);
    files
}

fn text(row: &MadeEvent, field: usize) -> Option<&str> {
    match row.fields.get(field) {
        Some(Field::Text(text)) => Some(text),
        _ => None,
    }
}

struct Table<'a> {
    files: BTreeMap<String, File>,
    rng: &'a mut ChaCha8Rng,
    next: u64,
}

impl Table<'_> {
    fn add(&mut self, path: &str, times: Times, size: u64, label: Label, entry: Option<u64>) {
        let entry = entry.unwrap_or_else(|| {
            self.next += self.rng.random_range(1..4);
            self.next
        });
        let folder = path.rsplit_once('\\').map_or("", |(folder, _)| folder).to_lowercase();
        let parent = 200 + u64::from(crc32fast::hash(folder.as_bytes())) % 90_000;
        let sequence = self.rng.random_range(1..30);
        self.files.insert(path.to_lowercase(), File { path: path.into(), entry, sequence, parent, size, standard: times, name: Times::all(times.born), label });
    }

    /// A file that an event says was written.
    fn seen(&mut self, path: &str, time: i64, label: Label) {
        if let Some(file) = self.files.get_mut(&path.to_lowercase()) {
            (file.standard.modified, file.standard.changed, file.standard.accessed) =
                (file.standard.modified.max(time), file.standard.changed.max(time), file.standard.accessed.max(time));
            return;
        }
        let size = self.rng.random_range(600..4_000_000);
        let later = time + self.rng.random_range(0..3) * SECOND;
        self.add(path, Times { modified: later, accessed: later, changed: later, born: time }, size, label, None);
    }

    /// The prefetch file of a program that ran.
    fn prefetched(&mut self, image: &str, time: i64, label: Label) {
        let exe = image.rsplit('\\').next().unwrap_or(image).to_uppercase();
        let folder = image.rsplit_once('\\').map_or("", |(folder, _)| folder).to_lowercase();
        let path = format!(r"C:\Windows\Prefetch\{exe}-{:08X}.pf", crc32fast::hash(folder.as_bytes()));
        let time = time + 10 * SECOND;
        if let Some(file) = self.files.get_mut(&path.to_lowercase()) {
            (file.standard.modified, file.standard.changed) = (file.standard.modified.max(time), file.standard.changed.max(time));
            // A program of Windows that the intruder used too is ordinary, however late it was used.
            if file.label != label {
                file.label = if file.label == Label::Ordinary || label == Label::Ordinary { Label::Ordinary } else { Label::Ignore };
            }
            return;
        }
        let size = self.rng.random_range(2_000..90_000);
        let foreign = !folder.starts_with(r"c:\windows\system32");
        let label = if label == Label::Attack && !foreign { Label::Ordinary } else { label };
        self.add(&path, Times::all(time), size, label, None);
    }

    /// The intruder's copy in System32, with the times of its neighbours put on it.
    fn disguise(&mut self, path: &str, time: i64) {
        let name = seldom(self.rng);
        let extension = path.rsplit('.').next().unwrap_or("dll");
        let copy = format!(r"C:\Windows\System32\{name}32.{extension}");
        let time = time + self.rng.random_range(60..900) * SECOND;
        let old = time - self.rng.random_range(300..900) * DAY;
        let size = self.rng.random_range(40_000..900_000);
        self.add(&copy, Times { modified: old, accessed: time, changed: time, born: old }, size, Label::Attack, None);
        if let Some(file) = self.files.get_mut(&copy.to_lowercase()) {
            file.name = Times::all(time);
        }
    }

    /// Windows, programs and people's papers: installed together, written in sessions, touched now and then.
    fn ordinary(&mut self, log: &HostLog<'_>, count: usize) {
        let installed = log.estate.start - self.rng.random_range(200..900) * DAY;
        let owner = &log.estate.users[log.host.owner].name;
        let words = &log.tables.words;
        let mut entry = 40u64;
        let mut burst = installed;
        let wanted = self.files.len() + count;
        let mut tries = 0;
        while self.files.len() < wanted && tries < 4 * count + 100 {
            tries += 1;
            entry += self.rng.random_range(1..3);
            let share = self.rng.random_range(0..100u32);
            let (path, born) = match share {
                0..40 => (self.system_file(), installed + self.rng.random_range(0..3 * HOUR)),
                40..62 => {
                    // Updates write many files at once.
                    if self.rng.random_bool(0.01) {
                        burst = installed + self.rng.random_range(0..(log.estate.end() - installed).max(1));
                    }
                    (self.update_file(), burst + self.rng.random_range(0..240 * SECOND))
                }
                62..80 => {
                    let program = word(
                        self.rng,
                        &[
                            "Microsoft Office\\root\\Office16",
                            "Google\\Chrome\\Application\\118.0.5993.89",
                            "Adobe\\Acrobat DC\\Acrobat",
                            "7-Zip",
                            "Notepad++",
                            "Dell\\SupportAssistAgent\\bin",
                            "Common Files\\microsoft shared\\ClickToRun",
                        ],
                    );
                    (
                        format!(
                            r"C:\Program Files\{program}\{}{}.{}",
                            seldom(self.rng),
                            self.rng.random_range(1..99),
                            word(self.rng, &["dll", "exe", "dat", "xml", "mui", "js", "pak"])
                        ),
                        installed + 2 * DAY + self.rng.random_range(0..20 * DAY),
                    )
                }
                _ => {
                    let folder = word(
                        self.rng,
                        &[
                            "Documents",
                            "Downloads",
                            "Desktop",
                            r"AppData\Local\Microsoft\Edge\User Data\Default\Cache\Cache_Data",
                            r"AppData\Local\Temp",
                            r"AppData\Roaming\Microsoft\Windows\Recent",
                            r"AppData\Local\Packages\Microsoft.Windows.Search_cw5n1h2txyewy\LocalState",
                        ],
                    );
                    let name = if folder.starts_with("App") {
                        format!("{}_{:06x}", seldom(self.rng), self.rng.random_range(0..0xff_ffff))
                    } else {
                        format!("{} {}", pick(self.rng, &words.topics), self.rng.random_range(1..400))
                    };
                    (
                        format!(r"C:\Users\{owner}\{folder}\{name}.{}", pick(self.rng, &words.extensions)),
                        log.estate.start + self.rng.random_range(-30 * DAY..(log.estate.days * DAY).max(DAY)),
                    )
                }
            };
            if self.files.contains_key(&path.to_lowercase()) {
                continue;
            }
            let mut times = Times::all(born);
            if share < 80 {
                // Files of a setup keep the maker's time of change.
                times.modified = born - self.rng.random_range(5..600) * DAY;
            }
            if self.rng.random_bool(0.3) {
                times.accessed = log.estate.start + self.rng.random_range(0..(log.estate.days * DAY).max(DAY));
            }
            let size = self.rng.random_range(200..3_000_000);
            self.add(&path, times, size, Label::Ordinary, Some(if share < 40 { entry } else { 90_000 + entry }));
        }
    }

    fn system_file(&mut self) -> String {
        let folder = word(
            self.rng,
            &[
                "System32",
                "System32\\drivers",
                "System32\\en-US",
                "SysWOW64",
                "WinSxS\\Manifests",
                "Fonts",
                "INF",
                "assembly\\NativeImages_v4.0.30319_64",
                "System32\\wbem",
                "servicing\\Packages",
            ],
        );
        let stem = word(self.rng, &["api-ms-win-", "ms", "win", "net", "dx", "wmi", "kb", "d3d", "sec", "shell"]);
        format!(
            r"C:\Windows\{folder}\{stem}{}{}.{}",
            seldom(self.rng),
            self.rng.random_range(1..60),
            word(self.rng, &["dll", "exe", "sys", "mui", "manifest", "inf", "mof", "cat"])
        )
    }

    fn update_file(&mut self) -> String {
        format!(
            r"C:\Windows\WinSxS\amd64_microsoft-windows-{}_31bf3856ad364e35_10.0.19041.{}_none_{:016x}\{}.{}",
            seldom(self.rng),
            self.rng.random_range(1000..3700),
            self.rng.random::<u64>(),
            seldom(self.rng),
            word(self.rng, &["dll", "exe", "mui", "sys"])
        )
    }
}
