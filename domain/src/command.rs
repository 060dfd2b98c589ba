//! Commands as such: what the log keeps of one that came with an idempotency key and had nothing to do.

use serde::{Deserialize, Serialize};

use crate::event::event_family;

/// First part of the name of the stream of a command without effect; its id follows.
pub const CATEGORY: &str = "command";

/// A command was carried out and there was nothing to do. Kept so that the same key gives the same answer later, when
/// there might be something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandWithoutEffect {}

event_family! {
    /// Events of a `command-` stream.
    CommandEvent {
        "command.without-effect" => CommandWithoutEffect,
    }
}
