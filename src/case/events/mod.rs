//! All events of a case as one table to filter, sort and group: the query layer behind the list of events.
//!
//! Rows are numbered through all sources in key order. Typed columns and columns of names are read whole when they are first asked for and kept,
//! names as numbers into a list of the values there are; messages are kept once there is time, and like all fields they are read from the disk until then.
//! Border: reads the case's Parquet files; what is shown of the rows is others' business. Every call may take a while: not for the window's thread.

mod coded;
mod find;
mod messages;
mod order;
mod page;
mod turn;

pub use find::{Query, Said};
pub use order::Tally;
pub use page::Line;

use super::Snapshot;
use super::reader::EventFile;
use super::search::Column;
use crate::control::{Control, RunError};
use crate::domain::{EVENT_COLUMNS, Held};
use coded::Coded;
use messages::Messages;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use turn::Turn;

/// Stands for no number: no time and no record ID is so small.
const NONE: i64 = i64::MIN;
/// Row groups read side by side before they are brought together.
const AT_ONCE: usize = 128;

/// One row group of one source.
struct Chunk {
    source: u32,
    file: Arc<EventFile>,
    group: usize,
    /// Its first row.
    first: usize,
    rows: usize,
}

/// The table. Sources committed after it was made are not in it.
pub struct Events {
    snapshot: Arc<Snapshot>,
    chunks: Vec<Chunk>,
    rows: usize,
    coded: Kept<Option<Arc<Coded>>>,
    numbers: Kept<Arc<Vec<i64>>>,
    messages: OnceLock<Vec<Option<Messages>>>,
    turn: Turn,
}

/// Columns that were read. Each has a lock of its own: while one is read, the others can be used.
type Kept<T> = Mutex<BTreeMap<Column, Arc<Mutex<Option<T>>>>>;

impl Events {
    /// Columns that can be grouped by: those that are kept as names, and the source.
    pub const GROUPED: [Column; count(Held::Names) + 1] = {
        let mut columns = [Column::Source; count(Held::Names) + 1];
        pick(Held::Names, &mut columns, 0);
        columns
    };
    /// Columns that can be sorted by: the same, and those that are kept as numbers, of which nearly every event has its own.
    pub const SORTED: [Column; count(Held::Names) + count(Held::Numbers) + 1] = {
        let mut columns = [Column::Source; count(Held::Names) + count(Held::Numbers) + 1];
        pick(Held::Numbers, &mut columns, 0);
        pick(Held::Names, &mut columns, count(Held::Numbers));
        columns
    };

    /// The table of a snapshot; reads nothing yet.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        let (mut chunks, mut rows) = (Vec::new(), 0);
        for (source, file) in snapshot.files() {
            for (group, span) in file.groups().iter().enumerate() {
                // Rows are kept in 32 bits; four thousand million events are beyond one window.
                if u32::try_from(rows + span.rows).is_ok() {
                    chunks.push(Chunk { source, file: Arc::clone(file), group, first: rows, rows: span.rows });
                    rows += span.rows;
                }
            }
        }
        Self { snapshot, chunks, rows, coded: Mutex::default(), numbers: Mutex::default(), messages: OnceLock::new(), turn: Turn::default() }
    }

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The snapshot it was made of.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Reads the columns that most queries want, so that the first of them need not wait.
    ///
    /// # Errors
    /// When the case cannot be read, or the job is cancelled.
    pub fn warm(&self, control: &Control) -> Result<(), RunError> {
        self.numbers(Column::Time, control)?;
        self.read_names(&Self::GROUPED, control)?;
        self.keep_messages(control)?;
        for column in Self::GROUPED {
            control.check()?;
            if let Some(coded) = self.coded(column, control)? {
                coded.ranks();
            }
        }
        Ok(())
    }

    /// The chunk that holds a row.
    fn chunk_of(&self, row: u32) -> Option<&Chunk> {
        let after = self.chunks.partition_point(|chunk| chunk.first <= row as usize);
        self.chunks.get(after.checked_sub(1)?)
    }
}

/// How many columns are kept so.
const fn count(held: Held) -> usize {
    pick(held, &mut [], 0)
}

/// Writes the columns that are kept so into a list, as far as there is room for them, from a place on; says how many they are.
const fn pick(held: Held, into: &mut [Column], from: usize) -> usize {
    let (mut at, mut found) = (0, 0);
    while at < EVENT_COLUMNS.len() {
        if let Some((column, how)) = EVENT_COLUMNS[at].search
            && how as u8 == held as u8
        {
            if from + found < into.len() {
                into[from + found] = column;
            }
            found += 1;
        }
        at += 1;
    }
    found
}

/// How a column is kept; `None` where events do not have it, or it is stored nowhere.
fn held_as(column: Column) -> Option<Held> {
    column.of_events()?.search.map(|(_, held)| held)
}

/// A column's name in the file; logon sessions are looked for in the fields.
fn stored(column: Column) -> &'static str {
    let column = if column == Column::Logon { Column::Fields } else { column };
    column.of_events().map_or("", |column| column.name)
}
