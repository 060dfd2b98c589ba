//! What a follower does that an account may answer, and what else its program is told.

use serde::{Deserialize, Serialize};

use super::{ButtonKind, Scene};
use crate::broadcasts::BroadcastAudience;

/// What a follower did, or became of what the account did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// Followed the account.
    Followed {
        /// What the code said of where it hangs.
        scene: Option<Scene>,
    },
    /// Follows it no longer.
    Unfollowed,
    /// Read one of its codes.
    Scanned {
        /// What the code said of where it hangs.
        scene: Scene,
    },
    /// Said something.
    Said {
        /// The message's number in the conversation.
        seq: u64,
    },
    /// Chose something from the menu.
    Chose {
        /// What the button does.
        button: ButtonKind,
        /// The button's key.
        key: String,
        /// The button's address.
        url: String,
    },
    /// The account broadcast something: nobody's doing.
    Broadcast {
        /// The broadcast's number.
        number: u64,
        /// For whom it is.
        audience: BroadcastAudience,
    },
}
