//! What can happen in a conversation.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{account_talk::Automatic, content::Content};
use crate::{
    OfficialAccountId, UserId,
    event::event_family,
    official::{AccountSort, ButtonKind},
};

/// Two people can talk from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationOpened {
    /// The two.
    pub members: [UserId; 2],
}

/// A group was founded; the actor owns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCreated {
    /// Its name; empty for none.
    pub name: String,
    /// Everyone in it from the start, the owner first.
    pub members: Vec<UserId>,
}

/// How people came into a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JoinedVia {
    /// A member brought them in.
    Invitation,
    /// They used a join code.
    Code,
}

/// People joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersJoined {
    /// Who.
    pub members: Vec<UserId>,
    /// Whose invitation or code brought them.
    pub inviter: UserId,
    /// How.
    pub via: JoinedVia,
}

/// Somebody was invited and has to consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberInvited {
    /// Who.
    pub user: UserId,
    /// By whom.
    pub inviter: UserId,
}

/// Somebody would join and has to be let in by the owner or an admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequested {
    /// Who would join.
    pub user: UserId,
    /// Whose invitation or code it is.
    pub inviter: UserId,
    /// How they would join.
    pub via: JoinedVia,
    /// A few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// How a wait ended without anybody joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Somebody said no.
    Refused,
    /// It waited too long.
    Expired,
}

/// An invitation came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationClosed {
    /// Who had been invited.
    pub user: UserId,
    /// Why.
    pub outcome: Outcome,
}

/// A request to join came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequestClosed {
    /// Who would have joined.
    pub user: UserId,
    /// Why.
    pub outcome: Outcome,
}

/// The actor left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberLeft {
    /// Who owns the group now, where the owner left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<UserId>,
}

/// The actor removed people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersRemoved {
    /// Whom.
    pub members: Vec<UserId>,
}

/// The actor gave the group to somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnershipTransferred {
    /// To whom.
    pub to: UserId,
}

/// A member became an admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminAppointed {
    /// Who.
    pub admin: UserId,
}

/// An admin is an admin no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminDismissed {
    /// Who.
    pub admin: UserId,
}

/// The group has a new name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRenamed {
    /// The name; empty for none.
    pub name: String,
}

/// The group ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupDisbanded {}

/// Whether members' invitations wait for the owner or an admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteConfirmationSet {
    /// Whether they do.
    pub on: bool,
}

/// The actor goes by another name in this group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicknameSet {
    /// The name; empty for none.
    pub nickname: String,
}

/// A member may not speak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberMuted {
    /// Who.
    pub member: UserId,
    /// Until when; none means until lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// A member may speak again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberUnmuted {
    /// Who.
    pub member: UserId,
}

/// Whether only owner and admins may speak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllMuteSet {
    /// Whether so.
    pub on: bool,
}

/// The actor said something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageSent {
    /// Its number in the conversation: 1, 2, 3 and so on.
    pub seq: u64,
    /// What it says.
    pub content: Content,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// Whom it calls on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Whether it calls on everybody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mention_all: bool,
    /// Where it is said to or by an official account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub official: Option<OfficialPart>,
}

/// What else there is to a message to or by an official account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficialPart {
    /// The account.
    pub account: OfficialAccountId,
    /// How the account came to send it, where nobody wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic: Option<Automatic>,
    /// Whether the account's program wrote it of its own accord: of such messages there are so many at most.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_program: bool,
}

/// A person and an official account can talk from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountConversationOpened {
    /// The account.
    pub account: OfficialAccountId,
    /// The person.
    pub follower: UserId,
    /// Subscription or service account.
    pub sort: AccountSort,
}

/// The person chose something from the account's menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuChosen {
    /// The account.
    pub account: OfficialAccountId,
    /// What the button does.
    pub button: ButtonKind,
    /// The button's key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The button's address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// The actor took a message back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRecalled {
    /// Which.
    pub seq: u64,
    /// Without the visible tip that others leave: true for pats.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
}

event_family! {
    /// Events of a `conversation-` stream.
    ConversationEvent {
        "message.sent" => MessageSent,
        "message.recalled" => MessageRecalled,
        "conversation.opened" => ConversationOpened,
        "conversation.account-opened" => AccountConversationOpened,
        "conversation.menu-chosen" => MenuChosen,
        "group.created" => GroupCreated,
        "group.members-joined" => MembersJoined,
        "group.member-invited" => MemberInvited,
        "group.join-requested" => JoinRequested,
        "group.invitation-closed" => InvitationClosed,
        "group.join-request-closed" => JoinRequestClosed,
        "group.member-left" => MemberLeft,
        "group.members-removed" => MembersRemoved,
        "group.ownership-transferred" => OwnershipTransferred,
        "group.admin-appointed" => AdminAppointed,
        "group.admin-dismissed" => AdminDismissed,
        "group.renamed" => GroupRenamed,
        "group.disbanded" => GroupDisbanded,
        "group.invite-confirmation-set" => InviteConfirmationSet,
        "group.nickname-set" => NicknameSet,
        "group.member-muted" => MemberMuted,
        "group.member-unmuted" => MemberUnmuted,
        "group.all-mute-set" => AllMuteSet,
    }
}
