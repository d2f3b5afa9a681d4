//! What goes wrong inside: a panic is caught at the engine's borders, and this is where its place is known.
//!
//! The log gets the thread, the place in the source, and what of the message cannot be evidence; the notice of the job gets the place and the log's path.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::panic::{Location, PanicHookInfo};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Panics whose place is remembered until somebody tells of them.
const REMEMBERED: usize = 64;
/// How often one place is written to the log: hostile evidence can make a parser give up millions of times.
const EACH: u32 = 10;

#[derive(Default)]
struct Heard {
    /// Message and place, newest last.
    recent: VecDeque<(String, String)>,
    counts: HashMap<String, u32>,
}

static HEARD: Mutex<Option<Heard>> = Mutex::new(None);
static LOG: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Listens to panics from now on, in place of the text on standard error, which stays where `RUST_BACKTRACE` asks for it. `log` is named in notices.
pub fn listen(log: Option<PathBuf>) {
    if LOG.set(log).is_err() {
        return;
    }
    let loud = std::env::var_os("RUST_BACKTRACE").map(|_| std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        hear(info);
        if let Some(loud) = &loud {
            loud(info);
        }
    }));
}

fn hear(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), place);
    let message = text(info.payload());
    let fixed = info.payload().is::<&'static str>();
    let times = {
        let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = heard.get_or_insert_default();
        if heard.recent.len() == REMEMBERED {
            heard.recent.pop_front();
        }
        heard.recent.push_back((message.to_owned(), place.clone()));
        let times = heard.counts.entry(place.clone()).or_default();
        *times = times.saturating_add(1);
        *times
    };
    if times <= EACH {
        let more = if times == EACH { " (further ones of this place are not written)" } else { "" };
        let message = if fixed { message.to_owned() } else { without_evidence(message) };
        tracing::error!("panic in thread {} at {place}: {message}{more}", std::thread::current().name().unwrap_or("without a name"));
    }
}

/// A place in the source, without the folders of the machine that built it.
fn place(location: &Location<'_>) -> String {
    let file = location.file().replace('\\', "/");
    let short = file.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/')).map_or(file.as_str(), |(_, rest)| rest);
    format!("{short}:{}:{}", location.line(), location.column())
}

/// The words of a panic.
#[must_use]
pub fn text(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

/// What a notice says of a panic: its words, its place, and where the log is.
#[must_use]
pub fn internal_error(panic: &(dyn Any + Send)) -> String {
    let message = text(panic);
    let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    let place = heard.as_ref().and_then(|heard| heard.recent.iter().rfind(|(said, _)| said == message)).map(|(_, place)| format!(", at {place}"));
    let log = LOG.get().cloned().flatten().map(|log| format!("; the log is {}", log.display()));
    format!("an internal error ({message}{}); please report it{}", place.unwrap_or_default(), log.unwrap_or_default())
}

/// Words that the standard library's own messages are made of; a formatted message may hold a piece of evidence, and these cannot tell of it.
const WORDS: &str = "a add after already an and assertion at attempt be before begin beginning borrowed bound boundary bounds but byte bytes called cannot capacity char \
    character copy_from_slice destination divide division does end entered equal err error exceeds expected explicit failed for from got has hold in index insertion \
    inside into invalid is it last left len length lengths less line match more multiply must negate no none not number of on only ok option or out overflow panic \
    parse past position range remainder removal result right should size slice source split split_at start starts subtract than the to too unexpected unreachable \
    unsigned unwrap unwrap_err value was when with would zero";

/// A message with everything left out that may come from evidence: numbers and the library's own words stay.
#[must_use]
pub fn without_evidence(message: &str) -> String {
    let known = |word: &str| !word.is_empty() && (word.bytes().all(|b| b.is_ascii_digit()) || WORDS.split_whitespace().any(|own| own == word));
    let mut kept = String::new();
    let mut dropped = false;
    for word in message.lines().next().unwrap_or_default().split_whitespace() {
        let bare = word.trim_matches(|c: char| matches!(c, ',' | '.' | ';' | ':' | '(' | ')'));
        if known(&bare.to_ascii_lowercase()) {
            kept.push_str(if kept.is_empty() { "" } else { " " });
            kept.push_str(word);
            dropped = false;
        } else if !dropped {
            kept.push_str(if kept.is_empty() { "…" } else { " …" });
            dropped = true;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_evidence_is_left_out_of_a_message() {
        assert_eq!(without_evidence("index out of bounds: the len is 3 but the index is 5"), "index out of bounds: the len is 3 but the index is 5");
        let cut = std::panic::catch_unwind(|| "geheim é".get(..8).map_or_else(|| "geheim é"[..8].len(), str::len)).unwrap_err();
        assert!(text(cut.as_ref()).contains("geheim"));
        assert!(!without_evidence(text(cut.as_ref())).contains("geheim"));
        let failed = format!("called `Result::unwrap()` on an `Err` value: Parse({:?})", "C:\\Users\\bob secret");
        let kept = without_evidence(&failed);
        assert!(kept.starts_with("called … on an … value:") && !kept.contains("bob") && !kept.contains("secret"), "{kept}");
        assert_eq!(without_evidence("first\nevidence"), "…");
    }
}
