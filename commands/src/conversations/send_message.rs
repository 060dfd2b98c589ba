//! A person says something.

use domain::{
    ConversationEvent, ConversationId, Rejection, UserId,
    conversation::{Content, messages::Draft},
};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Sends a message.
    ///
    /// # Errors
    /// Content that breaks its rules; [`Rejection::ArticleNotFound`]; [`Rejection::NotFriends`], [`Rejection::RejectedByReceiver`]; muted, not a member.
    pub async fn send_message(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        draft: Draft,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.check_reaches(by, conversation).await?;
        self.check_named(by, &draft.content).await?;
        let content = self.with_facts(by, draft.content, &begun).await?;
        let content = self.with_front(content).await?;
        let draft = Draft { content, ..draft };
        self.run_in(conversation, begun, |state, now| state.send(by, draft.clone(), &self.policy, now)).await
    }

    /// Checks that what a content names exists, and that `by` may know of it.
    async fn check_named(&self, by: UserId, content: &Content) -> Result<(), CommandError> {
        match content {
            Content::Sticker { pack, sticker } => {
                let exists = self.streams.sticker_packs.look(*pack, |pack| pack.sticker(sticker).is_some()).await?;
                if exists { Ok(()) } else { Err(Rejection::StickerNotFound.into()) }
            }
            Content::PictureSticker(carried) => {
                let medium = carried.medium;
                let own = self.streams.sticker_collections.look(by, |collection| collection.has(medium)).await?;
                if own { Ok(()) } else { Err(Rejection::StickerNotFound.into()) }
            }
            Content::ContactCard { user } => {
                let known = by == *user || self.knows_of(by, *user).await?;
                if known { Ok(()) } else { Err(Rejection::PersonNotFound.into()) }
            }
            _ => Ok(()),
        }
    }
}
