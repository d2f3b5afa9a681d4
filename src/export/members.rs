//! What exports and evaluations want to know of every member of a subject, without its payload.

use crate::control::{Control, RunError};
use crate::domain::{EventKey, EventStore};
use std::collections::HashMap;
use std::sync::Arc;

/// One event as a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which event.
    pub key: EventKey,
    /// `EventRecordID`, where there is one.
    pub record_id: Option<u64>,
    /// Its computer.
    pub computer: Option<Arc<str>>,
    /// GUID of the acting or new process.
    pub process_guid: Option<Arc<str>>,
}

/// All scored events of a store, sorted by key. About 56 bytes an event beside the names, which are shared.
#[derive(Debug, Default)]
pub struct Members(Vec<Member>);

impl Members {
    /// Reads them in one pass without payload.
    ///
    /// # Errors
    /// When the store cannot be read or the job is cancelled.
    pub fn read(store: &dyn EventStore, control: &Control) -> Result<Self, RunError> {
        let mut names: HashMap<Box<str>, Arc<str>> = HashMap::new();
        let mut share = |text: Option<&str>| {
            let text = text?;
            if let Some(name) = names.get(text) {
                return Some(Arc::clone(name));
            }
            let name: Arc<str> = text.into();
            names.insert(text.into(), Arc::clone(&name));
            Some(name)
        };
        let mut members = Vec::with_capacity(usize::try_from(store.events()).unwrap_or(0));
        store.scan(false, control, &mut |batch| {
            members.extend(batch.iter().map(|e| Member {
                key: e.key,
                record_id: e.record_id,
                computer: share(e.computer),
                process_guid: share(e.process_guid),
            }));
            Ok(())
        })?;
        debug_assert!(members.is_sorted_by_key(|m| (m.key.source, m.key.record, m.key.part)));
        Ok(Self(members))
    }

    /// The member with this key; `None` when the store does not hold it.
    #[must_use]
    pub fn get(&self, key: EventKey) -> Option<&Member> {
        let place = |k: EventKey| (k.source, k.record, k.part);
        self.0.binary_search_by_key(&place(key), |m| place(m.key)).ok().and_then(|i| self.0.get(i))
    }
}
