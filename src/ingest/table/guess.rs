//! What an unknown table's columns mean: the time by its values, the rest by their names.

use super::spec::{Columns, Spec, key};
use super::times::Reading;

/// Names of columns that hold times, best first; numbers count as times only under these.
const TIMES: &[&str] = &[
    "datetime",
    "timestamp",
    "@timestamp",
    "utctime",
    "timecreated",
    "eventtime",
    "event_time",
    "_time",
    "time",
    "date",
    "datetimeutc",
    "date and time",
    "start",
    "starttime",
    "start_time",
    "created",
    "ts",
    "epoch",
    "when",
];
/// Parts of such names.
const TIME_WORDS: &[&str] = &["time", "date", "created", "modified", "accessed", "visited", "seen", "written", "lastwrite", "last run", "lastrun"];
const MESSAGES: &[&str] =
    &["message", "description", "desc", "details", "eventdetails", "event", "summary", "text", "info", "information", "data", "title", "name"];
const COMPUTERS: &[&str] =
    &["computer", "computername", "computer_name", "host", "hostname", "machinename", "machine", "system", "device", "devicename", "fqdn", "_hostname"];
const USERS: &[&str] = &["user", "username", "user_name", "userid", "account", "accountname", "user profile", "owner"];
const PATHS: &[&str] = &["path", "fullpath", "full path", "filepath", "file path", "file_path", "fullname", "filename", "file name", "file"];
const IDS: &[&str] = &["eventid", "event_id", "event id", "id"];
const COMMANDS: &[&str] = &["commandline", "command_line", "command line"];

/// Why a table is no evidence.
pub(super) const UNKNOWN: &str = "a table without a known signature and without a column of times; if it is evidence, a mapping must name its columns";

/// Guesses; `rows` are a sample.
///
/// # Errors
/// Why it is not evidence.
pub(super) fn guess(names: &[String], rows: &[Vec<String>]) -> Result<Spec, &'static str> {
    let keys: Vec<String> = names.iter().map(|name| key(name)).collect();
    let has = |name: &str| keys.iter().any(|key| key == name);
    if has("label") && ["row", "record", "record_id", "processguid", "process_guid"].into_iter().any(has) {
        return Err("labels of evidence (a column of labels beside one that names records), not evidence");
    }
    let time = times(&keys, rows).and_then(|at| names.get(at)).ok_or(UNKNOWN)?;
    Ok(named(names, &keys, Some(time)))
}

/// Guesses for somebody who will look at them: numbers may be times under any name, and the longest text is the message.
pub(super) fn freely(names: &[String], rows: &[Vec<String>]) -> Spec {
    let keys: Vec<String> = names.iter().map(|name| key(name)).collect();
    let reading = Reading::default();
    let cells = |at: usize| rows.iter().filter_map(move |row| row.get(at)).map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
    let timely = |at: &usize| {
        let (all, read) = cells(*at).fold((0, 0), |(all, read), cell| (all + 1, read + usize::from(cell.len() >= 8 && reading.read(cell).is_some())));
        read > 0 && read * 2 >= all
    };
    let time = times(&keys, rows).or_else(|| (0..names.len()).find(timely));
    let mut spec = named(names, &keys, time.and_then(|at| names.get(at)));
    if spec.message.0.is_empty() {
        let length = |at: &usize| cells(*at).map(str::len).sum::<usize>();
        let longest = (0..names.len()).filter(|at| Some(*at) != time).max_by_key(|at| (length(at), std::cmp::Reverse(*at)));
        spec.message = Columns(longest.and_then(|at| names.get(at)).cloned().into_iter().collect());
    }
    if spec.image.0.is_empty() {
        let rooted = |cell: &str| cell.starts_with(['/', '\\']) || cell.get(1..3).is_some_and(|colon| colon == ":\\" || colon == ":/");
        let paths = |at: &usize| cells(*at).next().is_some() && cells(*at).all(rooted);
        spec.image = Columns((0..names.len()).find(paths).and_then(|at| names.get(at)).cloned().into_iter().collect());
    }
    spec
}

/// What columns mean by their names, but for that of time.
fn named(names: &[String], keys: &[String], time: Option<&String>) -> Spec {
    let has = |name: &str| keys.iter().any(|key| key == name);
    let pick = |known: &[&str]| {
        let found = known.iter().find_map(|name| keys.iter().position(|key| key == name)).and_then(|at| names.get(at));
        Columns(found.filter(|name| Some(*name) != time).cloned().into_iter().collect())
    };
    Spec {
        time: Columns(time.cloned().into_iter().collect()),
        message: pick(MESSAGES),
        computer: pick(COMPUTERS),
        user: pick(USERS),
        image: pick(PATHS),
        event_id: if has("channel") || has("provider") { pick(IDS) } else { Columns::default() },
        channel: pick(&["channel", "logname", "log_name", "source_long", "source", "artifact", "artifactname"]),
        provider: pick(&["provider", "providername", "provider_name", "sourcename", "source_name", "parser", "tool"]),
        command_line: pick(COMMANDS),
        ..Spec::default()
    }
}

/// The column of times.
fn times(keys: &[String], rows: &[Vec<String>]) -> Option<usize> {
    let reading = Reading::default();
    let mut best: Option<(usize, usize)> = None;
    for (at, key) in keys.iter().enumerate() {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.trim()).filter(|cell| !cell.is_empty() && *cell != "-");
        let known = TIMES.iter().position(|name| name == key);
        let worded = known.is_some() || TIME_WORDS.iter().any(|word| key.contains(word));
        let (mut read, mut all) = (0usize, 0usize);
        for cell in cells {
            all += 1;
            let number = cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            // A small number under a name of time is a duration or a count.
            let sound = if number { worded && cell.split('.').next().is_some_and(|whole| whole.len() >= 9) } else { cell.len() >= 8 };
            read += usize::from(sound && reading.read(cell).is_some());
        }
        if read == 0 || read * 2 < all || (!worded && read * 10 < all * 9) {
            continue;
        }
        let rank = known.unwrap_or(if worded { TIMES.len() } else { TIMES.len() + 1 });
        if best.is_none_or(|(old, _)| rank < old) {
            best = Some((rank, at));
        }
    }
    best.map(|(_, at)| at)
}

/// Whether `03/04/2020` is the third of April: some row of the sample says so by a number above 12 in front, none behind.
pub(super) fn day_first<'a>(cells: impl Iterator<Item = &'a str>) -> bool {
    let mut first = false;
    for cell in cells {
        let mut parts = cell.trim().split(['/', '-', '.']);
        let (Some(a), Some(b), Some(_)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (Ok(a), Ok(b)) = (a.parse::<u32>(), b.parse::<u32>()) else { continue };
        if (13..=31).contains(&b) && a <= 12 {
            return false;
        }
        first |= (13..=31).contains(&a) && b <= 12;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &str, rows: &[&str]) -> Result<Spec, &'static str> {
        let split = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        guess(&split(names), &rows.iter().map(|row| split(row)).collect::<Vec<_>>())
    }

    #[test]
    fn columns_are_told_by_values_and_names() {
        let spec = table("Seen,Hostname,What,Description", &["2020-01-01 00:00:00,WS1,x,made", ",WS1,x,made"]).unwrap();
        assert_eq!((spec.time.0, spec.message.0, spec.computer.0), (vec!["Seen".to_owned()], vec!["Description".to_owned()], vec!["Hostname".to_owned()]));
        let spec = table("a,b", &["x,2020-01-01T00:00:00Z"]).unwrap();
        assert_eq!(spec.time.0, ["b"]);
        assert!(table("ts,b", &["1556717222,x"]).is_ok());
    }

    #[test]
    fn labels_and_tables_without_times_are_refused() {
        assert!(table("row,label,why", &["1,attack,2020-01-01 00:00:00"]).is_err());
        assert!(table("a,b", &["1556717222,x"]).is_err());
        assert!(table("time,b", &["12,x"]).is_err());
        assert!(table("a,b", &[]).is_err());
    }

    #[test]
    fn the_order_of_day_and_month_is_told_by_the_sample() {
        assert!(day_first(["03/04/2020 1:00", "25/04/2020 1:00"].into_iter()));
        assert!(!day_first(["03/04/2020 1:00", "04/25/2020 1:00"].into_iter()));
        assert!(!day_first(["2020-25-04", "03/04/2020"].into_iter()));
    }
}
