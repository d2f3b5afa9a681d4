//! Every type, field and value seen, as codes.

use crate::features::Interner;

/// Values told apart per field; what comes later shares one code.
const MOST_VALUES: usize = 1 << 18;
/// What stands for values beyond [`MOST_VALUES`].
const OVERFLOW: &str = "<other values>";
/// Between provider and event ID in a type's name.
const SEPARATOR: char = '\u{1f}';

/// Codes of event types, of fields, and of each field's values.
#[derive(Clone, Debug, Default)]
pub(super) struct Vocabulary {
    pub kinds: Interner,
    pub fields: Interner,
    pub values: Vec<Interner>,
}

impl Vocabulary {
    /// The type of an event: provider (or channel) and event ID.
    pub(super) fn kind(&mut self, provider: &str, event_id: Option<u32>) -> u32 {
        // Nearly always known: look without building a key first is not possible, so the key is built small.
        let mut key = String::with_capacity(provider.len() + 8);
        key.push_str(provider);
        key.push(SEPARATOR);
        if let Some(id) = event_id {
            key.push_str(&id.to_string());
        }
        self.kinds.intern(&key)
    }

    /// A type in words: `Microsoft-Windows-Sysmon 1`.
    pub(super) fn kind_title(&self, kind: u32) -> String {
        self.kinds.name(kind).replace(SEPARATOR, " ").trim_end().to_owned()
    }

    pub(super) fn field(&mut self, name: &str) -> u32 {
        let field = self.fields.intern(name);
        if field as usize == self.values.len() {
            self.values.push(Interner::default());
        }
        field
    }

    pub(super) fn intern(&mut self, field: u32, value: &str) -> u32 {
        let Some(values) = self.values.get_mut(field as usize) else { return 0 };
        if values.len() < MOST_VALUES { values.intern(value) } else { values.get(value).unwrap_or_else(|| values.intern(OVERFLOW)) }
    }

    pub(super) fn value(&self, field: u32, code: u32) -> &str {
        self.values.get(field as usize).map_or("", |values| values.name(code))
    }
}
