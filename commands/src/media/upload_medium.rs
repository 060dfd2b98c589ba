//! A person brings a medium.

use bytes::Bytes;
use domain::{CommandId, MediumEvent, MediumId, UserId};

use super::{Arrived, Claim, Incoming, quota::Room};
use crate::{
    Caller, CommandError, Commands, Committed,
    engine::{Begun, begin},
};

/// A medium on its way in. Dropped before its end, it leaves nothing.
pub struct Receiving {
    incoming: Box<dyn Incoming>,
    /// None for what was brought before, as its key says.
    room: Option<Room>,
    bytes: u64,
}

impl Receiving {
    /// Takes more bytes.
    ///
    /// # Errors
    /// [`domain::Rejection::MediumTooLarge`], [`domain::Rejection::QuotaReached`]; [`CommandError::MediaStore`].
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), CommandError> {
        self.bytes += bytes.len() as u64;
        if let Some(room) = &mut self.room {
            room.widen(self.bytes).await?;
        }
        self.incoming.write(bytes).await
    }

    /// No more comes: looks at what it is.
    ///
    /// # Errors
    /// As [`Incoming::finish`].
    pub async fn finish(self) -> Result<Received, CommandError> {
        Ok(Received { arrived: self.incoming.finish().await?, room: self.room })
    }
}

/// A medium that has come, and is kept by [`Commands::upload_medium`] only. Dropped before, it leaves nothing.
pub struct Received {
    /// What came.
    pub arrived: Box<dyn Arrived>,
    room: Option<Room>,
}

impl Commands {
    /// A place for a medium that a person is about to bring, of so many bytes where that is known. Where something was
    /// brought with that key already, it need not fit into the quota once more.
    ///
    /// # Errors
    /// Fields that break their rules; [`domain::Rejection::MediumTooLarge`], [`domain::Rejection::QuotaReached`] for what is
    /// announced; [`CommandError::Crowded`].
    pub async fn receive_medium(
        &self,
        by: UserId,
        key: Option<CommandId>,
        bytes: Option<u64>,
        claim: Claim,
    ) -> Result<Receiving, CommandError> {
        let incoming = self.store.receive(claim).await?;
        let repeated = match key {
            Some(key) => self.is_known(key).await?,
            None => false,
        };
        let room = if repeated { None } else { Some(self.quota.room(by, bytes.unwrap_or_default()).await?) };
        Ok(Receiving { incoming, room, bytes: 0 })
    }

    /// Takes in a medium that has come. Its id comes back too. What is refused, or was brought before, is not kept.
    ///
    /// # Errors
    /// [`domain::Rejection::QuotaReached`]; [`CommandError::MediaStore`].
    pub async fn upload_medium(
        &self,
        caller: &Caller,
        received: Received,
    ) -> Result<(MediumId, Committed<MediumEvent>), CommandError> {
        let id = MediumId(caller.id_of_made());
        Ok((id, self.upload(caller, id, received).await?))
    }

    async fn upload(
        &self,
        caller: &Caller,
        id: MediumId,
        Received { arrived, room }: Received,
    ) -> Result<Committed<MediumEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let _room = match room {
            Some(room) => room,
            // Its key was known when it began to come, and is not any more.
            None => self.quota.room(by, arrived.medium().facts.bytes).await?,
        };
        self.keep_medium(by, id, begun, arrived).await
    }

    /// Keeps what has come, unless the medium is refused or there already; then tells the log of it.
    pub(super) async fn keep_medium(
        &self,
        by: UserId,
        id: MediumId,
        begun: Begun,
        arrived: Box<dyn Arrived>,
    ) -> Result<Committed<MediumEvent>, CommandError> {
        let used = self.media_use.bytes_of(by).await?;
        let new = arrived.medium().clone();
        let upload = |state: &domain::Medium| state.upload(new.clone(), used, &self.policy.media);
        if !self.streams.media.look(id, upload).await??.is_empty() {
            arrived.keep().await?;
        }
        self.run(&self.streams.media, id, begun, |state, _| upload(state)).await
    }
}
