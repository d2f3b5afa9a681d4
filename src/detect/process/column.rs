//! What is told of one event of a process: one word per column.
//!
//! Border: names and kinds of words; where the words come from is `facts`.

/// A column of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub(super) enum Column {
    /// Event ID.
    Event,
    /// URL or UNC path in the arguments (published).
    UncUrl,
    /// Long base64 in the arguments (published).
    Base64,
    /// The event names a protocol (published).
    Network,
    /// Lower-case name of the image.
    Image,
    /// Lower-case directory of the image, as found (published).
    Path,
    /// Directory of the image without what differs from one machine to the next.
    Directory,
    /// What the event acts on: library, process, extension, registry key, pipe.
    Target,
    /// Where that lies, roughly.
    Place,
    /// Registry value.
    Value,
    /// Granted access.
    Access,
    /// Protocol and direction.
    Protocol,
    /// Class of the destination port.
    Port,
    /// Class of the destination address.
    Address,
    /// Whether what was loaded is signed.
    Signed,
    /// Lower-case name of the parent's image.
    Parent,
    /// Integrity level.
    Integrity,
    /// Kind of account.
    Account,
    /// Length of the arguments.
    Length,
    /// Time since the event before.
    Gap,
}

impl Column {
    /// Number of columns.
    pub(super) const COUNT: usize = 20;

    /// The six published features, in their order.
    pub(super) const PUBLISHED: [Self; 6] = [Self::Event, Self::UncUrl, Self::Base64, Self::Network, Self::Image, Self::Path];

    /// Every column that [`Column::PUBLISHED`] does not replace.
    const RECOMMENDED: [Self; 18] = [
        Self::Event,
        Self::UncUrl,
        Self::Base64,
        Self::Image,
        Self::Directory,
        Self::Target,
        Self::Place,
        Self::Value,
        Self::Access,
        Self::Protocol,
        Self::Port,
        Self::Address,
        Self::Signed,
        Self::Parent,
        Self::Integrity,
        Self::Account,
        Self::Length,
        Self::Gap,
    ];

    /// The recommended columns; without `names` those that tell a process by its name or path are left out.
    pub(super) fn recommended(names: bool) -> Vec<Self> {
        Self::RECOMMENDED.into_iter().filter(|column| names || !matches!(column, Self::Image | Self::Directory | Self::Parent)).collect()
    }

    /// In words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::UncUrl => "URL or UNC path in the arguments",
            Self::Base64 => "base64 in the arguments",
            Self::Network => "network",
            Self::Image => "image",
            Self::Path => "path",
            Self::Directory => "directory",
            Self::Target => "target",
            Self::Place => "place of the target",
            Self::Value => "registry value",
            Self::Access => "granted access",
            Self::Protocol => "protocol",
            Self::Port => "port",
            Self::Address => "address",
            Self::Signed => "signed",
            Self::Parent => "parent",
            Self::Integrity => "integrity",
            Self::Account => "account",
            Self::Length => "length of the arguments",
            Self::Gap => "time since the event before",
        }
    }

    /// The column of this number.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Self::PUBLISHED.into_iter().chain([
            Self::Directory,
            Self::Target,
            Self::Place,
            Self::Value,
            Self::Access,
            Self::Protocol,
            Self::Port,
            Self::Address,
            Self::Signed,
            Self::Parent,
            Self::Integrity,
            Self::Account,
            Self::Length,
            Self::Gap,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_numbered_in_their_order() {
        assert!(Column::all().enumerate().all(|(at, column)| column as usize == at));
        assert_eq!(Column::all().count(), Column::COUNT);
        assert!(Column::recommended(false).iter().all(|column| !matches!(column, Column::Image | Column::Directory | Column::Parent | Column::Path)));
    }
}
