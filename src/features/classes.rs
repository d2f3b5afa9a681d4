//! Replaces what varies from host to host or run to run (GUIDs, SIDs, user folders, addresses, versions, hashes, long numbers) by its class.
//!
//! Border: works on lower-case text and knows nothing of events; which classes apply is the caller's choice ([`Classes`]).

/// Which classes are recognised. GUIDs, SIDs, user folders, volumes, versions, hex and long numbers always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes {
    /// ISO times, IPv4 addresses and long base64 runs too.
    pub values: bool,
    /// Digits that make a number a long one.
    pub digits: usize,
}

impl Classes {
    /// For event values.
    pub const VALUE: Self = Self { values: true, digits: 5 };
    /// For paths and arguments of process chains.
    pub const PATH: Self = Self { values: false, digits: 5 };
}

/// Names of the case's own computers and domains, lower case.
#[derive(Clone, Debug, Default)]
pub struct OwnNames {
    names: Vec<(String, &'static str)>,
    lengths: u128,
}

impl OwnNames {
    /// Takes computers as found (`HOST.domain.tld`): the first label is a host; the rest, and its own first label, are domains.
    pub fn new<'a>(computers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = Vec::new();
        for computer in computers {
            let computer = computer.trim().to_lowercase();
            let (host, domain) = computer.split_once('.').unwrap_or((&computer, ""));
            names.push((host.to_owned(), "<host>"));
            if !domain.is_empty() {
                names.push((domain.to_owned(), "<domain>"));
                names.push((domain.split('.').next().unwrap_or(domain).to_owned(), "<domain>"));
            }
        }
        names.retain(|(name, _)| name.len() > 2 && name.len() < 128 && name.bytes().any(|b| b.is_ascii_alphabetic()));
        names.sort();
        names.dedup_by(|a, b| a.0 == b.0);
        let lengths = names.iter().fold(0u128, |bits, (name, _)| bits | 1 << name.len());
        Self { names, lengths }
    }

    fn class(&self, name: &str) -> Option<&'static str> {
        if name.len() >= 128 || self.lengths & (1 << name.len()) == 0 {
            return None;
        }
        self.names.binary_search_by(|(own, _)| own.as_str().cmp(name)).ok().and_then(|at| self.names.get(at)).map(|(_, class)| *class)
    }
}

/// Appends `lower` to `out` with every recognised part replaced by its class; one pass, linear in the text.
pub fn replace(lower: &str, classes: Classes, own: &OwnNames, out: &mut String) {
    let mut scan = Scan { text: lower, bytes: lower.as_bytes(), at: 0, copied: 0, base64_checked: 0, classes, own, out };
    while scan.at < scan.bytes.len() {
        if is_word(scan.bytes[scan.at]) {
            scan.word();
        } else {
            scan.at += 1;
        }
    }
    scan.flush(scan.bytes.len());
}

/// Whether a whole value is a number: decimal with an optional sign, or `0x` hex.
pub fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(hex) => !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()),
    }
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// Next byte to look at; the byte before it is not part of a word when [`Scan::word`] is called.
    at: usize,
    /// Everything before is in `out`.
    copied: usize,
    base64_checked: usize,
    classes: Classes,
    own: &'a OwnNames,
    out: &'a mut String,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_name(byte: u8) -> bool {
    is_word(byte) || byte == b'-' || byte == b'_' || byte == b'.' || byte >= 0x80
}

impl Scan<'_> {
    fn flush(&mut self, to: usize) {
        self.out.push_str(self.text.get(self.copied..to).unwrap_or(""));
        self.copied = to;
    }

    fn put(&mut self, from: usize, to: usize, class: &str) {
        self.flush(from);
        self.out.push_str(class);
        self.copied = to;
        self.at = to;
    }

    /// End of the run of bytes that `accept` takes, from `from`.
    fn run(&self, from: usize, accept: impl Fn(u8) -> bool) -> usize {
        self.bytes.iter().skip(from).position(|&b| !accept(b)).map_or(self.bytes.len(), |length| from + length)
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// Looks at the word that starts here and goes behind it.
    fn word(&mut self) {
        let start = self.at;
        if self.classes.values && start >= self.base64_checked && self.base64(start) {
            return;
        }
        let end = self.run(start, is_word);
        let word = &self.text[start..end];
        if self.guid(start, end) || self.dotted(start, end) || self.own_name(start) {
            return;
        }
        if word == "s" && self.sid(start) {
            return;
        }
        if self.classes.values && end - start == 4 && self.time(start) {
            return;
        }
        if (word == "users" || (word == "settings" && self.text[..start].ends_with("documents and "))) && self.user_folder(end) {
            return;
        }
        if let Some(hex) = word.strip_prefix("0x")
            && hex.len() > 4
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
        {
            return self.put(start, end, "<hex>");
        }
        if word.len() >= 8
            && word.bytes().all(|b| b.is_ascii_hexdigit())
            && word.bytes().any(|b| b.is_ascii_digit())
            && !word.bytes().all(|b| b.is_ascii_digit())
        {
            return self.put(start, end, "<hex>");
        }
        if let Some(digits) = word.strip_prefix("harddiskvolume").or_else(|| word.strip_prefix("harddiskvolumeshadowcopy"))
            && digits.bytes().all(|b| b.is_ascii_digit())
        {
            return self.put(start, end, "<volume>");
        }
        self.digits(start, end);
        self.at = end;
    }

    /// 8-4-4-4-12 hex digits; braces around it go too.
    fn guid(&mut self, start: usize, end: usize) -> bool {
        if end - start != 8 || self.byte(end) != b'-' {
            return false;
        }
        let Some(text) = self.bytes.get(start..start + 36) else { return false };
        let shaped = text.iter().enumerate().all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() });
        if !shaped || is_word(self.byte(start + 36)) {
            return false;
        }
        let braced = start > self.copied && self.byte(start - 1) == b'{' && self.byte(start + 36) == b'}';
        let (from, to) = if braced { (start - 1, start + 37) } else { (start, start + 36) };
        self.put(from, to, "<guid>");
        true
    }

    /// `s-1-5-21-a-b-c-rid` and its like; a relative identifier under 1000 is kept, short well-known SIDs stay.
    fn sid(&mut self, start: usize) -> bool {
        if self.bytes.get(start + 1..start + 3) != Some(b"-1") {
            return false;
        }
        let end = self.run(start + 1, |b| b.is_ascii_digit() || b == b'-');
        let text = self.text[start..end].trim_end_matches('-');
        let to = start + text.len();
        let rid = text.rsplit('-').next().and_then(|rid| rid.parse::<u64>().ok());
        if text.matches('-').count() < 6 {
            self.at = to;
        } else if let Some(rid) = rid.filter(|rid| *rid < 1000) {
            let class = format!("<sid-{rid}>");
            self.put(start, to, &class);
        } else {
            self.put(start, to, "<sid>");
        }
        true
    }

    /// `2020-09-17T17:57:18.123Z` and its like.
    fn time(&mut self, start: usize) -> bool {
        let Some(text) = self.bytes.get(start..start + 16) else { return false };
        let shaped = text.iter().enumerate().all(|(i, b)| match i {
            4 | 7 => *b == b'-' || *b == b'/',
            10 => *b == b't' || *b == b' ',
            13 => *b == b':',
            _ => b.is_ascii_digit(),
        });
        if shaped {
            let end = self.run(start + 16, |b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'z' | b'+'));
            self.put(start, end, "<time>");
        }
        shaped
    }

    /// Dotted numbers: four octets are an address, three or more numbers a version (an optional `v` before).
    fn dotted(&mut self, start: usize, end: usize) -> bool {
        let first = self.text[start..end].strip_prefix('v').unwrap_or(&self.text[start..end]);
        if first.is_empty() || self.byte(end) != b'.' || !first.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
        let run = self.run(end, |b| b.is_ascii_digit() || b == b'.');
        let text = self.text[end - first.len()..run].trim_end_matches('.');
        let to = end - first.len() + text.len();
        let parts = text.split('.').count();
        if parts < 3 || text.contains("..") || self.byte(to).is_ascii_alphabetic() {
            return false;
        }
        if self.classes.values && parts == 4 && first.len() == end - start {
            let mut octets = [0u8; 4];
            let parsed = text.split('.').zip(&mut octets).all(|(part, octet)| part.parse().map(|n| *octet = n).is_ok());
            if parsed {
                self.put(start, to, address_class(octets));
                return true;
            }
        }
        self.put(start, to, "<version>");
        true
    }

    fn own_name(&mut self, start: usize) -> bool {
        if self.own.names.is_empty() || (start > 0 && is_name(self.byte(start - 1)) && self.copied != start && self.byte(start - 1) != b'.') {
            return false;
        }
        let end = self.run(start, is_name);
        let label = self.run(start, |b| is_name(b) && b != b'.');
        for to in [end, label] {
            let name = self.text[start..to].trim_end_matches('.');
            if let Some(class) = self.own.class(name) {
                self.put(start, start + name.len(), class);
                return true;
            }
        }
        false
    }

    /// `users\NAME`: the name goes, unless every host has it.
    fn user_folder(&mut self, end: usize) -> bool {
        let separator = self.byte(end);
        if separator != b'\\' && separator != b'/' {
            return false;
        }
        let from = self.run(end, |b| b == separator);
        let to = self.run(from, |b| !matches!(b, b'\\' | b'/' | b'"' | b'\'' | b'<' | b'>' | b'|' | b',' | b';'));
        let name = &self.text[from..to];
        if name.is_empty() || name.len() > 64 || matches!(name, "public" | "default" | "all users" | "default user") {
            return false;
        }
        self.put(from, to, "<user>");
        true
    }

    /// 60 or more base64 characters in a row that are not words and separators.
    fn base64(&mut self, start: usize) -> bool {
        let end = self.run(start, |b| is_word(b) || b == b'+' || b == b'/');
        self.base64_checked = end;
        if end - start < 60 {
            return false;
        }
        let to = (end + 2).min(self.run(end, |b| b == b'='));
        self.put(start, to, "<base64>");
        true
    }

    /// Long digit runs inside a word.
    fn digits(&mut self, start: usize, end: usize) {
        let update = self.text[start..end].strip_prefix("kb").is_some_and(|n| matches!(n.len(), 6 | 7) && n.bytes().all(|b| b.is_ascii_digit()));
        if update {
            return self.put(start + 2, end, "<number>");
        }
        let mut from = start;
        while from < end {
            if !self.bytes[from].is_ascii_digit() {
                from += 1;
                continue;
            }
            let to = self.run(from, |b| b.is_ascii_digit());
            if to - from >= self.classes.digits {
                self.put(from, to, "<number>");
            }
            from = to;
        }
    }
}

fn address_class(octets: [u8; 4]) -> &'static str {
    match octets {
        [0, ..] => "<any address>",
        [127, ..] => "<loopback>",
        [10, ..] | [192, 168, ..] => "<private address>",
        [172, second, ..] if (16..32).contains(&second) => "<private address>",
        [169, 254, ..] => "<link-local address>",
        [224..=239, ..] => "<multicast>",
        [255, 255, 255, 255] => "<broadcast>",
        _ => "<public address>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        let own = OwnNames::new(["WORKSTATION5.theshire.local", "win-dc-617"]);
        let mut out = String::new();
        replace(text, Classes::VALUE, &own, &mut out);
        out
    }

    #[test]
    fn each_class_is_recognised_and_its_neighbours_stay() {
        for (text, expected) in [
            (r"{b34bc01c-5253-5f68-9a14-000000000400} x", "<guid> x"),
            (r"\\?\volume{b34bc01c-5253-5f68-9a14-000000000400}\a", r"\\?\volume<guid>\a"),
            ("s-1-5-21-111-222-333-500", "<sid-500>"),
            ("s-1-5-21-111-222-333-1104", "<sid>"),
            ("s-1-5-18", "s-1-5-18"),
            ("at 2020-09-17t17:57:18.1234567z.", "at <time>"),
            (r"c:\users\bob smith\x.exe", r"c:\users\<user>\x.exe"),
            (r"c:\users\public\x.exe", r"c:\users\public\x.exe"),
            (r"\device\harddiskvolume3\windows", r"\device\<volume>\windows"),
            ("10.0.17763.1", "<version>"),
            ("10.0.0.12:445", "<private address>:445"),
            ("v4.0.30319", "<version>"),
            ("127.0.0.1", "<loopback>"),
            ("1.5 of 2.5", "1.5 of 2.5"),
            ("workstation5$", "<host>$"),
            ("workstation5.theshire.local", "<host>.<domain>"),
            (r"theshire\x win-dc-617", r"<domain>\x <host>"),
            ("id deadbeef01 facade", "id <hex> facade"),
            ("0x1fffff 0x1410", "<hex> 0x1410"),
            ("tmp123456.log kb5001330", "tmp<number>.log kb<number>"),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
        let long = "qwer".repeat(20);
        assert_eq!(value(&format!("-enc {long}== x")), "-enc <base64> x");
    }

    #[test]
    fn odd_text_neither_panics_nor_changes() {
        for text in ["", "{", "s-1-", "users\\", "é\u{0}ü 1.", "1..2..3", "....", "0x", "ß0xé", "kb", "{b34bc0-"] {
            assert_eq!(value(text), text);
        }
    }

    #[test]
    fn numbers_are_decimal_or_hex() {
        assert!(["0", "-12", "0x1F", "123456789"].iter().all(|n| is_number(n)));
        assert!(["", "-", "0x", "1.5", "0xg", "12 "].iter().all(|n| !is_number(n)));
    }
}
