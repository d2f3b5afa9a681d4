//! Messages kept in memory to be searched, in small letters, for then a word is found several times as fast as without regard to case. Where they
//! are too many they are packed: unpacking takes twice the time of the search, reading them from the case many times that.

use super::{Chunk, Events, stored};
use crate::case::search::{Column, Pattern};
use crate::control::{Control, RunError};
use foldhash::{HashMap, HashMapExt as _};
use lz4::block::{compress, decompress_to_buffer};
use memchr::memmem;
use polars::prelude::{DataFrame, PolarsResult, StaticArray};
use rayon::prelude::*;
use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::ops::Range;

/// Bytes of messages beyond which the others are packed.
const PLAIN: usize = 512 << 20;
/// Bytes of both beyond which the rest stays on the disk.
const ROOM: usize = 3 << 29;
/// Row groups read before searches are waited for.
const TURN: usize = 16;
/// Bytes unpacked at a time: no more than a processor's own memory holds until they are searched.
const BLOCK: usize = 256 << 10;

/// The messages of one row group, equal ones once.
pub(super) struct Messages {
    blocks: Vec<Block>,
    /// Where each text ends in its block, unpacked.
    ends: Vec<u32>,
    /// Of each row, which text.
    texts: Vec<u16>,
}

/// The two letters outside ASCII that are equal to one of it where case does not matter: the Kelvin sign and the long s.
const FOLDED: [&str; 2] = ["\u{212a}", "\u{17f}"];

/// Some texts, one behind the other, the letters of ASCII in small ones.
struct Block {
    bytes: Box<[u8]>,
    packed: bool,
    texts: Range<usize>,
    /// Whether every letter of ASCII in them is what it looks like.
    exact: bool,
}

impl Events {
    /// Keeps the messages of as many row groups as there is room for.
    pub(super) fn keep_messages(&self, control: &Control) -> Result<(), RunError> {
        if self.messages.get().is_some() {
            return Ok(());
        }
        let (mut all, mut bytes) = (Vec::with_capacity(self.chunks.len()), 0);
        for chunks in self.chunks.chunks(TURN) {
            self.turn.wait();
            control.check()?;
            if bytes > ROOM {
                break;
            }
            let keep = |chunk: &Chunk| {
                let kept = chunk.read(&[stored(Column::Message)], gather)?;
                Ok(if bytes > PLAIN { kept.map(Messages::packed) } else { kept })
            };
            let kept: Vec<Option<Messages>> = chunks.par_iter().map(keep).collect::<Result<_, RunError>>()?;
            bytes += kept.iter().flatten().map(Messages::bytes).sum::<usize>();
            all.extend(kept);
        }
        all.shrink_to_fit();
        let _ = self.messages.set(all);
        Ok(())
    }

    /// The messages of a chunk, if they are in memory.
    pub(super) fn messages(&self, chunk: usize) -> Option<&Messages> {
        self.messages.get()?.get(chunk)?.as_ref()
    }
}

impl Messages {
    fn bytes(&self) -> usize {
        self.blocks.iter().map(|block| block.bytes.len()).sum::<usize>() + 4 * self.ends.len() + 2 * self.texts.len()
    }

    fn packed(mut self) -> Self {
        self.blocks.iter_mut().for_each(Block::pack);
        self
    }

    /// Of each pattern, in which rows' messages it is.
    ///
    /// # Errors
    /// When what was packed cannot be unpacked: the memory is damaged.
    pub(super) fn rows_with(&self, patterns: &[&Pattern]) -> Result<Vec<Vec<bool>>, RunError> {
        thread_local! {
            static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let mut found = vec![vec![false; self.ends.len()]; patterns.len()];
        ROOM.with_borrow_mut(|room| {
            for block in &self.blocks {
                let all = block.unpack(&self.ends[block.texts.clone()], room);
                let all = all.ok_or_else(|| RunError::failed("messages kept in memory cannot be unpacked; open the case again"))?;
                let texts = BlockTexts { all, ends: &self.ends[block.texts.clone()], exact: block.exact };
                for (pattern, found) in patterns.iter().zip(&mut found) {
                    texts.find(pattern, &mut found[block.texts.clone()]);
                }
            }
            let rows = |found: Vec<bool>| self.texts.iter().map(|text| found[usize::from(*text)]).collect();
            Ok(found.into_iter().map(rows).collect())
        })
    }
}

impl Block {
    fn pack(&mut self) {
        if !self.packed
            && let Ok(packed) = compress(&self.bytes, None, false)
        {
            (self.bytes, self.packed) = (packed.into_boxed_slice(), true);
        }
    }

    fn unpack<'a>(&'a self, ends: &[u32], room: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        if !self.packed {
            return Some(&self.bytes);
        }
        let whole = ends.last().copied().unwrap_or(0);
        if room.len() < whole as usize {
            room.resize(whole as usize, 0);
        }
        let length = decompress_to_buffer(&self.bytes, i32::try_from(whole).ok(), room).ok()?;
        room.get(..length)
    }
}

/// The texts of a block, unpacked.
struct BlockTexts<'a> {
    all: &'a [u8],
    ends: &'a [u32],
    exact: bool,
}

impl BlockTexts<'_> {
    /// Marks the texts that have the pattern in them.
    fn find(&self, pattern: &Pattern, found: &mut [bool]) {
        if !self.exact || pattern.words().is_empty() {
            found.iter_mut().enumerate().for_each(|(text, found)| *found = pattern.is_in(self.text(text)));
            return;
        }
        // In one go through all of them: beginning a search anew for each takes longer than the search.
        for word in pattern.words() {
            let mut from = 0;
            while let Some(at) = self.all.get(from..).and_then(|rest| word.find(rest)) {
                let (begin, end) = (from + at, from + at + word.needle().len());
                let text = self.ends.partition_point(|end| *end as usize <= begin);
                let Some(last) = self.ends.get(text) else { break };
                from = *last as usize;
                // What begins in one text and ends in another is in neither.
                found[text] |= end <= from;
            }
        }
    }

    fn text(&self, text: usize) -> &str {
        let from = text.checked_sub(1).map_or(0, |before| self.ends[before]) as usize;
        self.all.get(from..self.ends[text] as usize).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

/// BlockTexts on their way into blocks.
#[derive(Default)]
struct Gathered {
    waiting: Vec<u8>,
    first: usize,
    ends: Vec<u32>,
    blocks: Vec<Block>,
}

impl Gathered {
    /// Takes a text in and gives its number; `None` when there are too many, or they are too long to be kept.
    fn push(&mut self, text: &str) -> Option<u16> {
        let number = u16::try_from(self.ends.len()).ok()?;
        self.waiting.extend_from_slice(text.as_bytes());
        self.ends.push(u32::try_from(self.waiting.len()).ok()?);
        if self.waiting.len() >= BLOCK {
            self.close()?;
        }
        Some(number)
    }

    fn close(&mut self) -> Option<()> {
        // The packer measures in 31 bits, and leaves room for the worst case.
        i32::try_from(self.waiting.len()).ok()?;
        let exact = self.waiting.is_ascii() || FOLDED.iter().all(|folded| memmem::find(&self.waiting, folded.as_bytes()).is_none());
        self.waiting.make_ascii_lowercase();
        self.blocks.push(Block { bytes: self.waiting.as_slice().into(), packed: false, texts: self.first..self.ends.len(), exact });
        self.waiting.clear();
        self.first = self.ends.len();
        Some(())
    }
}

/// The messages of a row group; `None` when it is too big to be kept.
fn gather(table: &DataFrame) -> PolarsResult<Option<Messages>> {
    let (mut gathered, mut texts) = (Gathered::default(), Vec::with_capacity(table.height()));
    for column in table.columns() {
        for array in column.str()?.downcast_iter() {
            // Equal values of one page are stored once: where a value lies tells it.
            let mut known: HashMap<u128, u16> = HashMap::new();
            for (row, view) in array.views().iter().enumerate() {
                let text = match known.entry(view.as_u128()) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(place) => {
                        let Some(text) = gathered.push(StaticArray::get(array, row).unwrap_or_default()) else { return Ok(None) };
                        *place.insert(text)
                    }
                };
                texts.push(text);
            }
        }
    }
    Ok(gathered.close().map(|()| Messages { blocks: gathered.blocks, ends: gathered.ends, texts }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{Column as Series, IntoColumn as _, NamedFrom as _, Series as Values};

    /// Both ways of keeping texts.
    fn both(texts: &[impl AsRef<str>]) -> [Messages; 2] {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let column: Series = Values::new("message".into(), texts).into_column();
        let table = DataFrame::new_infer_height(vec![column]).unwrap();
        let [plain, packed] = [(), ()].map(|()| gather(&table).unwrap().unwrap());
        let packed = packed.packed();
        assert!(packed.blocks.iter().all(|block| block.packed) && !plain.blocks.iter().any(|block| block.packed));
        [plain, packed]
    }

    #[test]
    fn what_is_packed_is_found_as_it_would_be_in_each_text() {
        let texts = ["ab", "ba", "", "abba", "ab", "KEY=\u{e4}", "a", "b", "\u{212a}ey", "aab"];
        for kept in both(&texts) {
            assert!(kept.ends.len() < texts.len(), "equal texts are kept once");
            for word in ["ab", "b", "bb", "ba", "bab", "key", "\u{e4}", "aa", "ab|a"] {
                let pattern = Pattern::contains(word).unwrap();
                assert_eq!(kept.rows_with(&[&pattern]).unwrap(), [texts.map(|text| pattern.is_in(text))], "{word}");
            }
            let (either, whole) = (Pattern::any(&["bbaab".into(), "ba".into()]).unwrap(), Pattern::exactly("AB").unwrap());
            let found = kept.rows_with(&[&either, &whole]).unwrap();
            assert_eq!(found, [&either, &whole].map(|pattern| texts.map(|text| pattern.is_in(text))));
        }
    }

    #[test]
    fn nothing_is_found_where_there_is_no_text_and_a_full_block_may_be_the_last() {
        for texts in [vec![String::new(); 3], Vec::new(), vec!["x".repeat(BLOCK)]] {
            let pattern = Pattern::contains("xx").unwrap();
            for kept in both(&texts) {
                assert_eq!(kept.rows_with(&[&pattern]).unwrap(), [texts.iter().map(|text| !text.is_empty()).collect::<Vec<_>>()]);
            }
        }
    }

    #[test]
    fn texts_of_many_blocks_are_all_found() {
        let texts: Vec<String> = (0..3000).map(|row| format!("{row} {}", "x".repeat(row % 700))).collect();
        for kept in both(&texts) {
            assert!(kept.blocks.len() > 2);
            for word in ["77 x", "2999", "xxxx", "0 "] {
                let pattern = Pattern::contains(word).unwrap();
                let wanted: Vec<bool> = texts.iter().map(|text| text.contains(word)).collect();
                assert_eq!(kept.rows_with(&[&pattern]).unwrap(), [wanted], "{word}");
            }
        }
    }
}
