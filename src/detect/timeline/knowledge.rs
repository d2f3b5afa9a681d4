//! What is known rather than learned: extensions, odd directories, dual-use programs, and where Windows' own programs live.

use std::collections::{HashMap, HashSet};

/// What a file holds, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Class {
    Program,
    Library,
    Graphic,
    Document,
    Archive,
    #[default]
    Other,
}

/// The tables; empty ones switch the prior off.
#[derive(Clone, Debug, Default)]
pub(super) struct Knowledge {
    dual_use: HashSet<Box<str>>,
    odd: Vec<Box<str>>,
    installers: Vec<Box<str>>,
    system: HashMap<Box<str>, Box<str>>,
    classes: HashMap<Box<str>, Class>,
}

impl Knowledge {
    /// The tables compiled in.
    pub(super) fn standard() -> Self {
        let first = |text| rows(text).map(|(first, _)| first.into());
        let mut classes = HashMap::new();
        for (name, extensions) in rows(include_str!("../../../assets/extensions.tsv")) {
            let class = match name {
                "program" => Class::Program,
                "library" => Class::Library,
                "graphic" => Class::Graphic,
                "document" => Class::Document,
                "archive" => Class::Archive,
                _ => Class::Other,
            };
            classes.extend(extensions.split(' ').map(|extension| (extension.into(), class)));
        }
        Self {
            dual_use: first(include_str!("../../../assets/dual-use.tsv")).collect(),
            odd: first(include_str!("../../../assets/odd-directories.tsv")).collect(),
            installers: first(include_str!("../../../assets/installer-directories.tsv")).collect(),
            system: rows(include_str!("../../../assets/system-binaries.tsv")).map(|(name, place)| (name.into(), place.into())).collect(),
            classes,
        }
    }

    /// What a file of this extension (lower case) holds.
    pub(super) fn class(&self, extension: &str) -> Class {
        self.classes.get(extension).copied().unwrap_or_default()
    }

    /// Whether a program of this name comes with Windows and serves intruders too.
    pub(super) fn is_dual_use(&self, name: &str) -> bool {
        self.dual_use.contains(name)
    }

    /// Whether a program of this name belongs to Windows.
    pub(super) fn is_system(&self, name: &str) -> bool {
        self.system.contains_key(name)
    }

    /// A name of Windows' own outside the places where Windows keeps it.
    pub(super) fn masquerades(&self, name: &str, directory: &str) -> bool {
        let Some(place) = self.system.get(name) else { return false };
        let Some(below) = directory.strip_prefix("\\windows").or_else(|| directory.strip_prefix("\\winnt")) else {
            // Copies that Windows or an installation disk keeps.
            return ![
                "\\i386",
                "\\system volume information\\",
                "\\windows.old\\",
                "\\$windows.~bt\\",
                "\\recovery\\",
                "\\mounts\\",
                "\\programdata\\microsoft\\windows\\",
            ]
            .iter()
            .any(|kept| directory.contains(kept));
        };
        let below = below.trim_start_matches('\\');
        let twin = place.replacen("system32", "syswow64", 1);
        let stores = [
            "winsxs",
            "servicing",
            "softwaredistribution",
            "servicepackfiles",
            "system32\\dllcache",
            "$",
            "ie7",
            "ie8",
            "driver cache",
            "installer",
            "lastgood",
            "i386",
        ];
        below != &**place && below != twin && !stores.iter().any(|store| below.starts_with(store))
    }

    /// How odd a directory is for programs: 1 in the table or in a drive's root, .2 where installers unpack, else 0.
    pub(super) fn odd(&self, directory: &str) -> f32 {
        if self.odd.is_empty() {
            return 0.0;
        }
        let closed = format!("{directory}\\");
        let inside = |table: &[Box<str>]| table.iter().any(|part| closed.contains(&**part));
        match inside(&self.odd) || directory.is_empty() || directory.starts_with("\\\\") {
            true if inside(&self.installers) => 0.2,
            odd => f32::from(u8::from(odd)),
        }
    }
}

/// First column and the rest of lines that are neither empty nor comments.
fn rows(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once('\t').unwrap_or((line, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_windows_are_at_home_in_few_places() {
        let tables = Knowledge::standard();
        for (name, directory, wrong) in [
            ("svchost.exe", r"\windows\system32", false),
            ("svchost.exe", r"\windows\syswow64", false),
            ("svchost.exe", r"\windows\system32\dllhost", true),
            ("explorer.exe", r"\windows", false),
            ("explorer.exe", r"\windows\system32", true),
            ("lsass.exe", r"\users\<user>\downloads", true),
            ("svchost.exe", r"\windows\winsxs\amd64_x", false),
            ("word.exe", r"\temp", false),
        ] {
            assert_eq!(tables.masquerades(name, directory), wrong, "{directory}\\{name}");
        }
        assert!(!Knowledge::default().masquerades("svchost.exe", r"\temp"));
    }

    #[test]
    fn installers_unpack_where_others_do_not() {
        let tables = Knowledge::standard();
        assert_eq!((tables.odd(r"\windows\temp"), tables.odd(r"\windows\temp\<guid>"), tables.odd(r"\windows\system32")), (1.0, 0.2, 0.0));
        assert_eq!(
            (tables.class("exe"), tables.class("dll"), tables.class("zip"), tables.class("")),
            (Class::Program, Class::Library, Class::Archive, Class::Other)
        );
    }
}
