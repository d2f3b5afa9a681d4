//! How an event or a file looks in each format.

use super::super::estate::Host;
use super::super::output::Numbered;
use super::super::shape::Field;
use super::super::words::guid_text;
use super::files::{File, Times};
use super::{Format, Line};
use crate::domain::time::iso;
use std::fmt::Write;

/// plaso's l2tcsv and dynamic outputs know no quotes: commas become blanks and line ends dashes.
fn bare(text: &str) -> String {
    text.replace("\r\n", "-").replace(['\n', '\r'], "-").replace(',', " ")
}

/// An event as a line, its end included.
pub(super) fn event(format: Format, host: &Host, row: &Numbered<'_>) -> Line {
    let shape = row.shape;
    let mut strings = String::new();
    for field in &row.row.fields {
        if !strings.is_empty() {
            strings.push_str(", ");
        }
        strings.push('\'');
        show(field, &mut strings);
        strings.push('\'');
    }
    let guid = if shape.guid == "-" { String::new() } else { format!("Provider identifier: {{{}}} ", shape.guid) };
    let message = format!(
        "[{} / 0x{:04x}] {guid}Source Name: {} Strings: [{strings}] Hostname: {} Record Number: {} Event Level: {}",
        shape.id, shape.id, shape.provider, host.computer, row.id, shape.level
    );
    let file = format!("/Windows/System32/winevt/Logs/{}.evtx", shape.channel.replace('/', "%4"));
    let path = format!("OS:/evidence/{}/C{file}", host.name);
    let sid = row.row.user.as_deref().unwrap_or("-");
    let time = row.row.time;
    let text = match format {
        Format::L2tCsv => {
            let message = bare(&message);
            let short: String = message.chars().take(80).collect();
            let extra = format!("event_version: {}; message_identifier: {}; user_sid: {sid}", shape.version, shape.id);
            format!(
                "{},UTC,M..B,EVT,WinEVTX,Content Modification Time; Creation Time,-,{},{short},{message},2,{path},-,-,winevtx,{extra}\n",
                l2t_time(time),
                host.name
            )
        }
        Format::Dynamic => format!("{},Content Modification Time,EVT,WinEVTX,{},winevtx,{path},-\n", dynamic_time(time), bare(&message)),
        _ => {
            let row = serde_json::json!({
                "message": message, "datetime": dynamic_time(time).replace(' ', "T"), "timestamp_desc": "Content Modification Time", "timestamp": time / 1000,
                "source": "EVT", "source_long": "WinEVTX", "parser": "winevtx", "data_type": "windows:evtx:record", "display_name": path, "filename": file,
                "computer_name": &*host.computer, "event_identifier": shape.id, "event_level": shape.level, "source_name": shape.provider, "record_number": row.id, "user_sid": sid, "tag": [],
            });
            format!("{row}\n")
        }
    };
    Line { time, label: row.row.label, text }
}

fn show(field: &Field, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match field {
        Field::Text(text) => out.write_str(text),
        Field::Number(number) => write!(out, "{number}"),
        Field::Guid(guid) => write!(out, "{}", guid_text(*guid)),
        Field::List(texts) => write!(out, "{}", texts.join("', '")),
        Field::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}")),
    };
}

/// A file as lines of a timeline: for each of its two sets of times, one line per distinct time.
pub(super) fn file(format: Format, host: &Host, file: &File) -> Vec<Line> {
    let mut lines = Vec::new();
    let hint = file.path.get(2..).unwrap_or(&file.path);
    for (number, attribute, times) in [(16, "$STANDARD_INFORMATION", file.standard), (48, "$FILE_NAME", file.name)] {
        let named =
            if number == 48 { format!(" Name: {} Parent file reference: {}-1", hint.rsplit('\\').next().unwrap_or(hint), file.parent) } else { String::new() };
        let (entry, sequence) = (file.entry, file.sequence);
        let source = format!("OS:/evidence/{}/C/$MFT", host.name);
        let message = format!("{source} File reference: {entry}-{sequence} Attribute name: {attribute}{named} Path hints: {hint}");
        for (time, flags, kinds) in distinct(times) {
            let text = match format {
                Format::L2tCsv => {
                    let short = format!("/evidence/{}/C/$MFT {entry}-{sequence} {attribute}", host.name);
                    let extra = format!("attribute_type: {number}; file_attribute_flags: 32; file_system_type: NTFS; is_allocated: True");
                    format!(
                        "{},UTC,{flags},FILE,NTFS file stat,{kinds},-,{},{short},{},2,{source},-,-,mft,{extra}\n",
                        l2t_time(time),
                        host.name,
                        bare(&message)
                    )
                }
                Format::Dynamic => format!("{},{kinds},FILE,NTFS file stat,{},mft,{source},-\n", dynamic_time(time), bare(&message)),
                _ => {
                    let row = serde_json::json!({
                        "message": message, "datetime": dynamic_time(time).replace(' ', "T"), "timestamp_desc": kinds, "timestamp": time / 1000, "source": "FILE", "source_long": "NTFS file stat",
                        "parser": "mft", "data_type": "fs:stat:ntfs", "display_name": source, "file_reference": format!("{entry}-{sequence}"), "attribute_type": number, "path_hints": [hint],
                        "computer_name": &*host.computer, "is_allocated": true, "tag": [],
                    });
                    format!("{row}\n")
                }
            };
            lines.push(Line { time, label: file.label, text });
        }
    }
    lines
}

/// The distinct times with their MACB flags and plaso's names for them, oldest first.
fn distinct(times: Times) -> Vec<(i64, String, String)> {
    let all = [
        (times.modified, 'M', "Content Modification Time"),
        (times.accessed, 'A', "Last Access Time"),
        (times.changed, 'C', "Metadata Modification Time"),
        (times.born, 'B', "Creation Time"),
    ];
    let mut moments: Vec<i64> = all.iter().map(|(time, ..)| *time).collect();
    moments.sort_unstable();
    moments.dedup();
    let of = |moment: i64| {
        let flags = all.iter().map(|(time, flag, _)| if *time == moment { *flag } else { '.' }).collect();
        let mut kinds: Vec<&str> = all.iter().filter(|(time, ..)| *time == moment).map(|(.., kind)| *kind).collect();
        kinds.sort_unstable();
        (moment, flags, kinds.join("; "))
    };
    moments.into_iter().map(of).collect()
}

/// A file as one line of a file system's listing.
pub(super) fn whole_file(format: Format, file: &File) -> String {
    if format == Format::Bodyfile {
        let second = |time: i64| time.div_euclid(1_000_000_000);
        let Times { modified, accessed, changed, born } = file.standard;
        let path = file.path.replace('\\', "/");
        return format!(
            "0|{path}|{}-128-1|r/rrwxrwxrwx|0|0|{}|{}|{}|{}|{}\n",
            file.entry,
            file.size,
            second(accessed),
            second(modified),
            second(changed),
            second(born)
        );
    }
    let (folder, name) = file.path.rsplit_once('\\').unwrap_or(("", &file.path));
    let folder = folder.replacen("C:", ".", 1);
    let extension = name.rsplit_once('.').map_or(String::new(), |(_, extension)| format!(".{extension}"));
    let (standard, named) = (file.standard, file.name);
    let mut times = String::new();
    for (standard, named) in
        [(standard.born, named.born), (standard.modified, named.modified), (standard.changed, named.changed), (standard.accessed, named.accessed)]
    {
        // MFTECmd leaves the second time out where it equals the first.
        let second = if standard == named { String::new() } else { mft_time(named) };
        times.extend([mft_time(standard), ",".to_owned(), second, ",".to_owned()]);
    }
    let earlier = if standard.born < named.born { "True" } else { "False" };
    let zeros = if standard.born % 1_000_000_000 == 0 { "True" } else { "False" };
    let copied = if standard.modified < standard.born { "True" } else { "False" };
    format!(
        "{},{},True,{},1,{},{},{extension},{},1,,False,False,False,{earlier},{zeros},{copied},Archive,Windows,{times}{},{},{},,,,$MFT\r\n",
        file.entry,
        file.sequence,
        file.parent,
        quoted(&folder),
        quoted(name),
        file.size,
        file.entry * 1024,
        file.entry * 77,
        1 + file.parent % 3000
    )
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// `10/18/2023,02:44:40`.
fn l2t_time(time: i64) -> String {
    let text = iso(time);
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    format!("{}/{}/{},{}", part(5, 7), part(8, 10), part(0, 4), part(11, 19))
}

/// `2023-12-26 00:43:28.536120+00:00`.
fn dynamic_time(time: i64) -> String {
    let text = iso(time);
    format!("{} {}+00:00", text.get(..10).unwrap_or_default(), text.get(11..26).unwrap_or_default())
}

/// `2023-12-26 00:43:28.5361201`.
fn mft_time(time: i64) -> String {
    let text = iso(time);
    format!("{} {}", text.get(..10).unwrap_or_default(), text.get(11..27).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::host::Label;

    #[test]
    fn equal_times_share_a_line() {
        let times = Times { modified: 5, accessed: 9, changed: 5, born: 1 };
        let lines: Vec<(i64, String)> = distinct(times).into_iter().map(|(time, flags, _)| (time, flags)).collect();
        assert_eq!(lines, [(1, "...B".to_owned()), (5, "M.C.".to_owned()), (9, ".A..".to_owned())]);
    }

    #[test]
    fn times_are_written_as_the_tools_write_them() {
        let time = 1_600_365_438_123_456_700;
        assert_eq!(l2t_time(time), "09/17/2020,17:57:18");
        assert_eq!(dynamic_time(time), "2020-09-17 17:57:18.123456+00:00");
        assert_eq!(mft_time(time), "2020-09-17 17:57:18.1234567");
    }

    #[test]
    fn a_time_stomped_file_shows_it() {
        let standard = Times { modified: 0, accessed: 0, changed: 0, born: 0 };
        let name = Times { modified: 1_600_365_438_123_456_700, ..standard };
        let file = File { path: r"C:\Windows\a, b.dll".into(), entry: 7, sequence: 2, parent: 5, size: 10, standard, name, label: Label::Attack };
        let line = whole_file(Format::Mftecmd, &file);
        assert!(line.starts_with("7,2,True,5,1,.\\Windows,\"a, b.dll\",.dll,10,1,"), "{line}");
        assert!(line.contains(",1970-01-01 00:00:00.0000000,2020-09-17 17:57:18.1234567,"), "{line}");
        assert_eq!(line.replace("\"a, b.dll\"", "").matches(',').count(), 33, "one comma fewer than the heading has columns");
        assert_eq!(super::super::heading(Format::Mftecmd).matches(',').count(), 33);
        assert_eq!(whole_file(Format::Bodyfile, &file), "0|C:/Windows/a, b.dll|7-128-1|r/rrwxrwxrwx|0|0|10|0|0|0|0\n");
    }
}
