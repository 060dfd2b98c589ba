//! The call of a group that is over is shown in its conversation.

use domain::{CallId, UserId, conversation::Content};

use crate::{CommandError, Commands};

impl Commands {
    /// Shows how a call ended in its group, once: in the name of who started it, or of the owner where they have left.
    /// A group that is no more shows nothing.
    ///
    /// # Errors
    /// Whatever keeps it from being shown; it is tried again.
    pub async fn show_group_call(&self, call: CallId) -> Result<(), CommandError> {
        let (started, ended) = self.streams.group_calls.look(call, |state| (state.started, state.ended)).await?;
        let (Some(started), Some((outcome, seconds))) = (started, ended) else { return Ok(()) };
        let named = |state: &domain::Conversation| -> Option<UserId> {
            let group = state.group().ok().filter(|group| !group.disbanded)?;
            Some(if group.members.contains_key(&started.starter) { started.starter } else { group.owner })
        };
        let Some(by) = self.streams.conversations.look(started.conversation, named).await? else { return Ok(()) };
        let Some(begun) = self.begin_showing("group card", by, call.0).await? else { return Ok(()) };
        let content = Content::Call { call, media: started.media, outcome, seconds, group: true };
        self.run(&self.streams.conversations, started.conversation, begun, |state, _| state.show(content.clone()))
            .await?;
        Ok(())
    }
}
