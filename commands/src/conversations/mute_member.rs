//! The owner or an admin silences a member.

use chrono::{DateTime, Utc};
use domain::{ConversationEvent, ConversationId, UserId};

use crate::{Caller, CommandError, Commands, Committed, engine::begin};

impl Commands {
    /// Mutes a member, until a time or until lifted.
    ///
    /// # Errors
    /// [`domain::Rejection::AdminOnly`], [`domain::Rejection::RankTooHigh`], [`domain::Rejection::MemberNotFound`].
    pub async fn mute_member(
        &self,
        caller: &Caller,
        group: ConversationId,
        member: UserId,
        until: Option<DateTime<Utc>>,
    ) -> Result<Committed<ConversationEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run_in(group, begun, |state, now| state.mute_member(by, member, until, now)).await
    }
}
