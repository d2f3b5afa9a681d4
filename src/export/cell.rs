//! Cells as text: in CSV neutralised for spreadsheets, in JSON lines as they are.

use crate::domain::Cell;
use serde_json::Value;
use std::borrow::Cow;
use std::io::Write;

/// A cell as CSV has it: numbers as they are, text neutralised with `'` where a spreadsheet would run it, nothing where there is nothing.
pub(super) fn csv(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Empty => "".into(),
        Cell::Text(text) => neutralised(text),
        Cell::Texts([]) | Cell::List([]) => "".into(),
        Cell::Real(number) if !number.is_finite() => "".into(),
        Cell::Time(ns) => crate::domain::time::iso(ns).into(),
        Cell::Texts(_) | Cell::List(_) => neutralised(&json(cell)).into_owned().into(),
        Cell::Whole(_) | Cell::Id(_) | Cell::Number(_) | Cell::Real(_) | Cell::Flag(_) => json(cell).into(),
    }
}

fn json(cell: Cell<'_>) -> String {
    serde_json::to_string(&cell).unwrap_or_default()
}

/// A JSON value as CSV has it: the same, for rows that are made rather than borrowed.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Array(items) if items.is_empty() => String::new(),
        Value::String(text) => neutralised(text).into_owned(),
        Value::Array(_) | Value::Object(_) => neutralised(&value.to_string()).into_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Writes one row of a CSV file.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_row<'c>(csv: &mut csv::Writer<impl Write>, cells: impl Iterator<Item = Cell<'c>>) -> csv::Result<()> {
    for cell in cells {
        csv.write_field(self::csv(cell).as_bytes())?;
    }
    csv.write_record(None::<&[u8]>)
}

/// Writes the members of a JSON object without its braces: `"name":cell,...`.
///
/// # Errors
/// When they cannot be written.
pub(super) fn write_members<'c>(out: &mut impl Write, cells: impl Iterator<Item = (&'static str, Cell<'c>)>) -> std::io::Result<()> {
    for (at, (name, cell)) in cells.enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        serde_json::to_writer(&mut *out, name)?;
        out.write_all(b":")?;
        serde_json::to_writer(&mut *out, &cell)?;
    }
    Ok(())
}

/// A text that neither a spreadsheet runs nor a terminal that shows the file obeys.
pub(super) fn neutralised(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let shown: Cow<'_, str> =
        if text.contains(obeyed) { text.chars().map(|c| if obeyed(c) { '\u{fffd}' } else { c }).collect::<String>().into() } else { text.into() };
    if is_risky(&shown) { format!("'{shown}").into() } else { shown }
}

/// Cells as one line of tab-separated text for the clipboard: neutralised as in a CSV file, numbers as they are, and none breaks out of its cell.
#[must_use]
pub fn tab_row<T: AsRef<str>>(cells: &[T]) -> String {
    let cell = |text: &str| {
        let flat: String = text.chars().map(|c| if matches!(c, '\t' | '\n' | '\r') { ' ' } else { c }).collect();
        if flat.parse::<f64>().is_ok_and(f64::is_finite) { flat } else { neutralised(&flat).into_owned() }
    };
    cells.iter().map(|text| cell(text.as_ref())).collect::<Vec<_>>().join("\t")
}

/// Whether a spreadsheet would run a text; one that looks neutralised already counts too, so that reading back takes away what was put before it.
pub(super) fn is_risky(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// What a cell was before it was neutralised.
pub(super) fn restore(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_risky(rest)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_in_a_cell() {
        assert_eq!(csv(Cell::Text("a\u{1b}[31mb\u{9b}0m\0\nc")), "a\u{fffd}[31mb\u{fffd}0m\u{fffd}\nc");
    }

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_neutralised_and_numbers_never() {
        for risky in ["=1+1", "+x", "-x", "@x", "\tx", "\rx"] {
            assert_eq!(csv(Cell::Text(risky)), format!("'{risky}"));
        }
        for text in ["=1", "'=1", "''-", "'a", "a", "", "'"] {
            assert_eq!(restore(&neutralised(text)), text);
        }
        assert_eq!(csv(Cell::Text("a=b")), "a=b");
        assert_eq!(csv(Cell::Whole(-1)), "-1");
        assert_eq!(csv(Cell::Real(-1.5)), "-1.5");
        assert_eq!(csv(Cell::Flag(true)), "true");
        assert_eq!(csv(Cell::Real(0.1 + 0.2)), "0.30000000000000004");
        assert_eq!(csv(Cell::Real(f64::NAN)), "");
        assert_eq!(csv(Cell::Time(0)), "1970-01-01T00:00:00.0000000+00:00");
        assert_eq!(csv(Cell::List(&["a".into(), "\u{1b}=b".into()])), r#"["a","\u001b=b"]"#);
        assert_eq!(csv(Cell::List(&["\u{9b}".into()])), "[\"\u{fffd}\"]");
        assert_eq!(csv(Cell::List(&[])), "");
    }

    #[test]
    fn members_of_an_object_are_typed() {
        let mut out = Vec::new();
        let cells = [("a", Cell::Empty), ("b", Cell::Text("=\"")), ("c", Cell::Id(u64::MAX)), ("d", Cell::Real(f64::INFINITY)), ("e", Cell::List(&[]))];
        write_members(&mut out, cells.into_iter()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), r#""a":null,"b":"=\"","c":18446744073709551615,"d":null,"e":[]"#);
    }
}
