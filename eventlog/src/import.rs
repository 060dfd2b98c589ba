//! Bringing another log's records into an empty one, byte for byte.

use crate::{
    port::{AppendError, ReadError},
    verify::Breach,
};

/// Why records were not imported.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ImportError {
    /// Something other than an import was written to this log already.
    #[error("records can be imported only into a log that held nothing when it was opened")]
    NotEmpty,
    /// A record doesn't follow from those before it, which were imported.
    #[error("the records to import are not whole: {0}")]
    Breach(Breach),
    /// The log's own end of a stream can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The records could not be written.
    #[error(transparent)]
    Append(#[from] AppendError),
}
