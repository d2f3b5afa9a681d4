//! The columns of events, written once. The event itself, the case's Parquet files, the reader, the search grammar, the list of events with its
//! memory, and the exports are derived from the table at the end of this file: one line there is one column everywhere.

use super::{Cell, EventKey};

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// Nanoseconds since the Unix epoch, UTC.
    Time,
    /// Whole numbers of 64 bits.
    Id,
    /// Whole numbers of 32 bits.
    Number,
    /// Numbers.
    Real,
    /// Yes or no.
    Flag,
}

/// When a column is read from the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// With every scan.
    Scanned,
    /// With scans that ask for the payload.
    Payload,
    /// When a single event is fetched.
    Fetched,
}

/// How the list of events keeps a column to search, sort and group it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Numbers as they are: searched and sorted, not grouped, because nearly every event has its own.
    Numbers,
    /// Numbers into a list of the values there are: searched, sorted and grouped.
    Names,
    /// The same, but only searched.
    Codes,
    /// Searched where it lies in the file.
    Texts,
}

/// A column of events: what it is called, what it holds, and what is done with it.
pub struct EventColumn {
    /// Its name: in the file, in exports, in the search grammar.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// When it is read.
    pub access: Access,
    /// Whether a line of the list of events has it.
    pub listed: bool,
    /// What the search grammar calls it, and how it is kept to be searched; `None` where it cannot be searched.
    pub search: Option<(Column, Held)>,
    /// Whether a word without a column is looked for in it.
    pub word: bool,
    /// An event's cell.
    pub get: for<'a> fn(&EventRef<'a>) -> Cell<'a>,
    /// Puts a cell into an event; a cell of another kind is none.
    pub set: for<'a> fn(&mut EventRef<'a>, Cell<'a>),
}

impl Column {
    /// The column a user means, whatever the case and with or without `_`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let plain = |text: &str| text.chars().filter(|c| *c != '_').collect::<String>().to_lowercase();
        let wanted = plain(name);
        Self::NAMES.iter().find(|(known, _)| plain(known) == wanted).map(|(_, column)| *column)
    }

    /// The name shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, column)| *column == self).map_or("", |(name, _)| name)
    }

    /// Whether its cells are compared as numbers.
    #[must_use]
    pub fn is_number(self) -> bool {
        self.kind() != ColumnKind::Text
    }

    /// The column of events that it is; `None` for those that only rankings have.
    #[must_use]
    pub fn of_events(self) -> Option<&'static EventColumn> {
        EVENT_COLUMNS.iter().find(|column| column.search.is_some_and(|(searched, _)| searched == self))
    }
}

/// The type of an owned event's field, of a borrowed event's field, and the kind of the column.
macro_rules! owned {
    (Text) => { Option<String> };
    (Line) => { String };
    (Time) => { Option<i64> };
    (Id) => { Option<u64> };
    (Number) => { Option<u32> };
    (Flag) => { bool };
}
macro_rules! borrowed {
    ($life:lifetime Text) => { Option<&$life str> };
    ($life:lifetime Line) => { &$life str };
    ($life:lifetime $kind:ident) => { owned!($kind) };
}
macro_rules! kind {
    (Line) => {
        ColumnKind::Text
    };
    ($kind:ident) => {
        ColumnKind::$kind
    };
}

/// Borrows a field, owns it, and takes it out of a cell.
macro_rules! lend {
    (Text $field:expr) => {
        $field.as_deref()
    };
    (Line $field:expr) => {
        $field.as_str()
    };
    ($kind:ident $field:expr) => {
        $field
    };
}
macro_rules! own {
    (Text $field:expr) => {
        $field.map(str::to_owned)
    };
    (Line $field:expr) => {
        $field.to_owned()
    };
    ($kind:ident $field:expr) => {
        $field
    };
}
macro_rules! cell {
    (Line $field:expr) => {
        Cell::Text($field)
    };
    (Flag $field:expr) => {
        Cell::Flag($field)
    };
    ($kind:ident $field:expr) => {
        $field.map_or(Cell::Empty, Cell::$kind)
    };
}
macro_rules! uncell {
    (Text $cell:expr) => {
        $cell.text()
    };
    (Line $cell:expr) => {
        $cell.text().unwrap_or_default()
    };
    (Time $cell:expr) => {
        $cell.time()
    };
    (Id $cell:expr) => {
        $cell.id()
    };
    (Number $cell:expr) => {
        $cell.id().and_then(|id| u32::try_from(id).ok())
    };
    (Flag $cell:expr) => {
        $cell.flag().unwrap_or_default()
    };
}
macro_rules! searched {
    () => {
        None
    };
    ($column:ident $held:ident) => {
        Some((Column::$column, Held::$held))
    };
}
macro_rules! said {
    () => {
        false
    };
    ($word:ident) => {
        true
    };
}

macro_rules! columns {
    (
        events { $($(#[$doc:meta])* $name:ident: $kind:ident, $access:ident $($listed:ident)? $(, search $column:ident [$shown:literal $(, $other:literal)*] as $held:ident $(, $word:ident)?)?;)+ }
        rankings { $($ranked:ident: $ranked_kind:ident [$ranked_shown:literal $(, $ranked_other:literal)*];)+ }
    ) => {
        /// One normalised event, owned: what ingest produces.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Event {
            /// Position in the source, from 1.
            pub record: u64,
            /// 0.. when one record yields several events.
            pub part: u32,
            $($(#[$doc])* pub $name: owned!($kind),)+
        }

        /// One event borrowed from a store's batch; columns that were not asked for are `None` or empty.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct EventRef<'a> {
            /// Where it stands.
            pub key: EventKey,
            $($(#[$doc])* pub $name: borrowed!('a $kind),)+
        }

        impl Event {
            /// The event as one of a store's batch.
            #[must_use]
            pub fn borrowed(&self, source: u32) -> EventRef<'_> {
                EventRef { key: EventKey { source, part: self.part, record: self.record }, $($name: lend!($kind self.$name)),+ }
            }
        }

        impl EventRef<'_> {
            /// The event on its own, without its source.
            #[must_use]
            pub fn owned(&self) -> Event {
                Event { record: self.key.record, part: self.key.part, $($name: own!($kind self.$name)),+ }
            }
        }

        /// The columns of events without their key (source, record, part), in the order of the file; the key stands after the first [`BEFORE_KEY`].
        pub const EVENT_COLUMNS: &[EventColumn] = &[$(EventColumn {
            name: stringify!($name),
            kind: kind!($kind),
            access: Access::$access,
            listed: said!($($listed)?),
            search: searched!($($column $held)?),
            word: said!($($($word)?)?),
            get: |event| cell!($kind event.$name),
            set: |event, cell| event.$name = uncell!($kind cell),
        }),+];

        /// A column of events or of ranked subjects that a search may name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the names are the columns'")]
        pub enum Column {
            $($($column,)?)+
            $($ranked,)+
        }

        impl Column {
            /// Names as they are typed; the first of each column is the one shown.
            pub const NAMES: &[(&str, Self)] = &[
                $($(($shown, Self::$column), $(($other, Self::$column),)*)?)+
                $(($ranked_shown, Self::$ranked), $(($ranked_other, Self::$ranked),)*)+
            ];

            /// What its cells are.
            #[must_use]
            pub fn kind(self) -> ColumnKind {
                match self {
                    $($(Self::$column => kind!($kind),)?)+
                    $(Self::$ranked => ColumnKind::$ranked_kind,)+
                }
            }
        }
    };
}

/// How many of [`EVENT_COLUMNS`] stand before the key in the file and in exports.
pub const BEFORE_KEY: usize = 2;

// The names are a contract (DuckDB, Spark and Polars users rely on them): add at the end, never rename. What a column's line says, in order: name,
// kind, when it is read, whether the list of events has it, how it is searched (its names, how it is kept), and whether plain words are looked for in it.
columns! {
    events {
        /// Nanoseconds since the Unix epoch, UTC; none = the no-time bucket.
        time: Time, Scanned listed, search Time ["time", "datetime"] as Numbers;
        /// The time as found, kept when it is not a plain UTC time stamp or lies outside what `time` can hold.
        time_text: Text, Scanned listed;
        /// `EventRecordID`, where there is one.
        record_id: Id, Scanned listed, search RecordId ["record_id", "record"] as Numbers;
        /// Byte offset of the record in the source, where it is known.
        offset: Id, Fetched;
        /// Carved from slack or an unlinked chunk rather than read in order.
        recovered: Flag, Scanned;
        /// Computer as found.
        computer: Text, Scanned listed, search Computer ["computer", "host"] as Names, word;
        /// Windows event channel, or the artefact family of a timeline row.
        channel: Text, Scanned listed, search Channel ["channel"] as Names, word;
        /// Windows event provider, or the parser of a timeline row.
        provider: Text, Scanned listed, search Provider ["provider"] as Names, word;
        /// Windows event ID.
        event_id: Number, Scanned listed, search EventId ["event_id", "id"] as Names;
        /// Level in words (`Information`, `Warning`, `Error`, `Critical`, `Verbose`).
        level: Text, Scanned listed, search Level ["level"] as Names;
        /// `DOMAIN\name` of the acting user: of Sysmon its `User`, of 4688 the Subject, of 4624 and 4625 the Target, else the UserID of System.
        user: Text, Scanned listed, search User ["user"] as Names, word;
        /// The acting or new process in `EventData`, never System/Execution.
        pid: Number, Scanned listed, search Pid ["pid"] as Codes;
        /// Its parent.
        ppid: Number, Scanned;
        /// Braced lower-case GUID of the acting or new process.
        process_guid: Text, Scanned;
        /// Braced lower-case GUID of its parent.
        parent_guid: Text, Scanned;
        /// Full path of the process image.
        image: Text, Scanned listed, search Image ["image", "process"] as Names, word;
        /// Full path of the parent's image.
        parent_image: Text, Scanned listed, search ParentImage ["parent_image", "parent"] as Names, word;
        /// Command line.
        command_line: Text, Scanned listed, search CommandLine ["command_line", "cmd"] as Names, word;
        /// One line in words.
        message: Line, Payload listed, search Message ["message", "title"] as Texts, word;
        /// JSON object of all of `EventData`, `UserData` and `System` (or of a row's columns) as found.
        fields: Line, Payload, search Fields ["fields"] as Texts;
    }

    // What only rankings have, and what stands beside the columns: the source file, the analyst's marks, what rules found, logon sessions.
    rankings {
        Source: Text ["source", "source_file", "file"];
        Subject: Text ["subject"];
        Reason: Text ["reason"];
        Tag: Text ["tag", "tags"];
        Note: Text ["note"];
        Rule: Text ["rule"];
        RuleLevel: Text ["rule_level"];
        Tactic: Text ["tactic"];
        Logon: Text ["logon"];
        Ruled: Flag ["ruled", "hit"];
        Rank: Id ["rank"];
        Score: Real ["score"];
        Loss: Real ["loss"];
        Rarity: Real ["rarity"];
        Percentile: Real ["percentile"];
        Count: Id ["count"];
        Flagged: Flag ["flagged"];
        Above: Flag ["above"];
    }
}

/// The columns of events in which a word without a column is looked for, the likeliest first.
pub const WORDS: [Column; words(&mut [])] = {
    let mut columns = [Column::Message; words(&mut [])];
    words(&mut columns);
    columns
};

/// Writes them into a list, as far as there is room for them; says how many they are.
const fn words(into: &mut [Column]) -> usize {
    let (mut at, mut found) = (EVENT_COLUMNS.len(), 0);
    while at > 0 {
        at -= 1;
        if EVENT_COLUMNS[at].word
            && let Some((column, _)) = EVENT_COLUMNS[at].search
        {
            if found < into.len() {
                into[found] = column;
            }
            found += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_name_that_leads_back() {
        for (name, column) in Column::NAMES {
            assert_eq!(Column::named(name), Some(*column));
            assert_eq!(Column::named(column.name()), Some(*column));
        }
        assert_eq!(Column::named("EventID"), Some(Column::EventId));
        assert_eq!(Column::named("C"), None);
    }

    #[test]
    fn what_is_taken_out_of_an_event_can_be_put_back() {
        let mut event = Event { record: 7, part: 2, ..Event::default() };
        for (at, column) in EVENT_COLUMNS.iter().enumerate() {
            let number = at as u64 + 1;
            let mut with = event.borrowed(3);
            let cell = match column.kind {
                ColumnKind::Text => Cell::Text(column.name),
                ColumnKind::Time => Cell::Time(number.cast_signed()),
                ColumnKind::Id => Cell::Id(number),
                ColumnKind::Number => Cell::Number(at as u32 + 1),
                ColumnKind::Flag => Cell::Flag(true),
                ColumnKind::Real => panic!("events have no such column"),
            };
            (column.set)(&mut with, cell);
            assert_eq!(format!("{:?}", (column.get)(&with)), format!("{cell:?}"), "{}", column.name);
            event = with.owned();
        }
        let borrowed = event.borrowed(3);
        assert_eq!((borrowed.key.source, borrowed.key.record, borrowed.key.part), (3, 7, 2));
        assert_eq!(borrowed.owned(), event);
        assert!(EVENT_COLUMNS.iter().all(|column| !matches!((column.get)(&borrowed), Cell::Empty)), "each of them was put in");
    }
}
