//! A person makes a sticker of a picture: of one that they brought, or of one in a message that they see.

use domain::{
    ConversationId, MediumId, MediumKind, Rejection, StickerCollectionEvent,
    conversation::Content,
    medium::{Carried, MediaUploaded, Uploaded},
};

use crate::{
    Caller, CommandError, Commands, Committed,
    engine::{Begun, begin},
};

/// Where a sticker comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StickerSource {
    /// A picture of one's own.
    Medium(MediumId),
    /// A message that carries one, by its number.
    Message(ConversationId, u64),
}

impl Commands {
    /// Puts a picture into the caller's collection, before all others. One out of a message becomes a medium of the
    /// caller's own with the same bytes, and counts against their quota, unless they have such a picture already. Where the collection has a sticker with the
    /// same bytes, that one comes to the front instead: the event names it.
    ///
    /// # Errors
    /// [`Rejection::MediumNotFound`], [`Rejection::MediumOfOtherKind`], [`Rejection::MediumTooLarge`];
    /// [`Rejection::MessageNotFound`], [`Rejection::MessageRecalled`], [`Rejection::ContentNotAllowed`] for a message that
    /// carries no picture; [`Rejection::TooManyStickers`], [`Rejection::QuotaReached`].
    pub async fn collect_sticker(
        &self,
        caller: &Caller,
        source: StickerSource,
    ) -> Result<Committed<StickerCollectionEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let (medium, picture) = self.source_picture(caller, source).await?;
        let hash = picture.hash.clone();
        let known = self.streams.sticker_collections.look(by, |state| match state.with_hash(&hash) {
            Some(known) => Ok(Some(known)),
            None => state.check_room(&self.policy.media).map(|()| None),
        });
        let sticker = match known.await?? {
            Some(known) => Carried { medium: known, facts: None },
            None if picture.owner == by => self.name_medium(by, medium, &[MediumKind::Picture], &begun).await?,
            None => match self.media_use.picture_of(by, &hash).await? {
                Some(own) => self.name_medium(by, own, &[MediumKind::Picture], &begun).await?,
                None => self.taken_over(caller, picture, &begun).await?,
            },
        };
        let policy = &self.policy.media;
        self.run(&self.streams.sticker_collections, by, begun, |state, _| state.collect(sticker.clone(), &hash, policy))
            .await
    }

    /// The picture that a sticker is to be made of.
    async fn source_picture(
        &self,
        caller: &Caller,
        source: StickerSource,
    ) -> Result<(MediumId, Uploaded), CommandError> {
        let by = caller.user()?;
        let (medium, own_only) = match source {
            StickerSource::Medium(medium) => (medium, true),
            StickerSource::Message(conversation, seq) => {
                let message = self.relations.visible_message(by, conversation, seq).await?;
                let message = message.ok_or(Rejection::MessageNotFound)?;
                match message.content.ok_or(Rejection::MessageRecalled)? {
                    Content::Picture(carried) | Content::PictureSticker(carried) => (carried.medium, false),
                    _ => return Err(Rejection::ContentNotAllowed.into()),
                }
            }
        };
        let picture = self.medium(medium).await?.filter(|picture| picture.owner == by || !own_only);
        let picture = picture.ok_or(Rejection::MediumNotFound)?;
        if picture.kind != MediumKind::Picture {
            return Err(Rejection::MediumOfOtherKind { kind: picture.kind.as_str() }.into());
        }
        let max = self.policy.media.sticker_bytes;
        if picture.facts.bytes > max {
            return Err(Rejection::MediumTooLarge { max, unit: "bytes as a sticker" }.into());
        }
        Ok((medium, picture))
    }

    /// Makes a picture that somebody else has sent the caller's own. Its bytes are there for as long as the message names
    /// them, and from now on also for as long as the caller's medium does.
    async fn taken_over(&self, caller: &Caller, picture: Uploaded, begun: &Begun) -> Result<Carried, CommandError> {
        let by = caller.user()?;
        let own = MediumId(caller.id_of_made());
        let _room = self.quota.room(by, picture.facts.bytes).await?;
        let used = self.media_use.bytes_of(by).await?;
        let Uploaded { kind, hash, facts, .. } = picture;
        let new = MediaUploaded { kind, hash, facts };
        let policy = &self.policy.media;
        let upload = |state: &domain::Medium, _| state.upload(new.clone(), used, policy);
        self.run_step(&self.streams.media, own, begun, "take over", upload).await?;
        self.name_medium(by, own, &[MediumKind::Picture], begun).await
    }
}
