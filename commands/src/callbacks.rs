//! The port to the programs that official accounts are run by: what a program is told, and what it answers. A program is
//! told by callback, which it answers, or by webhook, which it takes.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
pub use domain::official::CallbackMode;
use domain::{MediumKind, OfficialAccountId, conversation::Content};
use thiserror::Error;
use uuid::Uuid;

/// Tells programs what followers do.
#[async_trait]
pub trait CallbackGateway: Send + Sync + 'static {
    /// Asks a program whether it is the account's: it shows that it knows the token. `timestamp` is the present time in
    /// seconds since 1970.
    ///
    /// # Errors
    /// [`CallbackError`]
    async fn greet(&self, callback: &Callback, timestamp: i64) -> Result<(), CallbackError>;

    /// Tells a program something, and gives what the account says to it. `timestamp` is the present time in seconds since
    /// 1970.
    ///
    /// # Errors
    /// [`CallbackError`]
    async fn tell(&self, callback: &Callback, told: &Told, timestamp: i64) -> Result<Answer, CallbackError>;

    /// Tells a webhook something; telling it again does no harm, since it knows a notice by its id. `timestamp` is the present
    /// time in seconds since 1970.
    ///
    /// # Errors
    /// [`CallbackError`]
    async fn notify(&self, target: &WebhookTarget, notice: &Notice, timestamp: i64) -> Result<(), CallbackError>;
}

/// Where a webhook is, and what its calls are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// Where it is called.
    pub url: String,
    /// What calls are signed with, each with all of these.
    pub keys: Vec<[u8; 32]>,
}

impl std::fmt::Debug for WebhookTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookTarget").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What a webhook is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The event: the same however often the webhook is told.
    pub id: Uuid,
    /// Where it stands in the log.
    pub position: u64,
    /// The account that it is about.
    pub account: OfficialAccountId,
    /// What happened.
    pub told: Told,
}

/// What a program answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the account says to the follower.
    pub said: Vec<Said>,
    /// How long the program took, without what the call had to wait for before.
    pub took: Duration,
}

/// What a program says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// This.
    Content(Content),
    /// A medium, by the name that the program knows it by: one that it brought, or one that a follower sent.
    Medium {
        /// What sort of thing it should be.
        kind: MediumKind,
        /// The name.
        media_id: String,
    },
}

/// Where an account's program is, and what both sides know.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Callback {
    /// Where it is called.
    pub url: String,
    /// What calls are signed and encrypted with.
    pub keys: CallbackKeys,
    /// What an answer may be encrypted with as well.
    pub other_keys: Option<CallbackKeys>,
    /// Whether calls are encrypted.
    pub mode: CallbackMode,
    /// Whether the program is known to answer. Of the calls that there may be at a time, some are kept for such.
    pub proven: bool,
    /// What the program knows itself by: `wx` and 16 hexadecimal digits.
    pub app_id: String,
    /// What the program knows the account by: `gh_` and 12 hexadecimal digits.
    pub original_id: String,
}

/// What calls to a program are signed and encrypted with.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CallbackKeys {
    /// What they are signed with.
    pub token: String,
    /// What they are encrypted with: 43 letters and digits.
    pub aes_key: String,
}

impl Callback {
    /// The same, called with the other keys, where there are others.
    #[must_use]
    pub fn with_other_keys(&self) -> Self {
        match &self.other_keys {
            Some(other) => Self { keys: other.clone(), other_keys: Some(self.keys.clone()), ..self.clone() },
            None => self.clone(),
        }
    }
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback").field("url", &self.url).field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// What a program is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What the account knows the follower by.
    pub openid: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The message's number, the same however often the program is told; none of events.
    pub message_id: Option<u64>,
    /// What happened.
    pub word: Word,
}

/// What happened, in the protocol's words.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// The follower said something.
    Text {
        /// The words.
        text: String,
    },
    /// The follower sent a place.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// What the place is called.
        label: String,
    },
    /// The follower sent a link.
    Link {
        /// What it is.
        title: String,
        /// More about it.
        description: String,
        /// The address.
        url: String,
    },
    /// The follower sent a picture, a voice message or a video.
    Medium {
        /// What sort of thing it is.
        kind: MediumKind,
        /// What the program fetches it by.
        media_id: String,
        /// Its format, such as `amr`.
        format: String,
    },
    /// Somebody follows the account.
    Subscribe {
        /// What the code said of where it hangs.
        scene: Option<String>,
        /// The code.
        ticket: Option<String>,
    },
    /// Somebody follows it no longer.
    Unsubscribe,
    /// A follower read a code.
    Scan {
        /// What the code said of where it hangs.
        scene: String,
        /// The code.
        ticket: String,
    },
    /// A follower chose from the menu.
    Menu {
        /// The event's name, such as `CLICK`.
        event: &'static str,
        /// The button's key or address.
        key: String,
    },
    /// A broadcast is sent.
    Broadcast {
        /// Its number.
        number: u64,
        /// How many followers it was for.
        followers: u64,
    },
}

/// Why a program did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallbackError {
    /// It was not reached, was too slow, or answered what can't be understood.
    #[error("{0}")]
    Failed(String),
    /// It says that it wants to be told nothing any more.
    #[error("status 410: it is gone")]
    Gone,
}
