//! Paths in what rows say.

/// Endings at which a path in running text stops, spaces before them or not.
const ENDINGS: &[&str] =
    &[".exe", ".dll", ".ps1", ".bat", ".cmd", ".vbs", ".scr", ".com", ".sys", ".msi", ".hta", ".js", ".zip", ".7z", ".rar", ".txt", ".log", ".tmp", ".dat"];
/// Paths taken from one row at most.
const MOST: usize = 16;
/// Longest text that is looked through.
const LONGEST: usize = 8192;

/// The path that a row without columns for it begins with.
pub(super) fn object(message: &str) -> Option<&str> {
    let text = message.trim();
    let rooted = text.starts_with(['/', '\\']) || text.get(1..3).is_some_and(|colon| colon == ":\\" || colon == ":/");
    rooted.then_some(text).filter(|text| text.len() < 1024)
}

/// Paths with a drive, path hints, and bare names of programs, in the order in which they come, each once.
pub(super) fn paths(message: &str) -> Vec<String> {
    let text = message.get(..message.floor_char_boundary(LONGEST)).unwrap_or_default();
    let text = if text.contains("\\\\") { text.replace("\\\\", "\\") } else { text.to_owned() };
    // ASCII lower case keeps every offset.
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (at, _) in lower.match_indices(":\\") {
        let start = at.wrapping_sub(1);
        let drive = lower.as_bytes().get(start).is_some_and(u8::is_ascii_alphabetic);
        let inside = start > 0 && lower.as_bytes().get(start - 1).is_some_and(u8::is_ascii_alphanumeric);
        if at > 0 && drive && !inside {
            found.push((start, at + 2 + length(&lower[at + 2..])));
        }
    }
    for (at, mark) in lower.match_indices("path hints: ") {
        let start = at + mark.len();
        found.push((start, start + length(&lower[start..])));
    }
    for ending in [".exe", ".ps1", ".bat", ".vbs", ".hta"] {
        for (at, _) in lower.match_indices(ending) {
            let end = at + ending.len();
            let whole = lower.as_bytes().get(end).is_none_or(|next| !next.is_ascii_alphanumeric());
            let start = lower[..at]
                .rfind(|c: char| !(c.is_alphanumeric() || "_-.+~$%".contains(c)))
                .map_or(0, |before| before + lower[before..].chars().next().map_or(1, char::len_utf8));
            if whole && start < at && !found.iter().any(|(from, to)| *from <= start && start < *to) {
                found.push((start, end));
            }
        }
    }
    found.sort_unstable();
    let mut out: Vec<String> = Vec::new();
    for (start, end) in found {
        let path = text.get(start..end).unwrap_or_default().trim_end_matches(['.', ' ', '\\', ')']);
        if path.len() > 3 && !out.iter().any(|known| known.eq_ignore_ascii_case(path)) {
            out.push(path.to_owned());
            if out.len() == MOST {
                break;
            }
        }
    }
    out
}

/// How far a path goes: to a character that no path has, less what follows a known ending or, without one, the first space.
fn length(rest: &str) -> usize {
    let end = rest.find(['"', '\'', '<', '>', '|', '*', '?', '\t', '\n', '\r', ',', ';', '[', ']']).unwrap_or(rest.len());
    let end = rest[..end].find(":\\").map_or(end, |next| next.saturating_sub(1));
    let whole = rest.get(..end).unwrap_or_default();
    let stop = ENDINGS
        .iter()
        .flat_map(|ending| whole.match_indices(ending).map(|(at, ending)| at + ending.len()))
        .filter(|at| whole.as_bytes().get(*at).is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'.'))
        .min();
    // Without an ending: the first space, but for those of well-known folders.
    let known =
        ["program files (x86)\\", "program files\\", "documents and settings\\"].iter().find(|known| whole.starts_with(**known)).map_or(0, |known| known.len());
    stop.or_else(|| whole.get(known..)?.find(' ').map(|at| known + at)).unwrap_or(whole.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_end_where_they_end() {
        let text = r#"['C:\\Program Files\\App\\run me.exe'  '"C:\\Temp\\x\\p.exe" -o c:\\out\\a.log /f', powershell.exe -enc] Prefetch path hints: \WINDOWS\NET.EXE hash: 0x1"#;
        assert_eq!(paths(text), [r"C:\Program Files\App\run me.exe", r"C:\Temp\x\p.exe", r"c:\out\a.log", "powershell.exe", r"\WINDOWS\NET.EXE"]);
        assert!(paths("http://a:b ä:\\ x .exe ünï:\\").iter().all(|path| !path.is_empty()));
    }

    #[test]
    fn an_object_is_a_rooted_path() {
        assert_eq!((object("/a/b c"), object(r"C:\x"), object("words of it")), (Some("/a/b c"), Some(r"C:\x"), None));
    }
}
