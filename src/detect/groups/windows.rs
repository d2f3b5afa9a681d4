//! Process creations gathered into windows: an entity (host, or host and user) in a stretch of time that is fixed on UTC.
//!
//! Border: counts names; what is unusual about them is said elsewhere.

use crate::domain::{Processes, Step};
use crate::features::{Interner, path};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How creations are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// Window length.
    pub(super) seconds: u64,
    /// Entity is host and user instead of host.
    pub(super) by_user: bool,
    /// Only images under the Windows directory.
    pub(super) windows_only: bool,
}

/// Launches of one entity in one window, in time order.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Index of its (name, launches) pattern.
    pub(super) pattern: u32,
    /// Indices into [`Processes::list`], in time order.
    pub(super) launches: Vec<u32>,
}

/// The windows of a case: sorted by (start, host, user).
#[derive(Clone, Debug, Default)]
pub(super) struct Windows {
    pub(super) list: Vec<Window>,
    /// Distinct contents: (name, launches), sorted by name.
    pub(super) patterns: Vec<Vec<(u32, u32)>>,
    /// Creations with no time, which are in no window.
    pub(super) untimed: usize,
    /// Creations left out because their image is not named or not under the Windows directory.
    pub(super) left_out: usize,
}

impl Windows {
    /// Adds another case's windows.
    pub(super) fn append(&mut self, more: Self) {
        let before = self.patterns.len() as u32;
        self.patterns.extend(more.patterns);
        self.list.extend(more.list.into_iter().map(|window| Window { pattern: window.pattern + before, ..window }));
        self.untimed += more.untimed;
        self.left_out += more.left_out;
    }
}

/// Window number, host and user in lower case.
type Place = (i64, Arc<str>, Arc<str>);

/// Gathers creations; names (lower-cased base names) get their codes from `names`.
pub(super) fn windows(processes: &Processes, rule: Rule, names: &mut Interner) -> Windows {
    let mut found = Windows::default();
    let mut gathered: BTreeMap<Place, Vec<(u32, u32)>> = BTreeMap::new();
    let mut lower = Lower::default();
    let length = i64::try_from(rule.seconds.max(1)).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
    for (index, process) in processes.list.iter().enumerate() {
        let name = path::base(&process.image);
        if name.is_empty() || rule.windows_only && !under_windows(&process.image) {
            found.left_out += 1;
        } else if let Some(time) = process.start {
            let user = process.user.as_ref().filter(|_| rule.by_user).map_or_else(|| Arc::from(""), |user| lower.of(user));
            let key = (time.div_euclid(length), lower.of(&process.computer), user);
            gathered.entry(key).or_default().push((index as u32, names.intern(&name)));
        } else {
            found.untimed += 1;
        }
    }
    let mut known: HashMap<Vec<(u32, u32)>, u32> = HashMap::new();
    for launches in gathered.into_values() {
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for (_, name) in &launches {
            *counts.entry(*name).or_default() += 1;
        }
        let contents: Vec<(u32, u32)> = counts.into_iter().collect();
        let pattern = *known.entry(contents).or_insert_with_key(|contents| {
            found.patterns.push(contents.clone());
            found.patterns.len() as u32 - 1
        });
        found.list.push(Window { pattern, launches: launches.into_iter().map(|(index, _)| index).collect() });
    }
    found
}

/// What a launch is told apart by: names of parent and child, directory of the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Kind {
    pub(super) parent: u32,
    pub(super) child: u32,
    pub(super) directory: u32,
}

/// The kind of every process, in the order of [`Processes::list`].
pub(super) fn kinds(processes: &Processes, texts: &mut Interner) -> Vec<Kind> {
    let mut seen: HashMap<(Arc<str>, Option<Step>), Kind> = HashMap::new();
    let kind = |(index, process): (usize, &crate::domain::Process)| {
        let parent = processes.parent(Step::Process(index as u32));
        *seen.entry((process.image.clone(), parent)).or_insert_with(|| Kind {
            parent: texts.intern(&parent.map(|step| path::base(processes.image(step))).unwrap_or_default()),
            child: texts.intern(&path::base(&process.image)),
            directory: texts.intern(path::directory(&path::normalise(&process.image))),
        })
    };
    processes.list.iter().enumerate().map(kind).collect()
}

fn under_windows(image: &str) -> bool {
    let image = path::normalise(image);
    image.get(1..).is_some_and(|rest| rest.starts_with(":\\windows\\"))
}

/// Every text once in lower case.
#[derive(Default)]
struct Lower(HashMap<Arc<str>, Arc<str>>);

impl Lower {
    fn of(&mut self, text: &Arc<str>) -> Arc<str> {
        self.0.entry(text.clone()).or_insert_with(|| text.to_lowercase().into()).clone()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::{EventKey, Integrity, Parent, Process, Stub};

    /// Launches at (second, computer, user, image), each by explorer.exe, which predates the log.
    pub(in crate::detect::groups) fn processes(launches: &[(Option<i64>, &str, &str, &str)]) -> Processes {
        let process = |(record, (second, computer, user, image)): (usize, &(Option<i64>, &str, &str, &str))| Process {
            key: EventKey { source: 0, part: 0, record: record as u64 + 1 },
            twin: None,
            record_id: None,
            event_id: 1,
            channel: None,
            provider: None,
            computer: (*computer).into(),
            guid: None,
            pid: None,
            start: second.map(|second| second * 1_000_000_000),
            end: None,
            image: (*image).into(),
            command_line: None,
            user: Some((*user).into()),
            integrity: Integrity::Unknown,
            logon_id: None,
            parent: Parent::Stub(0),
        };
        let stub = Stub { computer: "a".into(), guid: None, pid: None, image: r"C:\Windows\explorer.exe".into() };
        Processes { list: launches.iter().enumerate().map(process).collect(), stubs: vec![stub] }
    }

    #[test]
    fn windows_are_fixed_on_utc_and_split_by_entity() {
        let cmd = r"C:\Windows\System32\CMD.exe";
        let processes = processes(&[
            (Some(-1), "A", "u", cmd),
            (Some(0), "A", "u", cmd),
            (Some(59), "a", "v", cmd),
            (Some(59), "b", "u", r"C:\Tools\x.exe"),
            (Some(60), "a", "u", cmd),
            (None, "a", "u", cmd),
            (Some(61), "a", "u", ""),
        ]);
        let gather = |by_user, windows_only| {
            let mut names = Interner::default();
            let found = windows(&processes, Rule { seconds: 60, by_user, windows_only }, &mut names);
            let launches: Vec<Vec<u32>> = found.list.iter().map(|window| window.launches.clone()).collect();
            (launches, found.untimed, found.left_out, found.patterns.len())
        };
        assert_eq!(gather(false, false), (vec![vec![0], vec![1, 2], vec![3], vec![4]], 1, 1, 3));
        assert_eq!(gather(true, false).0, [vec![0], vec![1], vec![2], vec![3], vec![4]]);
        assert_eq!(gather(false, true), (vec![vec![0], vec![1, 2], vec![4]], 1, 2, 2));
    }

    #[test]
    fn kinds_name_parent_child_and_directory() {
        let processes = processes(&[(Some(0), "a", "u", r"C:\Users\Bob\Temp\X.exe"), (Some(0), "b", "u", r"c:\users\alice\temp\x.exe")]);
        let mut texts = Interner::default();
        let kinds = kinds(&processes, &mut texts);
        assert_eq!(kinds[0], kinds[1]);
        assert_eq!(
            [kinds[0].parent, kinds[0].child, kinds[0].directory].map(|code| texts.name(code).to_owned()),
            ["explorer.exe", "x.exe", r"c:\users\<user>\temp"]
        );
    }
}
