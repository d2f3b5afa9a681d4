//! Rankings as a workbook: a sheet for each detector, one for the manifest. Texts are written as texts, so that nothing is ever run.

use super::Format as FileFormat;
use super::cell::is_risky;
use super::chapter::{Chapter, Facts, LeadChapter};
use super::leads::{LEAD_COLUMNS, lead_row};
use super::row::RANKING_COLUMNS;
use crate::control::{Control, RunError};
use crate::domain::{Cell, time};
use crate::files::{AtomicFile, OutputPath};
use anyhow::Context;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use serde_json::Value;
use std::io::Write;

/// Rows of one sheet: Excel's own limit without the header.
const ROWS: usize = 1_048_575;
/// Rows of a whole workbook, which is made in memory.
const MOST: usize = 200_000;
/// UTF-16 units of a cell; Excel refuses more than 32,767.
const UNITS: usize = 32_000;

/// Writes a workbook; says how many rows it holds.
///
/// # Errors
/// When there are too many rows for a workbook, the file cannot be written, or the job is cancelled.
pub fn write_xlsx(path: &OutputPath, facts: &Facts<'_>, chapters: &[Chapter<'_>], control: &Control) -> Result<u64, RunError> {
    let rows: usize = chapters.iter().map(|c| c.which.len()).sum();
    if rows > MOST.min(ROWS) {
        return Err(RunError::failed(format!("{rows} rows are too many for a workbook (at most {MOST}); write fewer, or {}", FileFormat::Csv.title())));
    }
    let failed = |e: XlsxError| anyhow::Error::new(e).context(format!("cannot write {}", path.display()));
    let mut book = Workbook::new();
    // The same rows give the same bytes.
    let epoch = ExcelDateTime::from_ymd(2000, 1, 1).map_err(failed)?;
    book.set_properties(&DocProperties::new().set_title(facts.title).set_creation_datetime(&epoch));
    if let Some(leads) = &facts.leads {
        leads_sheet(book.add_worksheet(), leads).map_err(failed)?;
    }
    for chapter in chapters {
        sheet(book.add_worksheet(), chapter, control)?.map_err(failed)?;
    }
    manifest(book.add_worksheet(), facts, chapters).map_err(failed)?;
    let mut file = AtomicFile::create(path)?;
    file.write_all(&book.save_to_buffer().map_err(failed)?).with_context(|| format!("cannot write {}", path.display()))?;
    file.finish()?;
    Ok(rows as u64)
}

fn sheet(sheet: &mut Worksheet, chapter: &Chapter<'_>, control: &Control) -> Result<Result<(), XlsxError>, RunError> {
    let bold = Format::new().set_bold();
    let mut begin = || -> Result<(), XlsxError> {
        sheet.set_name(chapter.report.detector.title())?;
        sheet.set_freeze_panes(1, 0)?;
        for (at, column) in RANKING_COLUMNS.iter().enumerate() {
            sheet.write_string_with_format(0, at as u16, column.name, &bold)?;
            sheet.set_column_width(at as u16, if matches!(column.name, "message" | "command_line" | "reason_1") { 60 } else { 16 })?;
        }
        Ok(())
    };
    let mut done = begin();
    for (line, (_, subject)) in chapter.subjects().enumerate() {
        if line % 256 == 0 {
            control.check()?;
        }
        let mark = chapter.mark(subject);
        let row = chapter.lookup.row(chapter.report, subject, &mark);
        done = done.and_then(|()| RANKING_COLUMNS.iter().enumerate().try_for_each(|(at, column)| write(sheet, line as u32 + 1, at as u16, (column.get)(&row))));
    }
    Ok(done)
}

fn leads_sheet(sheet: &mut Worksheet, chapter: &LeadChapter<'_>) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    sheet.set_name("Leads")?;
    sheet.set_freeze_panes(1, 0)?;
    for (column, name) in LEAD_COLUMNS.iter().enumerate() {
        sheet.write_string_with_format(0, column as u16, *name, &bold)?;
        sheet.set_column_width(column as u16, if matches!(*name, "message" | "story" | "links") { 60 } else { 16 })?;
    }
    for (line, lead) in chapter.which.iter().filter_map(|at| chapter.leads.list.get(*at)).enumerate() {
        let values = lead_row(lead, &(chapter.mark)(lead));
        values.iter().enumerate().try_for_each(|(column, value)| write_value(sheet, line as u32 + 1, column as u16, value))?;
    }
    Ok(())
}

fn write_value(sheet: &mut Worksheet, row: u32, column: u16, value: &Value) -> Result<(), XlsxError> {
    match value {
        Value::Array(items) if items.is_empty() => Ok(()),
        Value::Array(_) | Value::Object(_) => string(sheet, row, column, &value.to_string()),
        Value::Null => Ok(()),
        Value::Bool(yes) => write(sheet, row, column, Cell::Flag(*yes)),
        Value::String(text) => write(sheet, row, column, Cell::Text(text)),
        Value::Number(number) => write(sheet, row, column, number.as_u64().map_or(Cell::Real(number.as_f64().unwrap_or_default()), Cell::Id)),
    }
}

fn write(sheet: &mut Worksheet, row: u32, column: u16, cell: Cell<'_>) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty | Cell::Texts([]) | Cell::List([]) => {}
        Cell::Flag(yes) => drop(sheet.write_boolean(row, column, yes)?),
        // Beyond 2^53 a number would lose digits.
        Cell::Id(id) if id >= 1 << 53 => string(sheet, row, column, &id.to_string())?,
        Cell::Id(id) => drop(sheet.write_number(row, column, id as f64)?),
        Cell::Number(number) => drop(sheet.write_number(row, column, number)?),
        Cell::Whole(number) => drop(sheet.write_number(row, column, number as f64)?),
        Cell::Real(number) => drop(sheet.write_number(row, column, number)?),
        Cell::Text(text) => string(sheet, row, column, text)?,
        Cell::Time(ns) => string(sheet, row, column, &time::iso(ns))?,
        Cell::Texts(_) | Cell::List(_) => string(sheet, row, column, &serde_json::to_string(&cell).unwrap_or_default())?,
    }
    Ok(())
}

fn string(sheet: &mut Worksheet, row: u32, column: u16, text: &str) -> Result<(), XlsxError> {
    let text = cut(text);
    // A cell that is edited later must stay a text too.
    if is_risky(&text) {
        sheet.write_string_with_format(row, column, text, &Format::new().set_quote_prefix())?;
    } else {
        sheet.write_string(row, column, text)?;
    }
    Ok(())
}

fn cut(text: &str) -> String {
    let mut units = 0;
    for (at, letter) in text.char_indices() {
        units += letter.len_utf16();
        if units > UNITS {
            return format!("{} (cut here, {} letters in all; JSONL has them)", text.get(..at).unwrap_or_default(), text.chars().count());
        }
    }
    text.to_owned()
}

fn manifest(sheet: &mut Worksheet, facts: &Facts<'_>, chapters: &[Chapter<'_>]) -> Result<(), XlsxError> {
    sheet.set_name("Manifest")?;
    sheet.set_column_width(0, 30)?;
    sheet.set_column_width(1, 100)?;
    for (line, (name, value)) in super::manifest::lines(facts, chapters).into_iter().enumerate() {
        string(sheet, line as u32, 0, &name)?;
        string(sheet, line as u32, 1, &value)?;
    }
    Ok(())
}
