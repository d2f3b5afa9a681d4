//! JSON that is not one object a line: arrays, and objects written over several lines, one behind the other. Turned into one object a line as it is
//! read, so that everything behind it reads lines.

use std::io::{ErrorKind, Read};

const BLOCK: usize = 64 * 1024;
/// Bytes between objects that are kept to be told of.
const STRAY: usize = 4096;

/// Reads a document's objects as lines. Damage ends with the next line that begins an object in its first column.
pub(super) struct Documents<R> {
    inner: R,
    out: Vec<u8>,
    at: usize,
    state: State,
    ended: bool,
}

#[derive(Default)]
struct State {
    depth: usize,
    text: bool,
    escaped: bool,
    /// The last byte ended a line.
    line: bool,
    stray: Vec<u8>,
}

impl<R: Read> Documents<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, out: Vec::new(), at: 0, state: State::default(), ended: false }
    }
}

impl State {
    fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        let begins_line = std::mem::replace(&mut self.line, byte == b'\n');
        if self.depth == 0 {
            match byte {
                b'{' => {
                    self.tell(out);
                    out.push(byte);
                    self.depth = 1;
                }
                b'[' | b']' | b',' | b'\n' => self.tell(out),
                _ if self.stray.len() < STRAY => self.stray.push(byte),
                _ => {}
            }
            return;
        }
        match byte {
            // No text goes on behind a line's end: what was open is damage.
            b'\n' => {
                (self.text, self.escaped) = (false, false);
                out.push(b' ');
            }
            b'{' if begins_line => {
                out.extend(b"\n{");
                (self.depth, self.text) = (1, false);
            }
            b'\\' if self.text => {
                self.escaped = !self.escaped;
                out.push(byte);
            }
            b'"' => {
                if !std::mem::take(&mut self.escaped) {
                    self.text = !self.text;
                }
                out.push(byte);
            }
            _ => {
                self.escaped = false;
                out.push(if byte == b'\r' { b' ' } else { byte });
                if !self.text {
                    match byte {
                        b'{' => self.depth += 1,
                        b'}' => self.depth -= 1,
                        _ => {}
                    }
                    if self.depth == 0 {
                        out.push(b'\n');
                    }
                }
            }
        }
    }

    /// What stood between objects becomes a line of its own, but for blanks and `evtx_dump`'s record numbers.
    fn tell(&mut self, out: &mut Vec<u8>) {
        let stray = std::mem::take(&mut self.stray);
        let bare = stray.trim_ascii();
        let number = bare.strip_prefix(b"Record ").is_some_and(|rest| rest.iter().all(u8::is_ascii_digit));
        if !bare.is_empty() && !number {
            out.extend(bare);
            out.push(b'\n');
        }
    }
}

impl<R: Read> Read for Documents<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.at >= self.out.len() && !self.ended {
            let mut block = vec![0; BLOCK];
            let read = match self.inner.read(&mut block) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            };
            self.out.clear();
            self.at = 0;
            for byte in block.iter().take(read) {
                self.state.take(*byte, &mut self.out);
            }
            if read == 0 {
                self.ended = true;
                self.state.tell(&mut self.out);
            }
        }
        let rest = self.out.get(self.at..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.at += count;
        Ok(count)
    }
}

/// Whether text is a document of objects rather than one object a line.
pub(super) fn is(text: &str) -> bool {
    let text = text.trim_start();
    if let Some(inside) = text.strip_prefix('[') {
        return inside.trim_start().starts_with('{');
    }
    if let Some(rest) = text.strip_prefix("Record ") {
        return rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with('{');
    }
    let Some((first, _)) = text.split_once('\n').filter(|_| text.starts_with('{')) else { return false };
    let (mut state, mut out) = (State::default(), Vec::new());
    first.bytes().for_each(|byte| state.take(byte, &mut out));
    state.depth > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let mut out = String::new();
        Documents::new(text.as_bytes()).read_to_string(&mut out).unwrap();
        out.lines().map(str::to_owned).collect()
    }

    #[test]
    fn objects_become_lines() {
        assert_eq!(lines(r#"[{"a":"}{\"]"},{"b":[{"c":1}]}]"#), [r#"{"a":"}{\"]"}"#, r#"{"b":[{"c":1}]}"#]);
        assert_eq!(lines("{\n  \"a\": 1\n}\n{\n  \"a\": \"x\\\\\"\n}\n"), [r#"{   "a": 1 }"#, r#"{   "a": "x\\" }"#]);
        assert_eq!(lines("Record 1\n{\"a\":1}\nRecord 2\n{\"a\":2}\n"), [r#"{"a":1}"#, r#"{"a":2}"#]);
    }

    #[test]
    fn damage_costs_one_object_and_nothing_is_dropped() {
        assert_eq!(lines("{\n \"a\": \"x\n}\n{\n \"a\": 2\n}\n"), ["{  \"a\": \"x }", "{  \"a\": 2 }"]);
        assert_eq!(lines("{\n \"a\": {\n{\n \"a\": 2\n}\n"), ["{  \"a\": { ", "{  \"a\": 2 }"]);
        assert_eq!(lines("[7, {\"a\":1}, oops]"), ["7", r#"{"a":1}"#, "oops"]);
        assert_eq!(lines("[{\"a\":1},{\"b\""), [r#"{"a":1}"#, r#"{"b""#]);
    }

    #[test]
    fn documents_are_told_from_lines() {
        assert!(is("[\n {\"a\":1}") && is("{\n\"a\":1}\n") && is("Record 1\n{\n") && is("{\"a\":\n"));
        assert!(!is("{\"a\":1}\n{\"a\":2}\n") && !is("[1,2]") && !is("a,b\n") && !is("Record 1\n<Event>"));
    }
}
