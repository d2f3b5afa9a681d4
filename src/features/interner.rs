//! Gives texts small numbers in the order in which they first come.

use std::collections::HashMap;
use std::sync::Arc;

/// A two-way map between texts and codes 0, 1, 2, ... in order of first appearance.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    codes: HashMap<Arc<str>, u32, foldhash::fast::RandomState>,
    names: Vec<Arc<str>>,
}

impl Interner {
    /// The code of `text`, a new one when it is new.
    pub fn intern(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.codes.get(text) {
            return code;
        }
        let code = self.names.len() as u32;
        let name: Arc<str> = text.into();
        self.names.push(name.clone());
        self.codes.insert(name, code);
        code
    }

    /// The code of `text`, if it has one.
    pub fn get(&self, text: &str) -> Option<u32> {
        self.codes.get(text).copied()
    }

    /// The text of `code`; empty when there is none.
    pub fn name(&self, code: u32) -> &str {
        self.names.get(code as usize).map_or("", |name| name)
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All texts in the order of their codes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_count_in_order_of_appearance() {
        let mut interner = Interner::default();
        assert_eq!(["b", "a", "b"].map(|t| interner.intern(t)), [0, 1, 0]);
        assert_eq!((interner.get("a"), interner.get("c"), interner.name(1), interner.name(9), interner.len()), (Some(1), None, "a", "", 2));
    }
}
