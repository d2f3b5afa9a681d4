//! Reads sources: told by content, every record becomes an event or a ledger entry.
