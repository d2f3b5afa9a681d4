//! One event's words, column by column, as codes.
//!
//! Border: knows Sysmon's value names; every distinct raw text is looked at once, so that a million events cost little more than reading them.

use super::column::Column;
use super::{flags, place};
use crate::domain::{EventRef, Integrity};
use crate::features::{Interner, path};
use sonic_rs::{JsonValueTrait, LazyValue};
use std::borrow::Cow;
use std::collections::HashMap;

/// No word in a column.
pub(super) const NONE: u32 = u32::MAX;
/// Raw texts remembered per kind; beyond that a text is looked at each time it comes.
const CACHE: usize = 1 << 17;

/// An event's words: a code per column, [`NONE`] where it has none. [`Column::Gap`] is filled when the events of a process stand in order.
pub(super) type Row = [u32; Column::COUNT];

type Cache<T> = HashMap<Box<str>, T, foldhash::fast::RandomState>;

/// What an image's path tells.
#[derive(Clone, Copy)]
struct Image {
    name: u32,
    path: u32,
    directory: u32,
    /// Code of the whole path in lower case, to know it again among targets.
    whole: u32,
}

/// What a target's path tells.
#[derive(Clone, Copy)]
struct Target {
    name: u32,
    place: u32,
    value: u32,
    whole: u32,
}

/// The words of each column, and what raw texts come to.
#[derive(Default)]
pub(super) struct Facts {
    /// By column.
    pub(super) words: [Interner; Column::COUNT],
    whole: Interner,
    images: Cache<Image>,
    targets: HashMap<u32, Cache<Target>, foldhash::fast::RandomState>,
}

/// Raw JSON of the values that are looked at.
#[derive(Default)]
struct Values<'a> {
    target: Option<LazyValue<'a>>,
    access: Option<LazyValue<'a>>,
    protocol: Option<LazyValue<'a>>,
    initiated: Option<LazyValue<'a>>,
    port: Option<LazyValue<'a>>,
    address: Option<LazyValue<'a>>,
    signed: Option<LazyValue<'a>>,
    integrity: Option<LazyValue<'a>>,
}

impl<'a> Values<'a> {
    fn read(fields: &'a str) -> Self {
        let mut values = Self::default();
        for (name, value) in sonic_rs::to_object_iter(fields).map_while(Result::ok) {
            let slot = match &*name {
                "TargetFilename" | "TargetObject" | "ImageLoaded" | "TargetImage" | "PipeName" | "QueryName" | "Target" | "Device" => &mut values.target,
                "GrantedAccess" => &mut values.access,
                "Protocol" => &mut values.protocol,
                "Initiated" => &mut values.initiated,
                "DestinationPort" => &mut values.port,
                "DestinationIp" => &mut values.address,
                "Signed" => &mut values.signed,
                "IntegrityLevel" => &mut values.integrity,
                // What follows is the log's own.
                "System" => break,
                _ => continue,
            };
            if slot.is_none() && !value.is_null() && !matches!(value.as_raw_str(), "\"\"" | "\"-\"") {
                *slot = Some(value);
            }
        }
        values
    }
}

fn text<'v>(value: &'v LazyValue<'_>) -> Cow<'v, str> {
    value.as_str().map_or_else(|| Cow::Borrowed(value.as_raw_str()), Cow::Borrowed)
}

impl Facts {
    /// The code of a word.
    pub(super) fn word(&mut self, column: Column, word: &str) -> u32 {
        self.words[column as usize].intern(word)
    }

    /// The words of an event; `id` is its event ID.
    pub(super) fn row(&mut self, event: &EventRef<'_>, id: u32) -> Row {
        let values = Values::read(event.fields);
        let mut row = [NONE; Column::COUNT];
        let mut number = itoa(id);
        row[Column::Event as usize] = self.word(Column::Event, number.text());
        let image = event.image.map(|image| self.image(image));
        if let Some(image) = image {
            for (column, code) in [(Column::Image, image.name), (Column::Path, image.path), (Column::Directory, image.directory)] {
                row[column as usize] = code;
            }
        }
        self.command_line(event, id, &mut row);
        if let Some(value) = &values.target {
            let found = self.target(id, value.as_raw_str(), value);
            let own = image.is_some_and(|image| image.whole == found.whole);
            // A process that loads or opens its own image must not give away its name.
            row[Column::Target as usize] = if own { self.prefixed(Column::Target, id, "<own image>") } else { found.name };
            row[Column::Place as usize] = if own { self.prefixed(Column::Place, id, "<own image>") } else { found.place };
            row[Column::Value as usize] = if own { NONE } else { found.value };
        }
        let mut put = |column: Column, word: &str| row[column as usize] = self.words[column as usize].intern(word);
        if let Some(value) = &values.access {
            put(Column::Access, &text(value).to_lowercase());
        }
        put(Column::Network, if values.protocol.is_some() { "yes" } else { "no" });
        if let Some(value) = &values.protocol {
            let outward = values.initiated.as_ref().map(|value| text(value).to_lowercase());
            put(Column::Protocol, &format!("{} {}", text(value).to_lowercase(), if outward.as_deref() == Some("true") { "out" } else { "in" }));
            let port = values.port.as_ref().and_then(|value| text(value).trim().parse::<u32>().ok());
            put(Column::Port, &port.map_or_else(|| "none".into(), place::of_port));
            put(Column::Address, values.address.as_ref().map_or("no address", |value| place::of_address(&text(value))));
        }
        if let Some(value) = &values.signed {
            put(Column::Signed, &text(value).to_lowercase());
        }
        if let Some(value) = &values.integrity {
            put(Column::Integrity, Integrity::parse(&text(value)).name());
        }
        row
    }

    fn command_line(&mut self, event: &EventRef<'_>, id: u32, row: &mut Row) {
        let arguments = flags::arguments(event.command_line);
        let yes = |found: bool| if found { "yes" } else { "no" };
        row[Column::UncUrl as usize] = self.word(Column::UncUrl, yes(flags::has_url_or_unc(arguments)));
        row[Column::Base64 as usize] = self.word(Column::Base64, yes(flags::has_base64(arguments)));
        if event.command_line.is_some() {
            let bits = usize::BITS - arguments.len().leading_zeros();
            let mut bits = itoa(bits);
            row[Column::Length as usize] = self.word(Column::Length, bits.text());
        }
        if id != 1 {
            return;
        }
        if let Some(parent) = event.parent_image {
            row[Column::Parent as usize] = self.word(Column::Parent, &path::base(parent));
        }
        if let Some(user) = event.user {
            row[Column::Account as usize] = self.word(Column::Account, account(user));
        }
    }

    fn image(&mut self, raw: &str) -> Image {
        if let Some(&known) = self.images.get(raw) {
            return known;
        }
        let lower = raw.to_lowercase().replace('/', "\\");
        let normal = path::normalise(raw);
        let image = Image {
            name: self.word(Column::Image, &path::base(raw)),
            path: self.word(Column::Path, path::directory(&lower)),
            directory: self.word(Column::Directory, path::directory(&normal)),
            whole: self.whole.intern(&lower),
        };
        if self.images.len() < CACHE {
            self.images.insert(raw.into(), image);
        }
        image
    }

    /// What a target comes to; `raw` is its JSON.
    fn target(&mut self, id: u32, raw: &str, value: &LazyValue<'_>) -> Target {
        if let Some(&known) = self.targets.get(&id).and_then(|cache| cache.get(raw)) {
            return known;
        }
        let text = text(value);
        let normal = path::normalise(&text);
        let mut found = Target { name: NONE, place: NONE, value: NONE, whole: NONE };
        match id {
            12..=14 => {
                let (key, root, last) = place::of_key(&text);
                found.name = self.prefixed(Column::Target, id, &key);
                found.place = self.prefixed(Column::Place, id, &root);
                found.value = self.word(Column::Value, &last);
            }
            17 | 18 => found.name = self.prefixed(Column::Target, id, &place::of_pipe(&text)),
            9 | 22 => found.place = self.prefixed(Column::Place, id, "named"),
            _ => {
                // Libraries and processes are told by name, other files by their kind.
                let name = if matches!(id, 7 | 8 | 10 | 25) { path::base(&text) } else { place::extension(&normal).to_owned() };
                found.name = self.prefixed(Column::Target, id, &name);
                found.place = self.prefixed(Column::Place, id, place::of_file(&normal));
                let lower = text.to_lowercase().replace('/', "\\");
                found.whole = self.whole.get(&lower).unwrap_or(NONE);
                // Not known as an image yet: it may become one.
                if found.whole == NONE && matches!(id, 7 | 8 | 10 | 25) && self.whole.len() < CACHE {
                    found.whole = self.whole.intern(&lower);
                }
            }
        }
        let cache = self.targets.entry(id).or_default();
        if cache.len() < CACHE {
            cache.insert(raw.into(), found);
        }
        found
    }

    /// A word of a target, told apart by what was done to it.
    fn prefixed(&mut self, column: Column, id: u32, word: &str) -> u32 {
        let word = match id {
            7 => format!("loaded {word}"),
            8 => format!("started a thread in {word}"),
            10 => format!("opened {word}"),
            11 => format!("created {word}"),
            12..=14 => format!("registry {id} {word}"),
            17 => format!("created pipe {word}"),
            18 => format!("connected to pipe {word}"),
            _ => format!("{id} {word}"),
        };
        self.word(column, &word)
    }
}

/// The kind of account that runs a process.
fn account(user: &str) -> &'static str {
    let lower = user.to_lowercase();
    match lower.rsplit('\\').next().unwrap_or_default() {
        "system" | "local service" | "network service" | "s-1-5-18" | "s-1-5-19" | "s-1-5-20" => "service",
        name if lower.starts_with("window manager\\") || lower.starts_with("font driver host\\") || name.ends_with('$') => "service",
        _ => "person",
    }
}

/// A small number in words without an allocation.
struct Digits([u8; 10], usize);

impl Digits {
    fn text(&mut self) -> &str {
        std::str::from_utf8(self.0.get(self.1..).unwrap_or_default()).unwrap_or_default()
    }
}

fn itoa(mut number: u32) -> Digits {
    let mut digits = Digits([b'0'; 10], 10);
    loop {
        digits.1 -= 1;
        digits.0[digits.1] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return digits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(facts: &Facts, row: &Row, columns: &[Column]) -> Vec<String> {
        columns.iter().map(|&column| facts.words[column as usize].name(row[column as usize]).to_owned()).collect()
    }

    #[test]
    fn words_of_events() {
        let mut facts = Facts::default();
        let fields = r#"{"ImageLoaded":"C:\\Windows\\System32\\clr.dll","Signed":"true","System":{"Computer":"A"}}"#;
        let event = EventRef { image: Some(r"C:\Users\Bob\Desktop\Tool.exe"), fields, ..EventRef::default() };
        let row = facts.row(&event, 7);
        let columns = [Column::Event, Column::Image, Column::Path, Column::Directory, Column::Target, Column::Place, Column::Signed, Column::Network];
        let wanted = ["7", "tool.exe", r"c:\users\bob\desktop", r"c:\users\<user>\desktop", "loaded clr.dll", "loaded system32", "true", "no"];
        assert_eq!(words(&facts, &row, &columns), wanted);
        let own = EventRef { fields: r#"{"ImageLoaded":"c:\\users\\bob\\desktop\\tool.exe"}"#, ..event };
        let row = facts.row(&own, 7);
        assert_eq!(words(&facts, &row, &[Column::Target, Column::Place]), ["loaded <own image>", "loaded <own image>"]);
        let net = EventRef { fields: r#"{"Protocol":"tcp","Initiated":"true","DestinationIp":"10.0.0.5","DestinationPort":443}"#, ..event };
        let row = facts.row(&net, 3);
        assert_eq!(words(&facts, &row, &[Column::Network, Column::Protocol, Column::Port, Column::Address]), ["yes", "tcp out", "443", "private"]);
    }

    #[test]
    fn small_numbers_in_words() {
        assert_eq!([0, 7, 22, u32::MAX].map(|n| itoa(n).text().to_owned()), ["0", "7", "22", "4294967295"]);
    }
}
