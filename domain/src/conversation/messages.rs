//! Deciders about what is said in a conversation.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Content, ContentKind, Conversation, ConversationEvent, ConversationOpened, Group, Kind, MessageRecalled,
    MessageSent, OfficialPart,
};
use crate::{FriendshipId, UserId, policy::Policy, rejection::Rejection};

/// What somebody wants to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What it says.
    pub content: Content,
    /// The message it answers.
    pub reply_to: Option<u64>,
    /// Whom it calls on.
    pub mentions: Vec<UserId>,
    /// Whether it calls on everybody.
    pub mention_all: bool,
}

impl Draft {
    /// A draft that answers nobody and calls on nobody.
    #[must_use]
    pub fn of(content: Content) -> Self {
        Self { content, reply_to: None, mentions: vec![], mention_all: false }
    }
}

/// What a stored message says about itself: needed to recall it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentBy {
    /// Its number.
    pub seq: u64,
    /// Who sent it.
    pub sender: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// What sort of thing it says.
    pub kind: ContentKind,
}

impl Conversation {
    /// Opens the direct conversation of two people, once.
    #[must_use]
    pub fn open(&self, pair: FriendshipId) -> Vec<ConversationEvent> {
        match self.kind {
            Kind::None => vec![ConversationOpened { members: [pair.lower, pair.upper] }.into()],
            _ => vec![],
        }
    }

    /// `by` says something. Whether a direct peer takes it is checked by the command, which knows their relation.
    ///
    /// # Errors
    /// Content that breaks its rules; not a member, muted; a reply to or a mention of what is not there.
    pub fn send(
        &self,
        by: UserId,
        draft: Draft,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        draft.content.check_sent(policy)?;
        self.say(by, draft, policy, now)
    }

    /// As [`Self::send`], for contents that only other commands make: bundles, announcements, pats.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn say(
        &self,
        by: UserId,
        draft: Draft,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.check_voice(by, now)?;
        draft.content.check(policy)?;
        self.check_mentions(by, &draft, policy)?;
        if draft.reply_to.is_some_and(|seq| seq == 0 || seq > self.seq) {
            return Err(Rejection::MessageNotFound);
        }
        let Draft { content, reply_to, mentions, mention_all } = draft;
        let official = match &self.kind {
            Kind::Official(talk) => Some(OfficialPart { account: talk.account, automatic: None, by_program: false }),
            _ => None,
        };
        Ok(vec![MessageSent { seq: self.seq + 1, content, reply_to, mentions, mention_all, official }.into()])
    }

    /// Shows something in a group that is nobody's word, whoever may speak at present; nothing where the group is no more.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`], [`Rejection::NotAGroup`].
    pub fn show(&self, content: Content) -> Result<Vec<ConversationEvent>, Rejection> {
        if self.group()?.disbanded {
            return Ok(vec![]);
        }
        let Draft { content, reply_to, mentions, mention_all } = Draft::of(content);
        Ok(vec![MessageSent { seq: self.seq + 1, content, reply_to, mentions, mention_all, official: None }.into()])
    }

    /// `by` says several things at once: all of them or none.
    ///
    /// # Errors
    /// As [`Self::say`].
    pub fn say_all(
        &self,
        by: UserId,
        drafts: &[Draft],
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let mut events = vec![];
        for (draft, ahead) in drafts.iter().zip(0..) {
            for event in self.say(by, draft.clone(), policy, now)? {
                events.push(match event {
                    ConversationEvent::MessageSent(sent) => MessageSent { seq: sent.seq + ahead, ..sent }.into(),
                    other => other,
                });
            }
        }
        Ok(events)
    }

    /// `by` pats `target`.
    ///
    /// # Errors
    /// As [`Self::send`]; the target must be in the conversation.
    pub fn pat(
        &self,
        by: UserId,
        target: UserId,
        suffix: String,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.check_voice(by, now)?;
        if !self.has_member(target) {
            return Err(Rejection::MemberNotFound);
        }
        self.say(by, Draft::of(Content::Pat { target, suffix }), policy, now)
    }

    /// The owner or an admin announces something; it calls on everybody.
    ///
    /// # Errors
    /// [`Rejection::AdminOnly`] and as [`Self::send`].
    pub fn announce(
        &self,
        by: UserId,
        text: String,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if !self.live_group_of(by)?.is_admin(by) {
            return Err(Rejection::AdminOnly);
        }
        let draft = Draft { mention_all: true, ..Draft::of(Content::Announcement { text }) };
        self.say(by, draft, policy, now)
    }

    /// `by` takes a message back.
    ///
    /// # Errors
    /// [`Rejection::NotTheSender`], [`Rejection::RecallWindowOver`], [`Rejection::MessageRecalled`].
    pub fn recall(
        &self,
        by: UserId,
        message: SentBy,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.check_part(by)?;
        if message.sender != by {
            return Err(Rejection::NotTheSender);
        }
        if self.recalled.contains(&message.seq) {
            return Err(Rejection::MessageRecalled);
        }
        let seconds = match message.kind {
            ContentKind::File => policy.media.file_recall_seconds,
            _ => policy.recall_seconds,
        };
        if now - message.at > TimeDelta::seconds(seconds) {
            return Err(Rejection::RecallWindowOver { seconds });
        }
        Ok(vec![MessageRecalled { seq: message.seq, silent: message.kind == ContentKind::Pat }.into()])
    }

    /// Whether `by` takes part in the conversation.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`] for strangers to a direct conversation, [`Rejection::NotAMember`],
    /// [`Rejection::GroupDisbanded`].
    pub fn check_part(&self, by: UserId) -> Result<(), Rejection> {
        match &self.kind {
            Kind::Direct(pair) if pair.contains(&by) => Ok(()),
            Kind::Official(talk) if talk.has(by) => Ok(()),
            Kind::Direct(_) | Kind::Official(_) | Kind::None => Err(Rejection::ConversationNotFound),
            Kind::Group(_) => self.live_group_of(by).map(|_| ()),
        }
    }

    /// Whether `by` may speak in the conversation now.
    ///
    /// # Errors
    /// As [`Self::check_part`]; [`Rejection::Muted`] or [`Rejection::AllMuted`] in a group.
    pub fn check_voice(&self, by: UserId, now: DateTime<Utc>) -> Result<(), Rejection> {
        self.check_part(by)?;
        match &self.kind {
            Kind::Group(group) => check_group_voice(group, by, now),
            _ => Ok(()),
        }
    }

    fn check_mentions(&self, by: UserId, draft: &Draft, policy: &Policy) -> Result<(), Rejection> {
        if draft.mentions.is_empty() && !draft.mention_all {
            return Ok(());
        }
        let group = self.group()?;
        if draft.mention_all && !group.is_admin(by) {
            return Err(Rejection::MentionAllNotAllowed);
        }
        if draft.mentions.len() > policy.mentions_max {
            return Err(Rejection::TooLong { field: "mentions", max: policy.mentions_max, unit: "people" });
        }
        if draft.mentions.iter().any(|user| !group.members.contains_key(user)) {
            return Err(Rejection::MemberNotFound);
        }
        Ok(())
    }
}

pub(super) fn check_group_voice(group: &Group, by: UserId, now: DateTime<Utc>) -> Result<(), Rejection> {
    if group.is_admin(by) {
        return Ok(());
    }
    if group.all_muted {
        return Err(Rejection::AllMuted);
    }
    match group.members.get(&by).and_then(|member| member.muted) {
        Some(mute) if mute.until.is_none_or(|until| until > now) => Err(Rejection::Muted { until: mute.until }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conversation::{AdminAppointed, AllMuteSet, GroupCreated, MemberMuted},
        testing::given_by,
    };

    fn text(text: &str) -> Draft {
        Draft::of(Content::Text { text: text.into() })
    }

    fn users<const N: usize>() -> [UserId; N] {
        std::array::from_fn(|_| UserId::new())
    }

    fn group(members: &[UserId], further: Vec<ConversationEvent>) -> Conversation {
        let owner = members[0];
        let created = GroupCreated { name: String::new(), members: members.to_vec() };
        let mut events = vec![(owner, created.into())];
        events.extend(further.into_iter().map(|event| (owner, event)));
        given_by(events)
    }

    #[test]
    fn messages_are_numbered_without_gaps() {
        let [a, b] = users();
        let pair = FriendshipId::between(a, b);
        let (policy, now) = (Policy::default(), Utc::now());
        let mut events: Vec<_> = Conversation::default().open(pair).into_iter().map(|event| (a, event)).collect();
        for seq in 1..=3 {
            let state = given_by::<Conversation>(events.clone());
            let sent = state.send(a, text("hi"), &policy, now).unwrap();
            assert!(matches!(&sent[0], ConversationEvent::MessageSent(m) if m.seq == seq));
            events.push((a, sent[0].clone()));
        }
        assert_eq!(given_by::<Conversation>(events).open(pair), vec![]);
    }

    #[test]
    fn a_stranger_can_not_tell_a_direct_conversation_from_none() {
        let [a, b, stranger] = users();
        let opened = Conversation::default().open(FriendshipId::between(a, b));
        let state = given_by::<Conversation>(opened.into_iter().map(|event| (a, event)).collect());
        let refused = |state: &Conversation| state.send(stranger, text("x"), &Policy::default(), Utc::now());
        assert_eq!(refused(&state), Err(Rejection::ConversationNotFound));
        assert_eq!(refused(&Conversation::default()), Err(Rejection::ConversationNotFound));
        assert_eq!(state.live_group_of(stranger).err(), Some(Rejection::ConversationNotFound));
    }

    #[test]
    fn a_muted_member_is_silent_until_the_time_is_over() {
        let [owner, member] = users();
        let now = Utc::now();
        let until = Some(now + TimeDelta::seconds(10));
        let state = group(&[owner, member], vec![MemberMuted { member, until }.into()]);
        let policy = Policy::default();
        assert_eq!(state.send(member, text("x"), &policy, now), Err(Rejection::Muted { until }));
        assert!(state.send(member, text("x"), &policy, now + TimeDelta::seconds(10)).is_ok());
    }

    #[test]
    fn when_all_are_muted_only_owner_and_admins_speak() {
        let [owner, admin, member] = users();
        let further = vec![AdminAppointed { admin }.into(), AllMuteSet { on: true }.into()];
        let state = group(&[owner, admin, member], further);
        let (policy, now) = (Policy::default(), Utc::now());
        assert!(state.send(owner, text("x"), &policy, now).is_ok());
        assert!(state.send(admin, text("x"), &policy, now).is_ok());
        assert_eq!(state.send(member, text("x"), &policy, now), Err(Rejection::AllMuted));
    }

    #[test]
    fn only_owner_and_admins_call_on_everybody() {
        let [owner, member] = users();
        let state = group(&[owner, member], vec![]);
        let (policy, now) = (Policy::default(), Utc::now());
        let all = || Draft { mention_all: true, ..text("x") };
        assert!(state.send(owner, all(), &policy, now).is_ok());
        assert_eq!(state.send(member, all(), &policy, now), Err(Rejection::MentionAllNotAllowed));
        assert_eq!(state.announce(member, "x".into(), &policy, now), Err(Rejection::AdminOnly));
        let announced = state.announce(owner, "x".into(), &policy, now).unwrap();
        assert!(matches!(&announced[0], ConversationEvent::MessageSent(m) if m.mention_all));
    }

    #[test]
    fn only_members_can_be_mentioned_or_patted() {
        let [owner, stranger] = users();
        let state = group(&[owner], vec![]);
        let (policy, now) = (Policy::default(), Utc::now());
        let mention = Draft { mentions: vec![stranger], ..text("x") };
        assert_eq!(state.send(owner, mention, &policy, now), Err(Rejection::MemberNotFound));
        assert_eq!(state.pat(owner, stranger, String::new(), &policy, now), Err(Rejection::MemberNotFound));
    }

    #[test]
    fn a_reply_needs_a_message_to_answer() {
        let [owner] = users();
        let reply = |seq| Draft { reply_to: Some(seq), ..text("x") };
        let state = group(&[owner], vec![]);
        for seq in [0, 1] {
            let refused = state.send(owner, reply(seq), &Policy::default(), Utc::now());
            assert_eq!(refused, Err(Rejection::MessageNotFound));
        }
    }

    #[test]
    fn a_message_is_recalled_by_its_sender_within_two_minutes_and_once() {
        let [owner, member] = users();
        let (policy, now) = (Policy::default(), Utc::now());
        let sent = MessageSent {
            seq: 1,
            content: Content::Text { text: "x".into() },
            reply_to: None,
            mentions: vec![],
            mention_all: false,
            official: None,
        };
        let message = SentBy { seq: 1, sender: owner, at: now, kind: ContentKind::Text };
        let state = group(&[owner, member], vec![sent.clone().into()]);
        let late = now + TimeDelta::seconds(121);
        let edge = now + TimeDelta::seconds(120);
        assert_eq!(state.recall(member, message, &policy, now), Err(Rejection::NotTheSender));
        assert_eq!(state.recall(owner, message, &policy, late), Err(Rejection::RecallWindowOver { seconds: 120 }));
        let recalled = state.recall(owner, message, &policy, edge).unwrap();
        let state = group(&[owner, member], vec![sent.into(), recalled[0].clone()]);
        assert_eq!(state.recall(owner, message, &policy, now), Err(Rejection::MessageRecalled));
    }

    #[test]
    fn a_recalled_pat_leaves_no_tip() {
        let [owner] = users();
        let now = Utc::now();
        let pat = SentBy { seq: 1, sender: owner, at: now, kind: ContentKind::Pat };
        let recalled = group(&[owner], vec![]).recall(owner, pat, &Policy::default(), now).unwrap();
        assert_eq!(recalled, vec![MessageRecalled { seq: 1, silent: true }.into()]);
    }
}
