//! One conversation's people, rules and settings; open invitations; who has read a message.

use chrono::{DateTime, Utc};
use domain::{
    ConversationId, OfficialAccountId, UserId,
    conversation::{Content, JoinedVia, MessageSent},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ChatView, ConversationKind, Reading,
    inbox::group_name,
    members,
    seat::Seat,
    state::{Conversation, Group, Head, State, Waiting},
};
use crate::ProjectionError;

/// A conversation as somebody who is or was in it sees it. Who is no longer in it sees neither people nor rules.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConversationDetails {
    /// The conversation.
    pub id: ConversationId,
    /// Of two people or of a group.
    pub kind: ConversationKind,
    /// The other person of a direct conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<UserId>,
    /// The official account that it is with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<OfficialAccountId>,
    /// The group's name; empty where it has none. Who is no longer in it sees the name it had then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who owns the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// The group's admins besides the owner, in the order of appointment.
    pub admins: Vec<UserId>,
    /// Everyone in it, who came first first.
    pub members: Vec<MemberRow>,
    /// The group's announcement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announcement: Option<Announcement>,
    /// Whether only owner and admins may speak.
    pub all_muted: bool,
    /// Whether members' invitations wait for the owner or an admin.
    pub invite_confirmation: bool,
    /// What this person set for themselves.
    pub settings: OwnSettings,
    /// For owner and admins: who asks to be let in, longest waiting first.
    pub requests: Vec<WaitingRow>,
    /// Whom this person invited and who has not answered yet.
    pub invitations: Vec<WaitingRow>,
    /// The number of the last message.
    pub last_seq: u64,
    /// Whether this person is no longer in it: left, removed, or the group was disbanded.
    pub ended: bool,
}

/// Somebody in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MemberRow {
    /// Who.
    pub id: UserId,
    /// The name they go by in the group; empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nickname: String,
    /// When they joined the group; absent in direct conversations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined_at: Option<DateTime<Utc>>,
    /// Whether they may not speak now.
    pub muted: bool,
    /// Until when they may not speak; absent where that has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<DateTime<Utc>>,
}

/// A group's announcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Announcement {
    /// The words.
    pub text: String,
    /// Who announced it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When.
    pub at: DateTime<Utc>,
    /// The number of the message that it was.
    pub seq: u64,
}

/// What a person set for a conversation, for themselves only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnSettings {
    /// Kept at the top of the list.
    pub pinned: bool,
    /// Does not notify.
    pub muted: bool,
    /// The last message that needs no more looking at.
    pub read_seq: u64,
}

/// Somebody who waits to come into a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WaitingRow {
    /// Who.
    pub user: UserId,
    /// Whose invitation or code it is.
    pub inviter: UserId,
    /// How they would come in.
    pub via: JoinedVia,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What they said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// A group that somebody is invited to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvitationRow {
    /// The group.
    pub conversation: ConversationId,
    /// Its name; empty for none.
    pub name: String,
    /// How many are in it.
    pub members: usize,
    /// Who invites.
    pub inviter: UserId,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Who has read a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    /// They have, the sender not counted.
    By(Vec<UserId>),
    /// The group is too large for telling.
    TooManyMembers,
}

impl ChatView {
    /// A conversation's people, rules and settings; none for strangers.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn details(
        &self,
        user: UserId,
        conversation: ConversationId,
        reading: &Reading,
    ) -> Result<Option<ConversationDetails>, ProjectionError> {
        let (no, head, details) = {
            let state = self.state.read();
            let Some((no, conversation, seat)) = state.seated(user, conversation) else { return Ok(None) };
            (no, conversation.head, known_details(&state, user, (no, conversation, seat), reading))
        };
        let announcement = match head.announcement {
            0 => None,
            _ if details.ended => None,
            seq => self.announcement(no, &head, seq)?,
        };
        Ok(Some(ConversationDetails { announcement, ..details }))
    }

    fn announcement(&self, no: u32, head: &Head, seq: u64) -> Result<Option<Announcement>, ProjectionError> {
        let row = self.tables.event(no, self.tables.version_of(no, head, seq)?)?;
        let sent = serde_json::from_slice::<MessageSent>(row.payload.as_ref()).ok();
        Ok(match sent.map(|sent| sent.content) {
            Some(Content::Announcement { text }) => Some(Announcement { text, by: row.actor, at: row.at(), seq }),
            _ => None,
        })
    }

    /// The groups that a person is invited to and has not answered, the longest waiting first.
    #[must_use]
    pub fn invitations_of(&self, user: UserId) -> Vec<InvitationRow> {
        let state = self.state.read();
        let groups = state.people.get(&user).into_iter().flat_map(|person| &person.invitations);
        let rows = groups.filter_map(|no| {
            let conversation = state.conversation(*no)?;
            let group = conversation.group()?;
            let waiting = group.invited.iter().find(|waiting| waiting.user == user)?;
            Some(InvitationRow {
                conversation: conversation.id,
                name: group.name.clone(),
                members: group.members.len(),
                inviter: waiting.inviter,
                since: waiting.since,
            })
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_unstable_by_key(|row| (row.since, row.conversation));
        rows
    }

    /// Who in the conversation has read a message that `user` may see. In groups of more than `members_max` nobody is
    /// told. None where they may not see it or it was taken back.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn readers(
        &self,
        user: UserId,
        conversation: ConversationId,
        seq: u64,
        members_max: usize,
        reading: &Reading,
    ) -> Result<Option<Readers>, ProjectionError> {
        let Some(message) = self.message(user, conversation, seq, reading)?.filter(|message| !message.recalled) else {
            return Ok(None);
        };
        let state = self.state.read();
        let Some((no, conversation, _)) = state.seated(user, conversation) else { return Ok(None) };
        let members = members(conversation);
        if conversation.group().is_some() && members.len() > members_max {
            return Ok(Some(Readers::TooManyMembers));
        }
        let has_read = |seat: &Seat| seat.stay.has_seq(seq) && seat.read.max(seat.sent) >= seq;
        let others = members.iter().copied().filter(|member| Some(*member) != message.actor);
        Ok(Some(Readers::By(others.filter(|member| state.seat(*member, no).is_some_and(has_read)).collect())))
    }
}

/// The details as far as memory knows them.
fn known_details(
    state: &State,
    user: UserId,
    (no, conversation, seat): (u32, &Conversation, &Seat),
    reading: &Reading,
) -> ConversationDetails {
    let ended = !seat.stay.is_open();
    let group = conversation.group().filter(|_| !ended);
    let row = |member: &UserId| Some(member_row(*member, state.seat(*member, no)?, reading));
    let members = if ended { vec![] } else { members(conversation).iter().filter_map(row).collect() };
    let last_seq = seat.stay.last_seq(conversation.head.seq);
    ConversationDetails {
        id: conversation.id,
        kind: conversation.kind(),
        peer: conversation.peer_of(user),
        account: conversation.official().map(|pair| pair.account),
        name: group_name(conversation, seat),
        owner: group.map(|group| group.owner),
        admins: group.map(|group| group.admins.clone()).unwrap_or_default(),
        members,
        announcement: None,
        all_muted: group.is_some_and(|group| group.all_muted),
        invite_confirmation: group.is_some_and(|group| group.invite_confirmation),
        settings: OwnSettings { pinned: seat.pinned, muted: seat.is_muted(), read_seq: seat.seen().min(last_seq) },
        requests: group.map(|group| requests_seen_by(group, user)).unwrap_or_default(),
        invitations: group.map(|group| invitations_by(group, user)).unwrap_or_default(),
        last_seq,
        ended,
    }
}

fn member_row(id: UserId, seat: &Seat, reading: &Reading) -> MemberRow {
    let part = seat.part.as_deref();
    let silenced = part.and_then(|part| part.silenced).filter(|until| until.is_none_or(|until| until > reading.now));
    MemberRow {
        id,
        nickname: part.map(|part| part.nickname.clone()).unwrap_or_default(),
        joined_at: part.and_then(|part| DateTime::from_timestamp_micros(part.joined_micros)),
        muted: silenced.is_some(),
        muted_until: silenced.flatten(),
    }
}

fn requests_seen_by(group: &Group, user: UserId) -> Vec<WaitingRow> {
    let sees = group.admins().any(|admin| admin == user);
    group.requested.iter().filter(|_| sees).map(waiting_row).collect()
}

fn invitations_by(group: &Group, user: UserId) -> Vec<WaitingRow> {
    group.invited.iter().filter(|waiting| waiting.inviter == user).map(waiting_row).collect()
}

fn waiting_row(waiting: &Waiting) -> WaitingRow {
    let Waiting { user, inviter, via, since, reason, .. } = waiting.clone();
    WaitingRow { user, inviter, via, since, reason }
}
