//! Paths and command lines as text to be compared: parts of a path, and what differs from one machine to the next replaced by its class.
//!
//! Border: text in, text out; no file system.

use super::classes::{Classes, OwnNames, replace};
use std::sync::LazyLock;

/// The name at the end of a path, in lower case, with either kind of slash.
#[must_use]
pub fn base(path: &str) -> String {
    let path = path.trim().trim_matches('"');
    path.rsplit(['\\', '/']).next().unwrap_or_default().to_lowercase()
}

/// Everything before the name, without the last backslash; empty when the path is a bare name. Give it a normalised path.
#[must_use]
pub fn directory(path: &str) -> &str {
    path.rsplit_once('\\').map_or("", |(directory, _)| directory)
}

/// Replaces what differs from machine to machine by its class: GUIDs, SIDs, user folders, update numbers, versions, hexadecimal and long numbers.
/// Lower case, `/` as `\`, quotes and `\\?\` gone, the usual environment roots spelt out.
#[must_use]
pub fn normalise(text: &str) -> String {
    let mut plain = text.trim().to_lowercase().replace('/', "\\").replace('"', "");
    for (from, to) in [("\\\\?\\", ""), ("\\??\\", ""), ("%systemroot%", "c:\\windows"), ("%windir%", "c:\\windows"), ("%systemdrive%", "c:")] {
        if plain.contains(from) {
            plain = plain.replace(from, to);
        }
    }
    if let Some(rest) = plain.strip_prefix("\\systemroot") {
        plain = format!("c:\\windows{rest}");
    }
    let mut out = String::with_capacity(plain.len());
    replace(&plain, Classes::PATH, &NOBODY, &mut out);
    out
}

/// Paths are compared between estates: the case's own names stay.
static NOBODY: LazyLock<OwnNames> = LazyLock::new(OwnNames::default);

/// Arguments of a command line: the line without its program, normalised, at most `most` characters.
#[must_use]
pub fn arguments(command_line: &str, image: &str, most: usize) -> String {
    let rest = without_program(command_line.trim(), image);
    let cut = rest.char_indices().nth(most).map_or(rest, |(at, _)| rest.get(..at).unwrap_or(rest));
    normalise(cut)
}

/// A command line without its program: quoted, or the image's path or name as the event tells it, else the first word.
pub fn without_program<'a>(line: &'a str, image: &str) -> &'a str {
    if let Some(quoted) = line.strip_prefix('"') {
        return quoted.split_once('"').map_or("", |(_, rest)| rest).trim_start();
    }
    let name = image.rsplit(['\\', '/']).next().unwrap_or(image);
    for program in [image, name, name.trim_end_matches(".exe").trim_end_matches(".EXE")] {
        let head = line.get(..program.len()).filter(|head| !program.is_empty() && head.eq_ignore_ascii_case(program));
        if let Some(rest) = head.and_then(|_| line.get(program.len()..)).filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            return rest.trim_start();
        }
    }
    line.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).trim_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_machines_becomes_a_class() {
        let cases = [
            (r"C:\Users\alice\AppData\Local\Temp\{01234567-89AB-CDEF-0123-456789ABCDEF}\setup.exe", r"c:\users\<user>\appdata\local\temp\<guid>\setup.exe"),
            (r"C:/Users/Public/a.exe", r"c:\users\public\a.exe"),
            (r"\??\C:\Windows\system32\conhost.exe", r"c:\windows\system32\conhost.exe"),
            (r"\SystemRoot\System32\smss.exe", r"c:\windows\system32\smss.exe"),
            (r"c:\programdata\app-1.0.9123\tool.exe", r"c:\programdata\app-<version>\tool.exe"),
            (r"-s S-1-5-21-1-2-3-1001 -p 0x3e7aa -n 123456 -b kb4565503", r"-s <sid> -p <hex> -n <number> -b kb<number>"),
            (r"c:\windows\softwaredistribution\deadbeef01\feedface\x.exe", r"c:\windows\softwaredistribution\<hex>\feedface\x.exe"),
        ];
        for (from, to) in cases {
            assert_eq!(normalise(from), to);
        }
    }

    #[test]
    fn arguments_lose_the_program_however_it_is_written() {
        let image = r"C:\Program Files\App\run.exe";
        assert_eq!(arguments(r#""C:\Program Files\App\run.exe" -a 1"#, image, 400), "-a 1");
        assert_eq!(arguments(r"C:\Program Files\App\run.exe -a 1", image, 400), "-a 1");
        assert_eq!(arguments("run -a 1", image, 400), "-a 1");
        assert_eq!(arguments("run.exe", image, 400), "");
        assert_eq!(arguments("RUN.EXE /c", image, 400), "\\c");
        assert_eq!(arguments("other.exe -x", image, 400), "-x");
        assert_eq!(arguments("\"unclosed", image, 400), "");
        assert_eq!(arguments("run äöü", image, 2), "äö");
    }

    #[test]
    fn parts_of_a_path() {
        assert_eq!(base(r"C:\Windows\System32\CMD.exe"), "cmd.exe");
        assert_eq!(base("/usr/bin/ls"), "ls");
        assert_eq!(directory(r"c:\windows\x.exe"), r"c:\windows");
        assert_eq!(directory("x.exe"), "");
    }
}
