//! An official account notes something of a follower.

use std::collections::BTreeSet;

use domain::{ConversationId, FollowerNotesEvent, OfficialAccountId, Rejection, follower_notes::NotesChange};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Changes what an account that the caller acts for notes of a follower, whom it knows by an openid.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountNotYours`], [`Rejection::NotFollowed`],
    /// [`Rejection::TagNotFound`], [`Rejection::TooManyTags`]; a remark that breaks its rule.
    pub async fn note_follower(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        openid: &str,
        change: &NotesChange,
    ) -> Result<Committed<FollowerNotesEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_acting_for(by, account).await?;
        let follower = self.follower(account, openid).await?.ok_or(Rejection::NotFollowed)?;
        let id = ConversationId::with_account(account, follower);
        // Tags that they have are looked at too: those that are no more take no room.
        let had = self.follower_notes.look(id, |state| state.tags.clone()).await?;
        let named = |tags: &domain::FollowerTags| -> BTreeSet<u32> {
            had.iter().chain(&change.add).copied().filter(|tag| tags.has(*tag)).collect()
        };
        let named = self.follower_tags.look(account, named).await?;
        self.run(&self.follower_notes, id, begun, |state, _| {
            state.change((account, openid), change, |tag| named.contains(&tag), &self.policy.official)
        })
        .await
    }
}
