//! Why a command was not carried out.

use domain::{DecodeError, Rejection};
use eventlog::{AppendError, ReadError};

use crate::forwarding::ForwardingError;

/// Why a command was not carried out. Unless the variant says otherwise nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The rules refuse it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The token is missing, malformed or no longer valid.
    #[error("log in first: the token is missing, malformed or no longer valid")]
    NotLoggedIn,
    /// The idempotency key was used before with another request.
    #[error("this idempotency key was used before with another request")]
    KeyReused,
    /// The first request with this idempotency key has not been answered yet.
    #[error("the first request with this idempotency key is still under way")]
    KeyInFlight,
    /// Others wrote to the same stream at the same time, again and again.
    #[error("too many changes at the same time; try again")]
    Contended,
    /// The pool that checks passwords has more to do than it takes.
    #[error("too many passwords to check at present; try again later")]
    Busy,
    /// More media are on their way in, or to be looked at, than the server takes.
    #[error("too many pictures and files at present; try again later")]
    Crowded,
    /// Where the bytes of media are kept can't be read or written.
    #[error("the bytes of media can't be read or written: {0}")]
    MediaStore(String),
    /// No bank, no biller or no forwarding unit is connected to this server.
    #[error("no {0} is connected to this server")]
    NotConnected(&'static str),
    /// Sound and pictures of as many devices are forwarded as may be.
    #[error("no more devices can be served at present; try again later")]
    ForwardingFull,
    /// The bank, the biller or the forwarding unit does not answer.
    #[error("the {0} does not answer; try again later")]
    GatewaySilent(&'static str),
    /// The log refused the append, or its outcome is not known.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event in the log can't be understood.
    #[error("stream {stream}: {error}")]
    Undecodable {
        /// In which stream.
        stream: String,
        /// What is wrong.
        error: DecodeError,
    },
    /// A read model that the command needs does not answer.
    #[error("a read model does not answer: {0}")]
    ReadModel(String),
    /// A fault of the server itself.
    #[error("the server failed: {0}")]
    Internal(String),
}

impl From<ForwardingError> for CommandError {
    fn from(error: ForwardingError) -> Self {
        match error {
            ForwardingError::OfferRefused(reason) => Rejection::OfferRefused { reason }.into(),
            ForwardingError::Full => Self::ForwardingFull,
            ForwardingError::Stopped => Self::GatewaySilent("forwarding unit"),
        }
    }
}
