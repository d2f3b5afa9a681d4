//! Brings a raw event value into the form that is counted.

use super::classes::{Classes, OwnNames, is_number, replace};

/// Characters kept of a value.
const LONGEST: usize = 600;

/// Lower case, cut at 600 characters, volatile parts replaced by their class; a value that is one number stays as it is.
pub fn normalise(raw: &str, own: &OwnNames) -> String {
    let raw = raw.trim();
    let cut = if raw.len() <= LONGEST { raw } else { raw.char_indices().nth(LONGEST).map_or(raw, |(end, _)| raw.get(..end).unwrap_or(raw)) };
    let lower = cut.to_lowercase();
    if is_number(&lower) {
        return lower;
    }
    let mut out = String::with_capacity(lower.len());
    replace(&lower, Classes::VALUE, own, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_on_a_character_and_numbers_stay() {
        let own = OwnNames::default();
        assert_eq!(normalise(&"é ".repeat(400), &own).chars().count(), 600);
        assert_eq!(normalise(" 0x1FFFFF ", &own), "0x1fffff");
        assert_eq!(normalise("1234567", &own), "1234567");
        assert_eq!(normalise("Port 1234567", &own), "port <number>");
    }
}
