//! Media by the names that an account's program knows them by.

use domain::{MediumId, MediumKind, OfficialAccountId, Rejection, conversation::Content, medium::Carried};
use uuid::Uuid;

use crate::{CommandError, Commands, callbacks::Said, engine::Begun, secrets::MediaPlace};

/// What a program says, where its media were found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// A content as anybody writes it: what it shows of a medium is yet to be put in.
    Own(Content),
    /// A medium that a follower sent to the account, with what it shows: it goes on as it does in a message that is
    /// forwarded.
    Sent(Content),
}

impl Found {
    /// The content.
    pub(super) fn content(&self) -> &Content {
        match self {
            Self::Own(content) | Self::Sent(content) => content,
        }
    }
}

impl Commands {
    /// Finds the medium that a program names, where it names one. Nothing is written.
    ///
    /// # Errors
    /// [`Rejection::MediumNotFound`], also for what a follower sent and took back, and where the name is good no longer.
    pub(super) async fn find_said(&self, account: OfficialAccountId, said: Said) -> Result<Found, CommandError> {
        let (kind, media_id) = match said {
            Said::Content(content) => return Ok(Found::Own(content)),
            Said::Medium { kind, media_id } => (kind, media_id),
        };
        if let Ok(id) = Uuid::try_parse(&media_id) {
            let carried = Carried { medium: MediumId(id), facts: None };
            return Ok(Found::Own(match kind {
                MediumKind::Picture => Content::Picture(carried),
                MediumKind::Voice => Content::Voice(carried),
                MediumKind::Video => Content::Video(carried),
                MediumKind::File => return Err(Rejection::ContentNotAllowed.into()),
            }));
        }
        let (party, now) = (account.party(), self.now());
        let ticket = self.secrets.open_media_ticket(&media_id);
        let ticket = ticket.filter(|ticket| ticket.viewer == party && ticket.expires_at > now);
        let ticket = ticket.ok_or(Rejection::MediumNotFound)?;
        let MediaPlace::Message(conversation, seq) = ticket.place else { return Err(Rejection::MediumNotFound.into()) };
        let message = self.relations.visible_message(party, conversation, seq).await?;
        let named = |content: &Content| {
            content.carried().is_some_and(|(sort, carried)| sort == kind && carried.medium == ticket.medium)
        };
        let content = message.and_then(|message| message.content).filter(named);
        Ok(Found::Sent(content.ok_or(Rejection::MediumNotFound)?))
    }

    /// A content that a program says, with what it shows.
    ///
    /// # Errors
    /// As for naming a medium.
    pub(super) async fn said_with_facts(
        &self,
        account: OfficialAccountId,
        found: Found,
        begun: &Begun,
    ) -> Result<Content, CommandError> {
        match found {
            Found::Own(content) => self.with_facts(account.party(), content, begun).await,
            Found::Sent(content) => Ok(content),
        }
    }
}
