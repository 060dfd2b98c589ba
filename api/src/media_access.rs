//! Who may fetch a medium: its owner, and whoever may see what carries it, judged when they fetch it.

use chrono::{DateTime, Utc};
use commands::{MediaPlace, MediaTicket, media::SmallerForm};
use domain::{
    ConversationId, MediumId, MediumKind, UserId,
    conversation::MessageSent,
    medium::{Carried, MediumFacts},
};
use eventlog::Position;
use projections::{
    broadcasts::{Follower, SentRow},
    chat::{ChatView, Entry},
    people::PeopleView,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{App, notices::bounds, problem::Problem, routes::people};

/// Most things that links to what they show are asked for at once.
pub(crate) const CARRIERS_MAX: usize = 100;

/// In which form a medium is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it was brought.
    Original,
    /// Smaller.
    Smaller(SmallerForm),
}

impl Form {
    fn number(self) -> u8 {
        match self {
            Self::Original => 0,
            Self::Smaller(SmallerForm::Preview) => 1,
            Self::Smaller(SmallerForm::Thumbnail) => 2,
        }
    }

    /// The form with that number in a link.
    pub(crate) fn numbered(number: u8) -> Option<Self> {
        let forms = [Self::Original, Self::Smaller(SmallerForm::Preview), Self::Smaller(SmallerForm::Thumbnail)];
        forms.into_iter().find(|form| form.number() == number)
    }
}

/// Where a medium can be fetched, for a while, by whoever has the link: it needs no token. Whether the person whom it was
/// given to may still see what carries the medium is judged each time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MediaLinks {
    /// The medium.
    pub medium: MediumId,
    /// As it was brought.
    pub original: String,
    /// A picture of at most 1,280 pixels a side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<String>,
    /// A picture of at most 320 pixels a side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<String>,
    /// When the links end. The same ones are given for a while, so that what was fetched needs not be fetched again.
    pub expires_at: DateTime<Utc>,
}

/// A picture, with links to fetch it by.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PictureShown {
    /// What it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Box<MediumFacts>>,
    /// Where it can be fetched.
    #[serde(flatten)]
    pub links: MediaLinks,
}

impl MediaLinks {
    /// Links for somebody who sees a medium at some place.
    pub(crate) fn new(app: &App, viewer: UserId, place: MediaPlace, kind: MediumKind, medium: MediumId) -> Self {
        let expires_at = link_end(app.commands.now(), app.commands.policy.media.link_seconds);
        let link = |form: Form| {
            let ticket = MediaTicket { medium, form: form.number(), viewer, place, expires_at };
            format!("/v1/blobs/{}", app.commands.secrets.media_ticket(&ticket))
        };
        let smaller = |form| (kind == MediumKind::Picture).then(|| link(Form::Smaller(form)));
        Self {
            medium,
            original: link(Form::Original),
            preview: smaller(SmallerForm::Preview),
            thumbnail: smaller(SmallerForm::Thumbnail),
            expires_at,
        }
    }
}

/// When links end that are given now: all that are given in one stretch of time end with the next one.
fn link_end(now: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
    let stretch = now.timestamp().div_euclid(seconds.max(1));
    DateTime::from_timestamp((stretch + 2) * seconds.max(1), 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Whether somebody sees a medium at some place.
///
/// # Errors
/// 503 where a read model does not answer.
pub(crate) async fn may_see(app: &App, viewer: UserId, place: MediaPlace, medium: MediumId) -> Result<bool, Problem> {
    match place {
        MediaPlace::Own => Ok(app.commands.medium(medium).await?.is_some_and(|uploaded| uploaded.owner == viewer)),
        MediaPlace::Message(conversation, seq) => {
            let chat = app.fresh(&app.read_models.chat, Position::START).await?;
            let seen = media_of_message(app, &chat, viewer, conversation, seq)?;
            Ok(seen.iter().any(|(_, seen)| *seen == medium))
        }
        MediaPlace::Broadcast(account, number) => {
            let broadcasts = app.fresh(&app.read_models.broadcasts, Position::START).await?;
            let names =
                |row: &SentRow| row.contents.iter().any(|said| said.media().iter().any(|(_, one)| *one == medium));
            if !broadcasts.sent(account, number)?.is_some_and(|row| names(&row)) {
                return Ok(false);
            }
            let official = app.fresh(&app.read_models.official, Position::START).await?;
            let Some(followed) = official.followed(viewer, account)? else { return Ok(false) };
            let follower = Follower { openid: &followed.openid, since: followed.since };
            Ok(broadcasts.is_shown_to(account, follower, number)?)
        }
        MediaPlace::Post(post) => {
            let moments = app.fresh(&app.read_models.moments, Position::START).await?;
            let people = app.fresh(&app.read_models.people, Position::START).await?;
            let viewer = moments.seen_by(viewer, &people, app.commands.now(), bounds(app));
            Ok(viewer.media(post)?.iter().any(|(_, seen)| *seen == medium))
        }
        MediaPlace::Cover(author) => {
            let moments = app.fresh(&app.read_models.moments, Position::START).await?;
            let people = app.fresh(&app.read_models.people, Position::START).await?;
            let viewer = moments.seen_by(viewer, &people, app.commands.now(), bounds(app));
            Ok(viewer.cover(author).is_some_and(|cover| cover.medium == medium))
        }
        MediaPlace::Avatar(user) => {
            let people = app.fresh(&app.read_models.people, Position::START).await?;
            let chat = app.fresh(&app.read_models.chat, Position::START).await?;
            Ok(avatar_seen_by(app, &people, &chat, viewer, user)?.is_some_and(|avatar| avatar.medium == medium))
        }
    }
}

/// The picture that somebody shows of themselves, where `viewer` may see their profile.
pub(crate) fn avatar_seen_by(
    app: &App,
    people: &PeopleView,
    chat: &ChatView,
    viewer: UserId,
    user: UserId,
) -> Result<Option<Carried>, Problem> {
    if !people::may_see(app, people, chat, viewer, user)? {
        return Ok(None);
    }
    Ok(people.person(user)?.and_then(|person| person.profile.avatar))
}

/// The media that a message carries, as far as somebody sees it: none where they don't, or it was taken back.
pub(crate) fn media_of_message(
    app: &App,
    chat: &ChatView,
    viewer: UserId,
    conversation: ConversationId,
    seq: u64,
) -> Result<Vec<(MediumKind, MediumId)>, Problem> {
    let entry = chat.message(viewer, conversation, seq, &app.reading())?;
    Ok(entry.as_ref().and_then(said).map(|sent| sent.content.media()).unwrap_or_default())
}

fn said(entry: &Entry) -> Option<MessageSent> {
    serde_json::from_str(entry.data.as_ref()?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_for_the_time_set_at_least_and_twice_that_at_most() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        for (now, end) in [(0, 200), (99, 200), (100, 300), (101, 300), (-1, 100)] {
            assert_eq!(link_end(at(now), 100), at(end), "{now}");
        }
    }
}
