//! Columns in memory: names as numbers into a sorted list of values, times and record IDs as they are.

use super::{AT_ONCE, Chunk, Events, NONE, stored};
use crate::case::search::Column;
use crate::case::store::held;
use crate::control::{Control, RunError};
use foldhash::HashMap;
use foldhash::HashMapExt as _;
use polars::prelude::{Column as Values, DataFrame, PolarsResult, StaticArray};
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// Bytes of different values beyond which a column is not kept: it is searched where it lies, and neither sorted nor grouped.
const VARIED: usize = 384 << 20;

/// A column whose rows name values.
pub(super) struct Coded {
    /// Of each row, which value; 0 is nothing.
    pub codes: Vec<u32>,
    /// The values as text; the first one is nothing.
    pub values: Vec<Box<str>>,
    /// Whether the values are numbers.
    numeric: bool,
    ranks: OnceLock<Vec<u32>>,
}

/// One row group's share of it.
#[derive(Default)]
struct Share {
    codes: Vec<u32>,
    values: Vec<Box<str>>,
}

/// A column that is being brought together.
struct Gathered {
    codes: Vec<u32>,
    values: Vec<Box<str>>,
    known: HashMap<Box<str>, u32>,
    /// About how many bytes the values take.
    bytes: usize,
}

impl Gathered {
    fn new(rows: usize) -> Self {
        Self { codes: Vec::with_capacity(rows), values: vec!["".into()], known: HashMap::new(), bytes: 0 }
    }

    fn add(&mut self, share: &Share) {
        if self.bytes > VARIED {
            (self.codes, self.values, self.known) = Default::default();
            return;
        }
        let mut places = vec![0];
        for value in &share.values {
            places.push(self.known.get(value).copied().unwrap_or_else(|| {
                let code = self.values.len() as u32;
                self.bytes += 2 * value.len() + 64;
                self.values.push(value.clone());
                self.known.insert(value.clone(), code);
                code
            }));
        }
        self.codes.extend(share.codes.iter().map(|code| places[*code as usize]));
    }

    fn whole(self, numeric: bool) -> Option<Coded> {
        (self.bytes <= VARIED).then(|| Coded { codes: self.codes, values: self.values, numeric, ranks: OnceLock::new() })
    }
}

impl Events {
    /// A column of names; `None` when it holds too many different ones.
    pub(super) fn coded(&self, column: Column, control: &Control) -> Result<Option<Arc<Coded>>, RunError> {
        self.read_names(&[column], control)?;
        let place = held(&self.coded).entry(column).or_default().clone();
        let kept = held(&place).clone();
        Ok(kept.flatten())
    }

    /// Reads those of the columns that are not in memory, in one go through the case.
    pub(super) fn read_names(&self, columns: &[Column], control: &Control) -> Result<(), RunError> {
        let places: Vec<_> = columns.iter().map(|column| (*column, held(&self.coded).entry(*column).or_default().clone())).collect();
        // Whoever holds several holds them in the order of the columns.
        let mut missing: Vec<_> = places.iter().map(|(column, place)| (*column, held(place))).filter(|(_, kept)| kept.is_none()).collect();
        if let Some((_, kept)) = missing.iter_mut().find(|(column, _)| *column == Column::Source) {
            **kept = Some(Some(Arc::new(self.by_source())));
        }
        missing.retain(|(column, _)| *column != Column::Source);
        if missing.is_empty() {
            return Ok(());
        }
        let columns: Vec<Column> = missing.iter().map(|(column, _)| *column).collect();
        for ((_, kept), read) in missing.iter_mut().zip(self.read_coded(&columns, control)?) {
            **kept = Some(read.map(Arc::new));
        }
        Ok(())
    }

    /// A column of numbers: times, record IDs.
    pub(super) fn numbers(&self, column: Column, control: &Control) -> Result<Arc<Vec<i64>>, RunError> {
        let place = held(&self.numbers).entry(column).or_default().clone();
        let mut kept = held(&place);
        if let Some(known) = &*kept {
            return Ok(known.clone());
        }
        let mut all = Vec::with_capacity(self.rows);
        for chunks in self.chunks.chunks(AT_ONCE) {
            control.check()?;
            let shares: Vec<Vec<i64>> = chunks.par_iter().map(|chunk| chunk.read(&[stored(column)], numbers_of)).collect::<Result<_, _>>()?;
            for share in shares {
                all.extend(share);
            }
            control.progress("reading", column.name(), all.len() as u64, Some(self.rows as u64), "events");
        }
        let all = Arc::new(all);
        *kept = Some(Arc::clone(&all));
        Ok(all)
    }

    fn read_coded(&self, columns: &[Column], control: &Control) -> Result<Vec<Option<Coded>>, RunError> {
        let names: Vec<&str> = columns.iter().map(|column| stored(*column)).collect();
        let mut all: Vec<Gathered> = columns.iter().map(|_| Gathered::new(self.rows)).collect();
        let mut done = 0;
        for chunks in self.chunks.chunks(AT_ONCE) {
            control.check()?;
            let shares: Vec<Vec<Share>> = chunks.par_iter().map(|chunk| chunk.read(&names, |table| shares_of(table, &names))).collect::<Result<_, _>>()?;
            all.par_iter_mut().enumerate().for_each(|(at, all)| shares.iter().for_each(|shares| all.add(&shares[at])));
            done += chunks.iter().map(|chunk| chunk.rows).sum::<usize>();
            control.progress("reading", "names", done as u64, Some(self.rows as u64), "events");
        }
        Ok(all.into_iter().zip(columns).map(|(all, column)| all.whole(column.is_number())).collect())
    }

    /// The column of source files, which is stored nowhere.
    fn by_source(&self) -> Coded {
        let sources = self.snapshot.ledger();
        let mut values: Vec<Box<str>> = vec!["".into()];
        values.extend(sources.iter().map(|source| source.source_file.as_str().into()));
        let codes = self.chunks.iter().flat_map(|chunk| std::iter::repeat_n(chunk.source + 1, chunk.rows)).collect();
        Coded { codes, values, numeric: false, ranks: OnceLock::new() }
    }
}

impl Coded {
    /// Where each value stands among them; nothing stands last. Put in order when it is first asked for: searches do without.
    pub(super) fn ranks(&self) -> &[u32] {
        self.ranks.get_or_init(|| Self::ranked(&self.values, self.numeric))
    }

    fn ranked(values: &[Box<str>], numeric: bool) -> Vec<u32> {
        let mut order: Vec<u32> = (1..values.len() as u32).collect();
        let value = |code: u32| &*values[code as usize];
        if numeric {
            order.sort_by_key(|code| value(*code).parse::<i64>().unwrap_or(i64::MAX));
        } else {
            let lower = |code: u32| value(code).bytes().map(|byte| byte.to_ascii_lowercase());
            order.par_sort_by(|a, b| lower(*a).cmp(lower(*b)).then_with(|| value(*a).cmp(value(*b))));
        }
        let mut ranks = vec![order.len() as u32; values.len()];
        for (rank, code) in order.iter().enumerate() {
            ranks[*code as usize] = rank as u32;
        }
        ranks
    }
}

impl Chunk {
    /// Reads columns of the row group and makes something of them.
    pub(super) fn read<T>(&self, names: &[&str], make: impl Fn(&DataFrame) -> PolarsResult<T>) -> Result<T, RunError> {
        let table = self.file.group(names, self.group)?;
        make(&table).map_err(|e| self.file.damaged(&e))
    }
}

fn numbers_of(table: &DataFrame) -> PolarsResult<Vec<i64>> {
    let mut all = Vec::with_capacity(table.height());
    for column in table.columns() {
        if let Ok(times) = column.datetime() {
            times.physical().downcast_iter().for_each(|a| all.extend((0..a.len()).map(|row| StaticArray::get(a, row).unwrap_or(NONE))));
        } else {
            let whole = |n: Option<u64>| n.and_then(|n| i64::try_from(n).ok()).unwrap_or(NONE);
            column.u64()?.downcast_iter().for_each(|a| all.extend((0..a.len()).map(|row| whole(StaticArray::get(a, row)))));
        }
    }
    Ok(all)
}

fn shares_of(table: &DataFrame, names: &[&str]) -> PolarsResult<Vec<Share>> {
    names.iter().map(|name| share_of(table.column(name)?)).collect()
}

fn share_of(column: &Values) -> PolarsResult<Share> {
    let mut share = Share { codes: Vec::with_capacity(column.len()), values: Vec::new() };
    if let Ok(numbers) = column.u32() {
        let mut known: HashMap<u32, u32> = HashMap::new();
        for array in numbers.downcast_iter() {
            for row in 0..array.len() {
                let code = StaticArray::get(array, row).map_or(0, |number| {
                    *known.entry(number).or_insert_with(|| {
                        share.values.push(number.to_string().into());
                        share.values.len() as u32
                    })
                });
                share.codes.push(code);
            }
        }
        return Ok(share);
    }
    for array in column.str()?.downcast_iter() {
        // Equal values of one page are stored once: where a value lies tells it sooner than its letters do.
        let mut known: HashMap<u128, u32> = HashMap::new();
        let mut last = (0, 0);
        for (row, view) in array.views().iter().enumerate() {
            let Some(text) = StaticArray::get(array, row).filter(|text| !text.is_empty()) else {
                share.codes.push(0);
                continue;
            };
            let place = view.as_u128();
            if place != last.0 {
                let code = *known.entry(place).or_insert_with(|| {
                    share.values.push(text.into());
                    share.values.len() as u32
                });
                last = (place, code);
            }
            share.codes.push(last.1);
        }
    }
    Ok(share)
}
