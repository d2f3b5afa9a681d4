//! What a search marks in the table when it takes nothing away.

/// The positions of an order that a search found.
#[derive(Debug, Default)]
pub struct Hits {
    found: Vec<bool>,
    count: usize,
}

impl Hits {
    /// Asks every shown position of an order of `len`. `None` when stale.
    pub(super) fn new(shown: &[u32], len: usize, matches: &dyn Fn(u32) -> bool, stale: &dyn Fn() -> bool) -> Option<Self> {
        let mut hits = Self { found: vec![false; len], count: 0 };
        for (n, &position) in shown.iter().enumerate() {
            if n % 4096 == 0 && stale() {
                return None;
            }
            if matches(position) {
                hits.found[position as usize] = true;
                hits.count += 1;
            }
        }
        Some(hits)
    }

    /// Whether a position was found.
    #[must_use]
    pub fn has(&self, position: u32) -> bool {
        self.found.get(position as usize).copied().unwrap_or_default()
    }

    /// How many were found.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
