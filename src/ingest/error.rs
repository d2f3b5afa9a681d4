//! Why bytes of evidence could not be read. What that means for the source is the ledger's to say.

use crate::control::{CancelToken, RunError};
use std::io;

/// What stopped reading.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Somebody asked to stop: nothing is wrong with the evidence.
    #[error("cancelled")]
    Cancelled,
    /// The system could not read.
    #[error("{why}")]
    System {
        /// From which byte of the source on, where that is known.
        offset: Option<u64>,
        /// What the system says.
        why: io::Error,
    },
    /// An archive or one of its members is damaged, has changed, or is packed in a way that is not read.
    #[error("{0}")]
    Archive(String),
    /// What is unpacked is more than evidence would be: a bomb.
    #[error("{0}")]
    TooBig(String),
}

/// What reading comes to.
pub(super) type Result<T> = std::result::Result<T, ReadError>;

impl ReadError {
    /// An error of the system at a byte of the source.
    pub(super) fn at(offset: u64, why: io::Error) -> Self {
        Self::System { offset: Some(offset), why }
    }

    /// An error of an archive, in words.
    pub(super) fn archive(why: impl Into<String>) -> Self {
        Self::Archive(why.into())
    }

    /// From which byte of the source on nothing could be read, where that is known.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        if let Self::System { offset, .. } = self { *offset } else { None }
    }
}

impl From<io::Error> for ReadError {
    fn from(why: io::Error) -> Self {
        Self::System { offset: None, why }
    }
}

impl From<ReadError> for RunError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Cancelled => Self::Cancelled,
            other => Self::Failed(other.into()),
        }
    }
}

/// Goes on unless somebody asked to stop.
///
/// # Errors
/// Cancelled.
pub(super) fn go_on(cancel: &CancelToken) -> Result<()> {
    if cancel.is_cancelled() { Err(ReadError::Cancelled) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_stays_one_and_an_error_says_where() {
        assert!(matches!(RunError::from(ReadError::Cancelled), RunError::Cancelled));
        let lost = ReadError::at(4_096, io::Error::other("the medium"));
        assert_eq!((lost.offset(), lost.to_string().as_str()), (Some(4_096), "the medium"));
        assert_eq!(ReadError::from(io::Error::other("x")).offset(), None);
        assert_eq!(RunError::from(lost).to_string(), "the medium");
    }
}
