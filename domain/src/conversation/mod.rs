//! Conversations: direct ones and groups, and what is said in them.
//!
//! # Layout
//! - [`content`]: what a message says.
//! - [`events`]: what can happen.
//! - this file: the state and its fold.
//! - [`messages`]: deciders about what is said.
//! - [`account_talk`]: conversations with official accounts.
//! - [`membership`]: deciders about who is in a group.
//! - [`governance`]: deciders about how a group is run.

pub mod account_talk;
pub mod content;
pub mod events;
pub mod governance;
pub mod membership;
pub mod messages;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use account_talk::{AccountTalk, Automatic, Voice};
pub use content::{Content, ContentKind, MergedItem};
pub use events::*;

use crate::{
    ConversationId, UserId,
    event::{Aggregate, EventMeta},
    rejection::Rejection,
};

/// A member's silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// Until when; none means until lifted.
    pub until: Option<DateTime<Utc>>,
}

/// Somebody in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Their rank by age in the group: who joined earlier has the smaller number.
    pub joined: u64,
    /// The name they go by here; empty for none.
    pub nickname: String,
    /// Whether they are muted, and until when.
    pub muted: Option<Mute>,
}

/// Somebody who waits to come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Whose invitation or code it is.
    pub inviter: UserId,
    /// How they would come in.
    pub via: JoinedVia,
    /// The version of the event that began the wait.
    pub version: u64,
}

/// A group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// Its name; empty for none.
    pub name: String,
    /// Who owns it.
    pub owner: UserId,
    /// Admins, in the order of appointment.
    pub admins: Vec<UserId>,
    /// Everyone in it.
    pub members: BTreeMap<UserId, Member>,
    /// The silence of those who left while they were muted: it waits for them.
    pub silenced: BTreeMap<UserId, Mute>,
    /// Who was invited and has not answered.
    pub invited: BTreeMap<UserId, Pending>,
    /// Who would join and has not been let in.
    pub requested: BTreeMap<UserId, Pending>,
    /// Whether members' invitations wait for the owner or an admin.
    pub invite_confirmation: bool,
    /// Whether only owner and admins may speak.
    pub all_muted: bool,
    /// Whether it has ended.
    pub disbanded: bool,
}

impl Group {
    /// Whether `user` is the owner or an admin.
    #[must_use]
    pub fn is_admin(&self, user: UserId) -> bool {
        self.owner == user || self.admins.contains(&user)
    }

    fn remove(&mut self, user: UserId) {
        if let Some(muted) = self.members.remove(&user).and_then(|member| member.muted) {
            self.silenced.insert(user, muted);
        }
        self.admins.retain(|admin| *admin != user);
    }

    fn join(&mut self, user: UserId, joined: u64) {
        self.invited.remove(&user);
        self.requested.remove(&user);
        let silenced = &mut self.silenced;
        let member = || Member { joined, nickname: String::new(), muted: silenced.remove(&user) };
        self.members.entry(user).or_insert_with(member);
    }
}

/// What kind of conversation it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub enum Kind {
    /// It does not exist yet.
    #[default]
    None,
    /// Of two people.
    Direct([UserId; 2]),
    /// Of a group.
    Group(Box<Group>),
    /// Of a person with an official account.
    Official(Box<AccountTalk>),
}

/// A conversation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Conversation {
    /// What kind it is.
    pub kind: Kind,
    /// The number of the last message.
    pub seq: u64,
    /// The version of the last event; `version - seq` events were not messages.
    pub version: u64,
    /// Messages that were recalled.
    pub recalled: BTreeSet<u64>,
}

impl Conversation {
    /// The group.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`], [`Rejection::NotAGroup`].
    pub fn group(&self) -> Result<&Group, Rejection> {
        match &self.kind {
            Kind::None => Err(Rejection::ConversationNotFound),
            Kind::Direct(_) | Kind::Official(_) => Err(Rejection::NotAGroup),
            Kind::Group(group) => Ok(group),
        }
    }

    /// The group, as one that still lives and that `user` is a member of.
    ///
    /// # Errors
    /// As [`Self::group`]; [`Rejection::NotAMember`], [`Rejection::GroupDisbanded`].
    pub fn live_group_of(&self, user: UserId) -> Result<&Group, Rejection> {
        // A stranger learns nothing of the conversation, not even its kind.
        let group = match &self.kind {
            Kind::Direct(pair) if !pair.contains(&user) => return Err(Rejection::ConversationNotFound),
            Kind::Official(talk) if !talk.has(user) => return Err(Rejection::ConversationNotFound),
            _ => self.group()?,
        };
        if group.disbanded {
            return Err(Rejection::GroupDisbanded);
        }
        if !group.members.contains_key(&user) {
            return Err(Rejection::NotAMember);
        }
        Ok(group)
    }

    /// Whether `user` is in it now.
    #[must_use]
    pub fn has_member(&self, user: UserId) -> bool {
        match &self.kind {
            Kind::None => false,
            Kind::Direct(pair) => pair.contains(&user),
            Kind::Official(talk) => talk.has(user),
            Kind::Group(group) => group.members.contains_key(&user) && !group.disbanded,
        }
    }

    /// Whether `user` was asked into it, or asks to be let in.
    #[must_use]
    pub fn has_waiting(&self, user: UserId) -> bool {
        matches!(&self.kind, Kind::Group(group) if group.invited.contains_key(&user) || group.requested.contains_key(&user))
    }

    /// The other side of a conversation that is not a group's.
    #[must_use]
    pub fn peer_of(&self, user: UserId) -> Option<UserId> {
        match &self.kind {
            Kind::Direct([one, other]) if *one == user => Some(*other),
            Kind::Direct([one, other]) if *other == user => Some(*one),
            Kind::Official(talk) => talk.peer_of(user),
            _ => None,
        }
    }

    fn evolve_group(&mut self, event: &ConversationEvent, meta: &EventMeta) {
        use ConversationEvent as E;
        let Kind::Group(group) = &mut self.kind else { return };
        match event {
            E::MembersJoined(joined) => {
                joined.members.iter().for_each(|member| group.join(*member, meta.version));
            }
            E::MemberInvited(invited) => {
                let pending = Pending { inviter: invited.inviter, via: JoinedVia::Invitation, version: meta.version };
                group.requested.remove(&invited.user);
                group.invited.insert(invited.user, pending);
            }
            E::JoinRequested(request) => {
                let pending = Pending { inviter: request.inviter, via: request.via, version: meta.version };
                group.requested.insert(request.user, pending);
            }
            E::InvitationClosed(closed) => {
                group.invited.remove(&closed.user);
            }
            E::JoinRequestClosed(closed) => {
                group.requested.remove(&closed.user);
            }
            E::MemberLeft(left) => {
                meta.actor.iter().for_each(|actor| group.remove(*actor));
                if let Some(successor) = left.successor {
                    group.owner = successor;
                    group.admins.retain(|admin| *admin != successor);
                }
            }
            E::MembersRemoved(removed) => removed.members.iter().for_each(|member| group.remove(*member)),
            E::OwnershipTransferred(transferred) => {
                group.owner = transferred.to;
                group.admins.retain(|admin| *admin != transferred.to);
            }
            E::AdminAppointed(appointed) => group.admins.push(appointed.admin),
            E::AdminDismissed(dismissed) => group.admins.retain(|admin| *admin != dismissed.admin),
            E::GroupRenamed(renamed) => group.name.clone_from(&renamed.name),
            E::GroupDisbanded(_) => {
                group.disbanded = true;
                group.invited.clear();
                group.requested.clear();
            }
            E::InviteConfirmationSet(set) => group.invite_confirmation = set.on,
            E::NicknameSet(set) => {
                if let Some(member) = meta.actor.and_then(|actor| group.members.get_mut(&actor)) {
                    member.nickname.clone_from(&set.nickname);
                }
            }
            E::MemberMuted(muted) => {
                if let Some(member) = group.members.get_mut(&muted.member) {
                    member.muted = Some(Mute { until: muted.until });
                }
            }
            E::MemberUnmuted(unmuted) => {
                if let Some(member) = group.members.get_mut(&unmuted.member) {
                    member.muted = None;
                }
            }
            E::AllMuteSet(set) => group.all_muted = set.on,
            E::MessageSent(_)
            | E::MessageRecalled(_)
            | E::ConversationOpened(_)
            | E::GroupCreated(_)
            | E::AccountConversationOpened(_)
            | E::MenuChosen(_) => {}
        }
    }
}

impl Aggregate for Conversation {
    type Id = ConversationId;
    type Event = ConversationEvent;
    const CATEGORY: &'static str = "conversation";
    const SHAPE: u32 = 2;

    fn evolve(&mut self, event: &ConversationEvent, meta: &EventMeta) {
        self.version = meta.version;
        match event {
            ConversationEvent::MessageSent(sent) => {
                self.seq = sent.seq;
                if let Kind::Official(talk) = &mut self.kind {
                    talk.take_message(sent, meta.actor, meta.at);
                }
            }
            ConversationEvent::MessageRecalled(recalled) => {
                self.recalled.insert(recalled.seq);
            }
            ConversationEvent::ConversationOpened(opened) => self.kind = Kind::Direct(opened.members),
            ConversationEvent::AccountConversationOpened(opened) => {
                self.kind = Kind::Official(Box::new(AccountTalk::begun(opened.account, opened.follower)));
            }
            ConversationEvent::MenuChosen(_) => {
                if let Kind::Official(talk) = &mut self.kind {
                    talk.take_choice(meta.at);
                }
            }
            ConversationEvent::GroupCreated(created) => {
                let members = created
                    .members
                    .iter()
                    .zip(0..)
                    .map(|(user, joined)| (*user, Member { joined, ..Member::default() }));
                let owner = created.members.first().copied().or(meta.actor);
                self.kind = owner.map_or(Kind::None, |owner| {
                    Kind::Group(Box::new(Group {
                        name: created.name.clone(),
                        owner,
                        admins: vec![],
                        members: members.collect(),
                        silenced: BTreeMap::new(),
                        invited: BTreeMap::new(),
                        requested: BTreeMap::new(),
                        invite_confirmation: false,
                        all_muted: false,
                        disbanded: false,
                    }))
                });
            }
            other => self.evolve_group(other, meta),
        }
    }
}
