//! A call that is over is shown in its conversation.

use domain::{
    CallId, ConversationEvent,
    call::Phase,
    conversation::{Content, messages::Draft},
};

use crate::{CommandError, Commands, engine::Beginning};

impl Commands {
    /// Shows how a call ended in its conversation, once.
    ///
    /// # Errors
    /// Whatever keeps it from being shown; it is tried again.
    pub async fn show_call(&self, call: CallId) -> Result<(), CommandError> {
        let (placed, phase) = self.calls.look(call, |state| (state.placed, state.phase)).await?;
        let (Some(placed), Phase::Ended { outcome, seconds }) = (placed, phase) else { return Ok(()) };
        let by = placed.caller;
        let begun = match self.begin::<ConversationEvent>(&self.once("card", Some(by), call.0)).await {
            Ok(Beginning::New(begun)) => begun,
            // Done, or being done at this moment.
            Ok(Beginning::Repeated(_)) | Err(CommandError::KeyInFlight) => return Ok(()),
            Err(error) => return Err(error),
        };
        let draft = Draft::of(Content::Call { call, media: placed.media, outcome, seconds, group: false });
        self.run(&self.conversations, placed.conversation, begun, |state, now| {
            state.say(by, draft.clone(), &self.policy, now)
        })
        .await?;
        Ok(())
    }
}
