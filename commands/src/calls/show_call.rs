//! A call that is over is shown in its conversation.

use domain::{
    CallId,
    call::Phase,
    conversation::{Content, messages::Draft},
};

use crate::{CommandError, Commands};

impl Commands {
    /// Shows how a call ended in its conversation, once.
    ///
    /// # Errors
    /// Whatever keeps it from being shown; it is tried again.
    pub async fn show_call(&self, call: CallId) -> Result<(), CommandError> {
        let (placed, phase) = self.streams.calls.look(call, |state| (state.placed, state.phase)).await?;
        let (Some(placed), Phase::Ended { outcome, seconds }) = (placed, phase) else { return Ok(()) };
        let by = placed.caller;
        let Some(begun) = self.begin_showing("card", by, call.0).await? else { return Ok(()) };
        let draft = Draft::of(Content::Call { call, media: placed.media, outcome, seconds, group: false });
        self.run(&self.streams.conversations, placed.conversation, begun, |state, now| {
            state.say(by, draft.clone(), &self.policy, now)
        })
        .await?;
        Ok(())
    }
}
