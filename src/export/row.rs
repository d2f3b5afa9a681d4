//! One subject as a row of a file: the contract's columns, each written once.

use crate::domain::{Cell, ColumnKind, DetectorId, Ledger, Report, Subject};
use serde_json::Value;

/// One subject on its way into a file.
#[derive(Clone, Copy)]
pub struct RankedRow<'a> {
    /// The ranking.
    pub report: &'a Report,
    /// The subject.
    pub subject: &'a Subject,
    /// What the analyst said of it.
    pub mark: &'a Mark,
    /// Where its first event comes from.
    pub source: Option<&'a Ledger>,
    /// Its members as a JSON array, for columns that want them.
    pub events: &'a str,
    /// Its contributions as a JSON array, for columns that want them.
    pub contributions: &'a str,
}

/// A column of a ranking's files.
pub struct RankingColumn {
    /// Its name: the CSV's header, the key in JSON lines.
    pub name: &'static str,
    /// What it holds in files that have types.
    pub kind: ColumnKind,
    /// A row's cell.
    pub get: for<'a> fn(&RankedRow<'a>) -> Cell<'a>,
}

const fn column(name: &'static str, kind: ColumnKind, get: for<'a> fn(&RankedRow<'a>) -> Cell<'a>) -> RankingColumn {
    RankingColumn { name, kind, get }
}

use ColumnKind::{Flag, Id, Real, Text};

/// The columns of a ranking, in the order of the contract: add at the end, never rename.
pub const RANKING_COLUMNS: [RankingColumn; 38] = [
    column("message", Text, |row| Cell::Text(&row.subject.title)),
    column("datetime", Text, |row| time(row.subject.first_seen)),
    column("timestamp_desc", Text, |row| timestamp_desc(row.report.detector).into()),
    column("tag", Text, |row| Cell::List(&row.mark.tags)),
    column("rank", Id, |row| Cell::Id(row.subject.rank)),
    column("score", Real, |row| real(Some(row.subject.score))),
    column("loss", Real, |row| real(row.subject.loss)),
    column("rarity", Real, |row| real(row.subject.rarity)),
    column("learned", Real, |row| real(row.subject.learned)),
    column("prior", Real, |row| real(row.subject.prior)),
    column("percentile", Real, |row| real(Some(row.subject.percentile))),
    column("threshold", Real, |row| real(Some(row.report.threshold))),
    column("flagged", Flag, |row| Cell::Flag(row.mark.flagged)),
    column("above", Flag, |row| Cell::Flag(row.subject.score >= row.report.threshold)),
    column("detector", Text, |row| row.report.detector.name().into()),
    column("subject", Text, |row| Cell::Text(&row.subject.subject)),
    column("count", Id, |row| Cell::Id(row.subject.count)),
    column("first_seen", Text, |row| time(row.subject.first_seen)),
    column("last_seen", Text, |row| time(row.subject.last_seen)),
    column("computer", Text, |row| row.subject.computer.as_deref().into()),
    column("user", Text, |row| row.subject.user.as_deref().into()),
    column("channel", Text, |row| row.subject.channel.as_deref().into()),
    column("provider", Text, |row| row.subject.provider.as_deref().into()),
    column("event_id", Id, |row| row.subject.event_id.map_or(Cell::Empty, Cell::Number)),
    column("record_id", Id, |row| row.subject.record_id.map_or(Cell::Empty, Cell::Id)),
    column("image", Text, |row| row.subject.image.as_deref().into()),
    column("command_line", Text, |row| row.subject.command_line.as_deref().into()),
    column("reason_1", Text, |row| Cell::Text(&row.subject.reasons[0])),
    column("reason_2", Text, |row| Cell::Text(&row.subject.reasons[1])),
    column("reason_3", Text, |row| Cell::Text(&row.subject.reasons[2])),
    column("note", Text, |row| Cell::Text(&row.mark.note)),
    column("source_file", Text, |row| row.source.map(|source| source.source_file.as_str()).into()),
    column("source_sha256", Text, |row| row.source.map(|source| source.sha256.as_str()).into()),
    column("source_record", Id, |row| Cell::Id(row.subject.key.record)),
    column("model_id", Text, |row| Cell::Text(&row.report.model_id)),
    column("tags", Text, |row| Cell::List(&row.mark.tags)),
    column("flagged_at", Text, |row| Cell::Text(&row.mark.flagged_at)),
    column("analyst", Text, |row| Cell::Text(&row.mark.analyst)),
];

/// What a data frame has besides: all members and all contributions.
pub const WHOLE_COLUMNS: [RankingColumn; 2] =
    [column("events", Text, |row| Cell::Text(row.events)), column("contributions", Text, |row| Cell::Text(row.contributions))];

/// The names of [`RANKING_COLUMNS`].
pub const COLUMNS: [&str; RANKING_COLUMNS.len()] = {
    let mut names = [""; RANKING_COLUMNS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = RANKING_COLUMNS[at].name;
        at += 1;
    }
    names
};

fn time<'a>(ns: Option<i64>) -> Cell<'a> {
    ns.map_or(Cell::Empty, Cell::Time)
}

/// A number; one that is not finite is no number in any file.
fn real<'a>(number: Option<f64>) -> Cell<'a> {
    number.filter(|number| number.is_finite()).map_or(Cell::Empty, Cell::Real)
}

/// What the analyst said of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The analyst's flag.
    pub flagged: bool,
    /// Free tags.
    pub tags: Vec<String>,
    /// The analyst's note.
    pub note: String,
    /// When it was flagged, ISO 8601.
    pub flagged_at: String,
    /// Who flagged it.
    pub analyst: String,
}

/// What the row's time says.
fn timestamp_desc(detector: DetectorId) -> &'static str {
    match detector {
        DetectorId::Groups => "Start of process group window",
        DetectorId::Chains => "First process chain seen",
        DetectorId::Fields => "First event seen",
        DetectorId::Process => "First event of process",
        DetectorId::Timeline => "Timeline row",
    }
}

/// Where a row comes from: the source's file and SHA-256; null where it is gone.
#[must_use]
pub fn origin(source: Option<&Ledger>) -> [Value; 2] {
    source.map_or([Value::Null, Value::Null], |source| [source.source_file.as_str().into(), source.sha256.as_str().into()])
}
