//! A person founds a group.

use domain::{ConversationEvent, ConversationId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

/// What it takes to found a group.
#[derive(Clone, Debug)]
pub struct CreateGroup {
    /// Its name; empty for none.
    pub name: String,
    /// Friends to start it with.
    pub members: Vec<UserId>,
}

impl Commands {
    /// Founds a group with friends. The id of the group comes back too.
    ///
    /// # Errors
    /// [`domain::Rejection::NotFriends`], [`domain::Rejection::RejectedByReceiver`], [`domain::Rejection::GroupFull`];
    /// a name that breaks its rule, too few members.
    pub async fn create_group(
        &self,
        caller: &Caller,
        command: CreateGroup,
    ) -> Result<(ConversationId, Committed<ConversationEvent>), CommandError> {
        let id = ConversationId(caller.id_of_made());
        Ok((id, self.found_group(caller, id, command).await?))
    }

    async fn found_group(
        &self,
        caller: &Caller,
        id: ConversationId,
        command: CreateGroup,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let owner = caller.user()?;
        let begun = begin!(self, caller);
        let CreateGroup { name, members } = command;
        // Cheap refusals first: a list of a million strangers is not looked up.
        domain::Conversation::default().create_group(owner, name.clone(), &members, &self.policy)?;
        for member in members.iter().filter(|member| **member != owner) {
            self.check_friend(owner, *member).await?;
        }
        self.run(&self.streams.conversations, id, begun, |state, _| {
            state.create_group(owner, name.clone(), &members, &self.policy)
        })
        .await
    }
}
