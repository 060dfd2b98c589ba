//! What the server does once about something, however often it sets about it: the key of such a command follows from what
//! it is about.

use domain::{CommandId, ConversationEvent, EventFamily, UserId};
use uuid::Uuid;

use crate::{
    Caller, CommandError, CommandKey, Commands,
    engine::{Beginning, Begun},
};

impl Commands {
    /// The caller of something that the server does once about a thing with an id.
    pub(crate) fn once(&self, what: &str, user: Option<UserId>, about: Uuid) -> Caller {
        let fingerprint = self.secrets.fingerprint("once", what, about.as_bytes());
        Caller { user, device: None, key: Some(CommandKey { id: CommandId::keyed(about, what), fingerprint }) }
    }

    /// Begins it; none where it is done.
    ///
    /// # Errors
    /// [`CommandError::KeyInFlight`] where it is being done at this moment, so that it may yet come to nothing.
    pub(crate) async fn begin_once<E: EventFamily>(&self, caller: &Caller) -> Result<Option<Begun>, CommandError> {
        Ok(match self.begin::<E>(caller).await? {
            Beginning::New(begun) => Some(begun),
            Beginning::Repeated(_) => None,
        })
    }

    /// Begins to show something in a conversation; none where it is shown, or being shown at this moment: until it is,
    /// it stays on its to-do list.
    pub(crate) async fn begin_showing(
        &self,
        what: &str,
        by: UserId,
        about: Uuid,
    ) -> Result<Option<Begun>, CommandError> {
        match self.begin_once::<ConversationEvent>(&self.once(what, Some(by), about)).await {
            Err(CommandError::KeyInFlight) => Ok(None),
            begun => begun,
        }
    }
}
