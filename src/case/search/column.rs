//! What a search asks of columns, and the cells it looks into.

use crate::domain::{Cell, Column, ColumnKind, WORDS};

/// Where else than in [`WORDS`] a word without a column is looked for in a ranking.
const RANKED: [Column; 6] = [Column::Reason, Column::Tag, Column::Note, Column::Rule, Column::Subject, Column::Fields];

/// Where a word without a column is looked for, the likeliest first.
pub(super) const TEXTS: [Column; WORDS.len() + RANKED.len()] = {
    let mut columns = [Column::Message; WORDS.len() + RANKED.len()];
    let (before, after) = columns.split_at_mut(WORDS.len());
    before.copy_from_slice(&WORDS);
    after.copy_from_slice(&RANKED);
    columns
};

impl Column {
    /// What may stand after its colon.
    pub(super) fn wants(self) -> &'static str {
        match self {
            _ if self.kind() == ColumnKind::Time => "a UTC time such as 2020-09-17 or >2020-09-17T17:57",
            _ if self.kind() == ColumnKind::Flag => "yes or no",
            _ => "a number, a span such as 2-10, or <, <=, >, >= and a number",
        }
    }
}

/// A cell as a number: times are nanoseconds UTC, yes is 1 and no is 0.
pub(super) fn number(cell: Cell<'_>) -> Option<Number> {
    match cell {
        Cell::Whole(n) | Cell::Time(n) => Some(Number::Whole(n)),
        Cell::Id(_) | Cell::Number(_) => cell.id().map(|id| Number::Whole(i64::try_from(id).unwrap_or(i64::MAX))),
        Cell::Real(n) => Some(Number::Real(n)),
        Cell::Flag(yes) => Some(Number::Whole(yes.into())),
        Cell::Empty | Cell::Text(_) | Cell::Texts(_) | Cell::List(_) => None,
    }
}

/// Whole numbers are compared whole: nanoseconds do not fit a float.
#[derive(Clone, Copy, Debug)]
pub(in crate::case) enum Number {
    Whole(i64),
    Real(f64),
}
