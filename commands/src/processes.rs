//! What the process managers share: an item of a to-do list that fails holds up no other.

use crate::CommandError;

/// One for an item that was done; one that was not is logged, and stays on its list.
pub(crate) fn counted(what: &'static str, outcome: Result<(), CommandError>) -> usize {
    match outcome {
        Ok(()) => 1,
        Err(error) => {
            tracing::warn!(%error, what, "left undone; it will be tried again");
            0
        }
    }
}
