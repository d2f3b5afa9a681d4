//! An event's named values as they stand in evidence: names and raw JSON, in order.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;

/// Named raw JSON values.
#[derive(Debug, Default)]
pub(super) struct Values<'a> {
    list: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Every name, once names from different places may meet.
    names: Option<HashSet<String>>,
}

/// A raw JSON value as plain text: strings unescaped, arrays joined by `, ` without their empty items, null and objects nothing.
pub(super) fn text(raw: &str) -> Option<Cow<'_, str>> {
    match raw.as_bytes() {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => raw.get(1..raw.len().checked_sub(1)?).map(Cow::Borrowed),
        [b'"', ..] => sonic_rs::from_str::<String>(raw).ok().map(Cow::Owned),
        [b'[', ..] => {
            let items = sonic_rs::to_array_iter(raw).filter_map(Result::ok);
            let texts: Vec<String> = items.filter_map(|item| Some(text(&item.as_raw_cow())?.into_owned())).filter(|text| !text.is_empty()).collect();
            Some(Cow::Owned(texts.join(", ")))
        }
        [b'{' | b'n', ..] | [] => None,
        _ => Some(Cow::Borrowed(raw)),
    }
}

/// Writes a JSON string.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    // Run by run between what must be escaped: backslashes are in every Windows path.
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        let (run, special) = rest.split_at(at);
        out.push_str(run);
        match special.bytes().next() {
            Some(b'"') => out.push_str("\\\""),
            Some(b'\\') => out.push_str("\\\\"),
            byte => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", byte.unwrap_or_default());
            }
        }
        rest = special.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out.push('"');
}

impl<'a> Values<'a> {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { list: Vec::with_capacity(count), names: None }
    }

    /// Adds a value under a name that its object holds once.
    pub(super) fn push(&mut self, name: impl Into<Cow<'a, str>>, raw: impl Into<Cow<'a, str>>) {
        let name = name.into();
        if self.names.is_some() || name == "System" {
            return self.push_beside("", name, raw);
        }
        self.list.push((name, raw.into()));
    }

    /// Adds a value whose name may be taken: then it is `container.name`, then that with a number.
    pub(super) fn push_beside(&mut self, container: &str, name: impl Into<Cow<'a, str>>, raw: impl Into<Cow<'a, str>>) {
        let list = &self.list;
        let names = self.names.get_or_insert_with(|| list.iter().map(|(name, _)| name.to_string()).chain(["System".to_owned()]).collect());
        let mut name = name.into();
        if names.contains(&*name) && !container.is_empty() {
            name = format!("{container}.{name}").into();
        }
        let mut free = name.clone();
        let mut number = 1u64;
        while !names.insert(free.to_string()) {
            free = format!("{name}_{number}").into();
            number = number.saturating_add(1);
        }
        self.list.push((free, raw.into()));
    }

    /// Raw value of `name`.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(found, _)| &**found == name).map(|(_, raw)| raw.as_ref())
    }

    /// Names and raw values, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list.iter().map(|(name, raw)| (name.as_ref(), raw.as_ref()))
    }

    /// Bytes that [`Values::write_members`] takes, but for escapes in names.
    pub(super) fn written(&self) -> usize {
        self.list.iter().map(|(name, raw)| name.len().saturating_add(raw.len()).saturating_add(4)).sum()
    }

    /// All values as members of a JSON object, without its braces.
    pub(super) fn write_members(&self, out: &mut String) {
        for (at, (name, raw)) in self.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            quote(name, out);
            out.push(':');
            out.push_str(raw);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_its_containers_and_then_a_number() {
        let mut values = Values::default();
        values.push("A", "1");
        values.push_beside("Box", "A", "2");
        values.push_beside("Box", "A", "3");
        values.push("System", "4");
        let mut json = String::new();
        values.write_members(&mut json);
        assert_eq!(json, r#""A":1,"Box.A":2,"Box.A_1":3,"System_1":4"#);
    }

    #[test]
    fn texts_are_unescaped() {
        assert_eq!(text(r#""C:\\Windows\u0041""#).as_deref(), Some("C:\\WindowsA"));
        assert_eq!(text("\"plain\"").as_deref(), Some("plain"));
        assert_eq!(text(r#"["a",1,null]"#).as_deref(), Some("a, 1"));
        assert_eq!(text("12").as_deref(), Some("12"));
        assert_eq!((text("null"), text("{}"), text("")), (None, None, None));
    }

    #[test]
    fn quoting_is_json() {
        let mut out = String::new();
        quote("a\"b\\c\n", &mut out);
        assert_eq!(out, r#""a\"b\\c\u000a""#);
    }
}
