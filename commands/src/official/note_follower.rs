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
        let (id, named) = self.notes_of(account, openid, change).await?;
        self.run(&self.streams.follower_notes, id, begun, |state, _| {
            state.change((account, openid), change, |tag| named.contains(&tag), &self.policy.official)
        })
        .await
    }

    /// Notes the same of several followers, one after the other. What keeps it from being noted of any of them is found
    /// before the first.
    ///
    /// # Errors
    /// As [`Self::note_follower`].
    pub async fn note_followers(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        openids: &[String],
        change: &NotesChange,
    ) -> Result<(), CommandError> {
        for openid in openids {
            let (id, named) = self.notes_of(account, openid, change).await?;
            let of = (account, openid.as_str());
            let check = |state: &domain::FollowerNotes| {
                state.change(of, change, |tag| named.contains(&tag), &self.policy.official).map(drop)
            };
            self.streams.follower_notes.look(id, check).await??;
        }
        for openid in openids {
            self.note_follower(caller, account, openid, change).await?;
        }
        Ok(())
    }

    /// Where an account's notes of a follower are, and which of the tags there are that the follower has or is to have: those
    /// that are no more take no room.
    async fn notes_of(
        &self,
        account: OfficialAccountId,
        openid: &str,
        change: &NotesChange,
    ) -> Result<(ConversationId, BTreeSet<u32>), CommandError> {
        let follower = self.follower(account, openid).await?.ok_or(Rejection::NotFollowed)?;
        let id = ConversationId::with_account(account, follower);
        let had = self.streams.follower_notes.look(id, |state| state.tags.clone()).await?;
        let named = |tags: &domain::FollowerTags| -> BTreeSet<u32> {
            had.iter().chain(&change.add).copied().filter(|tag| tags.has(*tag)).collect()
        };
        Ok((id, self.streams.follower_tags.look(account, named).await?))
    }
}
