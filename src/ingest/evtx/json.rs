//! Walks the JSON that the `evtx` crate writes, once, handing out names and raw values.
//!
//! Border: for that JSON alone, which is known to be well formed: damage is noticed, but not every kind of it. A general parser visits each
//! byte several times to reach values three objects deep, which was half the cost of reading a log.

use std::borrow::Cow;

/// A place in JSON text.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

const BROKEN: &str = "its JSON is broken";

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.step();
        }
    }

    /// Enters the value when it is an object.
    pub(super) fn enter(&mut self) -> bool {
        self.blanks();
        let object = self.peek() == Some(b'{');
        if object {
            self.step();
        }
        object
    }

    /// The next name of the object the cursor is in; `None` behind its end. Its value must be taken or entered next.
    pub(super) fn name(&mut self) -> Result<Option<Cow<'a, str>>, String> {
        self.blanks();
        if self.peek() == Some(b',') {
            self.step();
            self.blanks();
        }
        match self.peek() {
            Some(b'}') => {
                self.step();
                Ok(None)
            }
            Some(b'"') => {
                let raw = self.value()?;
                self.blanks();
                if self.peek() != Some(b':') {
                    return Err(BROKEN.into());
                }
                self.step();
                crate::ingest::values::text(raw).ok_or_else(|| BROKEN.into()).map(Some)
            }
            _ => Err(BROKEN.into()),
        }
    }

    /// The raw value, of whatever kind.
    pub(super) fn value(&mut self) -> Result<&'a str, String> {
        self.blanks();
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'{' | b'[') => self.nested()?,
            _ => {
                while self.peek().is_some_and(|byte| !matches!(byte, b',' | b'}' | b']') && !byte.is_ascii_whitespace()) {
                    self.step();
                }
            }
        }
        self.text.get(start..self.at).filter(|raw| !raw.is_empty()).ok_or_else(|| BROKEN.into())
    }

    fn string(&mut self) -> Result<(), String> {
        let bytes = self.text.as_bytes().get(self.at.saturating_add(1)..).unwrap_or_default();
        let mut escaped = false;
        for (inside, byte) in bytes.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    self.at = self.at.saturating_add(inside).saturating_add(2);
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(BROKEN.into())
    }

    /// Skips an object or array with all that is in it.
    fn nested(&mut self) -> Result<(), String> {
        let mut depth = 0usize;
        loop {
            match self.peek().ok_or(BROKEN)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth = depth.saturating_add(1),
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.step();
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_raw_values_come_in_order() {
        let mut cursor = Cursor::new(r#"{"a":{"b\"c": [1,{"x":"]}"}] , "d":"\\"},"e":null}"#);
        assert!(cursor.enter());
        assert_eq!(cursor.name().unwrap().as_deref(), Some("a"));
        assert!(cursor.enter());
        assert_eq!(cursor.name().unwrap().as_deref(), Some("b\"c"));
        assert!(!cursor.enter());
        assert_eq!(cursor.value().unwrap(), r#"[1,{"x":"]}"}]"#);
        assert_eq!(cursor.name().unwrap().as_deref(), Some("d"));
        assert_eq!(cursor.value().unwrap(), r#""\\""#);
        assert_eq!(cursor.name().unwrap(), None);
        assert_eq!(cursor.name().unwrap().as_deref(), Some("e"));
        assert_eq!(cursor.value().unwrap(), "null");
        assert_eq!(cursor.name().unwrap(), None);
    }

    #[test]
    fn broken_text_is_an_error_not_a_hang() {
        for text in ["{", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":{\"b\":[", "{\"a\":\"x\\", "{a:1}", ""] {
            let mut cursor = Cursor::new(text);
            let mut walk = || -> Result<(), String> {
                if !cursor.enter() {
                    return cursor.value().map(drop);
                }
                while cursor.name()?.is_some() {
                    cursor.value()?;
                }
                Ok(())
            };
            assert!(walk().is_err(), "{text}");
        }
    }
}
