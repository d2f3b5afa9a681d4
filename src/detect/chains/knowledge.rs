//! What is known rather than learned: dual-use programs, odd directories, vendors' directories. Empty tables switch the prior off.

use super::launch::{Path, Shape, Texts, UserClass};
use std::collections::HashSet;

/// The knowledge tables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Knowledge {
    dual_use: HashSet<Box<str>>,
    odd: Vec<Box<str>>,
    vendors: Vec<Box<str>>,
}

/// What the tables say of one launch; every number of points is a part of the prior.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Flags {
    /// Dual-use programs among child, parent and grandparent: 0..=3.
    pub(crate) dual_use: u8,
    /// The child's directory is one that programs seldom run from.
    pub(crate) odd: bool,
    /// The arguments name a web address.
    pub(crate) url: bool,
    /// Run by a person.
    pub(crate) interactive: bool,
    /// A vendor's program started another in its own directory.
    pub(crate) same_vendor: bool,
}

impl Flags {
    /// Points of a dual-use program.
    pub(crate) const DUAL_USE: f64 = 3.0;
    /// Points of an odd directory.
    pub(crate) const ODD: f64 = 4.0;
    /// Points of a web address.
    pub(crate) const URL: f64 = 1.0;
    /// Points of a person.
    pub(crate) const INTERACTIVE: f64 = 1.0;
    /// Points of a vendor's own programs.
    pub(crate) const SAME_VENDOR: f64 = -2.0;

    /// The prior: sum of all points.
    pub(crate) fn points(&self) -> f64 {
        let one = |flag: bool, points: f64| if flag { points } else { 0.0 };
        Self::DUAL_USE * f64::from(self.dual_use)
            + one(self.odd, Self::ODD)
            + one(self.url, Self::URL)
            + one(self.interactive, Self::INTERACTIVE)
            + one(self.same_vendor, Self::SAME_VENDOR)
    }
}

impl Knowledge {
    /// The tables compiled in.
    pub(crate) fn standard() -> Self {
        let first = |text: &'static str| rows(text).map(|row| row.split('\t').next().unwrap_or(row).into());
        Self {
            dual_use: first(include_str!("../../../assets/dual-use.tsv")).collect(),
            odd: first(include_str!("../../../assets/odd-directories.tsv")).collect(),
            vendors: first(include_str!("../../../assets/vendor-directories.tsv")).collect(),
        }
    }

    /// Whether a program is a dual-use one, by its name in lower case.
    pub(crate) fn is_dual_use(&self, name: &str) -> bool {
        self.dual_use.contains(name)
    }

    /// What the tables say of a launch.
    pub(super) fn flags(&self, shape: &Shape, texts: &Texts) -> Flags {
        if self.dual_use.is_empty() && self.odd.is_empty() && self.vendors.is_empty() {
            return Flags::default();
        }
        let names = [shape.child, shape.parent, shape.grand].map(|path| texts.name(path.name));
        Flags {
            dual_use: names.iter().filter(|name| self.is_dual_use(name)).count() as u8,
            odd: self.is_odd(texts.name(shape.child.directory)),
            url: ["http:\\\\", "https:\\\\", "ftp:\\\\"].iter().any(|scheme| texts.name(shape.arguments).contains(scheme)),
            interactive: shape.user == UserClass::Person,
            same_vendor: self.is_same_vendor(shape.parent, shape.child, texts),
        }
    }

    /// A directory of the table, a drive's root, or a share.
    pub(crate) fn is_odd(&self, directory: &str) -> bool {
        if self.vendor(directory).is_some() {
            return false;
        }
        let root = directory.len() == 2 && directory.ends_with(':');
        let closed = format!("\\{directory}\\");
        root || directory.starts_with("\\\\") || self.odd.iter().any(|part| closed.contains(&**part))
    }

    fn is_same_vendor(&self, parent: Path, child: Path, texts: &Texts) -> bool {
        let vendor = self.vendor(texts.name(child.directory));
        vendor.is_some() && vendor == self.vendor(texts.name(parent.directory))
    }

    /// The vendor's directory that a directory is, or lies in.
    fn vendor<'a>(&self, directory: &'a str) -> Option<&'a str> {
        self.vendors.iter().find_map(|prefix| {
            let rest = directory.strip_prefix(&**prefix)?;
            let own = rest.split('\\').next().unwrap_or(rest);
            directory.get(..prefix.len() + own.len()).filter(|_| !own.is_empty())
        })
    }
}

/// Lines that are neither empty nor comments.
fn rows(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_told_apart() {
        let tables = Knowledge::standard();
        for odd in [r"c:\users\<user>\downloads", r"c:\users\<user>\appdata\local\temp", r"c:\perflogs", "c:", r"\\server\share", r"c:\programdata"] {
            assert!(tables.is_odd(odd), "{odd}");
        }
        for usual in [r"c:\windows\system32", r"c:\program files\temperature", r"c:\programdata\microsoft\windows defender\platform\<version>", ""] {
            assert!(!tables.is_odd(usual), "{usual}");
        }
        assert_eq!(tables.vendor(r"c:\program files\maker\app\bin"), Some(r"c:\program files\maker"));
        assert_eq!(tables.vendor(r"c:\program files"), None);
    }

    #[test]
    fn the_table_of_dual_use_programs_leaves_conhost_out() {
        let tables = Knowledge::standard();
        assert!(tables.is_dual_use("certutil.exe") && !tables.is_dual_use("conhost.exe"));
        assert!((60..=100).contains(&tables.dual_use.len()), "{}", tables.dual_use.len());
    }
}
