//! What a path says by itself, worked out once for each distinct path.

use super::knowledge::{Class, Knowledge};
use crate::features::Interner;
use crate::features::path::{directory, normalise};

/// Stands for "none" among codes.
pub(super) const NONE: u32 = u32::MAX;

/// Points of the prior.
pub(super) const ODD: f64 = 5.0;
pub(super) const MASQUERADE: f64 = 6.0;
pub(super) const SHORT: f64 = 3.0;
pub(super) const DUAL_USE: f64 = 3.0;
pub(super) const UNDER_USERS: f64 = 2.0;
pub(super) const EXECUTABLE: f64 = 1.0;
pub(super) const PREFETCH: f64 = 1.5;
pub(super) const RUN_KEY: f64 = 1.0;

/// Folders that stand in the root of a drive with Windows on it.
const ROOTS: [&str; 9] =
    ["windows\\", "winnt\\", "users\\", "documents and settings\\", "program files", "programdata\\", "perflogs\\", "$recycle.bin\\", "$extend\\"];

/// One path's codes and flags.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) directory: u32,
    pub(super) top: u32,
    pub(super) extension: u32,
    /// The program it names, for prefetch files too; [`NONE`] for other files and for names of Windows' own.
    pub(super) entity: u32,
    pub(super) class: Class,
    /// How odd the directory is for a program, lowered where many programs lie together.
    pub(super) odd: f32,
    pub(super) masquerade: bool,
    pub(super) short: bool,
    pub(super) dual_use: bool,
    pub(super) under_users: bool,
    pub(super) prefetch: bool,
    pub(super) run_key: bool,
}

/// All distinct paths of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) list: Vec<Place>,
    pub(super) directories: Interner,
    pub(super) tops: Interner,
    pub(super) extensions: Interner,
    pub(super) entities: Interner,
    /// Names in lower case, for the letter model.
    pub(super) names: Vec<Box<str>>,
}

impl Places {
    pub(super) fn new(paths: &Interner, knowledge: &Knowledge) -> Self {
        let mut places = Self::default();
        for path in paths.names() {
            places.add(path, knowledge);
        }
        places.discount_companies();
        places
    }

    fn add(&mut self, found: &str, knowledge: &Knowledge) {
        let path = rooted(found);
        let bare = !path.contains('\\');
        let (folder, name) = (directory(&path), path.rsplit('\\').next().unwrap_or_default());
        let registry = path.starts_with("hkey_");
        let (stem, extension) = if registry { (name, "") } else { name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((name, "")) };
        let prefetched = (extension == "pf").then(|| stem.rsplit_once('-').map(|(program, _)| program)).flatten();
        let extension = if extension.len() > 12 { "" } else { extension };
        let program = prefetched.unwrap_or(name);
        // `www.example.com` is a site's folder, not a program.
        let site = extension == "com" && stem.contains('.');
        let class = if site { Class::Other } else { knowledge.class(extension) };
        let tables = knowledge.class("exe") == Class::Program;
        let runs = class == Class::Program || tables && prefetched.is_some();
        let short = program.rsplit_once('.').is_some_and(|(stem, _)| stem.chars().count() <= 2);
        let dual_use = runs && knowledge.is_dual_use(program);
        let weight = match class {
            Class::Program => 1.0,
            Class::Library if !folder.is_empty() => 0.4,
            _ => 0.0,
        };
        let place = Place {
            directory: self.directories.intern(folder),
            top: self.tops.intern(top(folder)),
            extension: self.extensions.intern(extension),
            entity: if runs && !knowledge.is_system(program) && !dual_use { self.entities.intern(program) } else { NONE },
            class,
            odd: if bare || registry { 0.0 } else { weight * knowledge.odd(folder) },
            masquerade: class == Class::Program && !bare && knowledge.masquerades(program, folder),
            short: runs && short && !dual_use,
            dual_use,
            under_users: class == Class::Program && (folder.starts_with("\\users\\") || folder.starts_with("\\documents and settings\\")),
            prefetch: tables && prefetched.is_some(),
            run_key: tables && registry && starts_programs(&path),
        };
        self.list.push(place);
        self.names.push(name.into());
    }

    /// Installers and updates unpack many programs into one directory: the more there are, the less odd is each.
    fn discount_companies(&mut self) {
        let mut company = vec![0u32; self.directories.len()];
        for place in self.list.iter().filter(|place| matches!(place.class, Class::Program | Class::Library)) {
            company[place.directory as usize] += 1;
        }
        for place in &mut self.list {
            let crowd = f64::from(company[place.directory as usize]) / 6.0;
            place.odd /= 1.0 + crowd.max(1.0).log2() as f32;
        }
    }
}

impl Place {
    /// What the path alone adds to the prior.
    pub(super) fn points(&self) -> f64 {
        let one = |flag: bool, points: f64| if flag { points } else { 0.0 };
        ODD * f64::from(self.odd)
            + one(self.masquerade, MASQUERADE)
            + one(self.short, SHORT)
            + one(self.dual_use, DUAL_USE)
            + one(self.under_users, UNDER_USERS)
            + one(self.class == Class::Program, EXECUTABLE)
            + one(self.prefetch, PREFETCH)
            + one(self.run_key, RUN_KEY)
    }
}

/// Normalised, without drive, device, store or the folder that evidence was mounted on; a bare name stays one.
pub(super) fn rooted(found: &str) -> String {
    let plain = normalise(found);
    let mut path = plain.as_str();
    if path.starts_with("hkey_") {
        return plain;
    }
    for store in ["os:", "ntfs:", "tsk:", ".", "\\device\\<volume>"] {
        path = path.strip_prefix(store).filter(|rest| rest.starts_with('\\')).unwrap_or(path);
    }
    if path.as_bytes().get(1) == Some(&b':') {
        path = path.get(2..).unwrap_or_default();
    }
    // A drive's letter as a folder above one that stands in a drive's root: evidence mounted or collected.
    let mut seen = 0;
    for (number, segment) in path.split('\\').enumerate().take(5) {
        seen += segment.len() + 1;
        let drive = segment.trim_end_matches([':', '%']);
        let rest = path.get(seen - 1..).filter(|rest| rest.starts_with('\\')).unwrap_or_default();
        if number > 0 && drive.len() == 1 && ROOTS.iter().any(|root| rest.get(1..).is_some_and(|rest| rest.starts_with(root))) {
            path = rest;
            break;
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in path.split('\\').enumerate().filter(|(number, segment)| *number == 0 || !segment.is_empty()).map(|(_, segment)| segment) {
        if !out.is_empty() || (path.starts_with('\\') && !segment.is_empty()) {
            out.push('\\');
        }
        // The old place of users' folders.
        let user = out == "\\documents and settings\\" && !matches!(segment, "all users" | "default user" | "public");
        out.push_str(if user { "<user>" } else { segment });
    }
    out
}

fn top(folder: &str) -> &str {
    let end = folder.match_indices('\\').nth(3).map_or(folder.len(), |(at, _)| at);
    folder.get(..end).unwrap_or(folder)
}

/// Keys whose values are started with Windows, or instead of another program.
fn starts_programs(key: &str) -> bool {
    ["\\currentversion\\run", "\\currentversion\\runonce", "\\currentversion\\policies\\explorer\\run", "\\image file execution options\\"]
        .iter()
        .any(|part| key.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_rooted_alike() {
        for (found, expected) in [
            (r"C:\Windows\System32\cmd.exe", r"\windows\system32\cmd.exe"),
            (r"/evidence/host/C/Windows/x.exe", r"\windows\x.exe"),
            (r".\Windows\x.exe", r"\windows\x.exe"),
            (r"OS:/a/b.txt", r"\a\b.txt"),
            (r"\Documents and Settings\bob\Local Settings\Temp\a.exe", r"\documents and settings\<user>\local settings\temp\a.exe"),
            (r"c:/x.exe (deleted)", r"\x.exe (deleted)"),
            ("p.exe", "p.exe"),
        ] {
            assert_eq!(rooted(found), expected, "{found}");
        }
    }

    #[test]
    fn points_add_up() {
        let mut paths = Interner::default();
        for path in
            [r"\Temp\a.exe", r"\Windows\Prefetch\A.EXE-12345678.pf", r"\Windows\System32\d\svchost.exe", r"C:\Windows\System32\cmd.exe", r"\Users\bob\x.txt"]
        {
            paths.intern(path);
        }
        let places = Places::new(&paths, &Knowledge::standard());
        let points: Vec<f64> = places.list.iter().map(Place::points).collect();
        assert_eq!(points, [ODD + SHORT + EXECUTABLE, PREFETCH + SHORT, MASQUERADE + EXECUTABLE, DUAL_USE + EXECUTABLE, 0.0]);
        assert_eq!(places.list[0].entity, places.list[1].entity);
        assert!(Places::new(&paths, &Knowledge::default()).list.iter().all(|place| place.points() == 0.0));
    }
}
