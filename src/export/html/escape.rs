//! Text from evidence as text of a page, whatever it holds.

/// Escapes what a page would obey; what a reader could not see (controls, marks that turn the direction round) is spelt out.
pub(super) fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len() + 16);
    for letter in raw.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(letter),
            c if c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}') => {
                safe.push_str(&format!("[U+{:04X}]", c as u32));
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn nothing_is_obeyed_and_nothing_is_hidden() {
        assert_eq!(text("<script>\"a\" & 'b'</script>"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;");
        assert_eq!(text("a\u{1b}[31mb\u{202e}c\0"), "a[U+001B][31mb[U+202E]c[U+0000]");
        assert_eq!(text("Zürich 東京\n"), "Zürich 東京\n");
    }
}
