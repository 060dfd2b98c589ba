//! The conversation of a person with an official account that they follow.
//!
//! In it the account takes part under its own id. When it may say something of its own accord depends on what the follower
//! did last: the rules are those of WeChat's customer service messages.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    AccountConversationOpened, Conversation, ConversationEvent, Kind, MenuChosen, MessageSent, OfficialPart,
    messages::Draft,
};
use crate::{
    OfficialAccountId, UserId,
    conversation::Content,
    official::{AccountSort, Button},
    policy::Policy,
    rejection::Rejection,
};

/// Of how many messages that the account sent of its own accord it is remembered when.
const SENT_MAX: usize = 16;

/// What an account sends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Automatic {
    /// To who follows it.
    Welcome,
    /// To a keyword.
    Keyword,
    /// To everything else.
    Default,
    /// As the account's program answered at once.
    Answer,
    /// That the account's program does not answer.
    Unavailable,
}

/// How an account comes to say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// By itself.
    Automatic(Automatic),
    /// Its people write.
    Person,
    /// Its program writes of its own accord.
    Program,
}

/// What the conversation knows of its two sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountTalk {
    /// The account.
    pub account: OfficialAccountId,
    /// The person.
    pub follower: UserId,
    /// When the person last said something.
    heard_at: Option<DateTime<Utc>>,
    /// When the person last chose something from the menu.
    chosen_at: Option<DateTime<Utc>>,
    /// When the account's program said something of its own accord, the latest last.
    sent_at: VecDeque<DateTime<Utc>>,
    /// When it was last answered for want of anything better.
    defaulted_at: Option<DateTime<Utc>>,
}

impl AccountTalk {
    /// A conversation in which nothing was said.
    pub(super) fn begun(account: OfficialAccountId, follower: UserId) -> Self {
        let sent_at = VecDeque::new();
        Self { account, follower, heard_at: None, chosen_at: None, sent_at, defaulted_at: None }
    }

    /// Whether somebody takes part in it.
    #[must_use]
    pub fn has(&self, user: UserId) -> bool {
        self.follower == user || self.account.party() == user
    }

    /// The other side.
    #[must_use]
    pub fn peer_of(&self, user: UserId) -> Option<UserId> {
        match user {
            user if user == self.follower => Some(self.account.party()),
            user if user == self.account.party() => Some(self.follower),
            _ => None,
        }
    }

    /// Takes in what was said.
    pub(super) fn take_message(&mut self, sent: &MessageSent, by: Option<UserId>, at: DateTime<Utc>) {
        let Some(part) = sent.official else { return };
        match part.automatic {
            Some(Automatic::Default) => self.defaulted_at = Some(at),
            Some(_) => {}
            None if by == Some(self.follower) => self.heard_at = Some(at),
            None if part.by_program => {
                self.sent_at.push_back(at);
                if self.sent_at.len() > SENT_MAX {
                    self.sent_at.pop_front();
                }
            }
            // What its people write is not counted.
            None => {}
        }
    }

    /// Takes in that the person chose something from the menu.
    pub(super) fn take_choice(&mut self, at: DateTime<Utc>) {
        self.chosen_at = Some(at);
    }

    /// How many messages the account sent of its own accord since then.
    fn sent_since(&self, since: DateTime<Utc>) -> usize {
        self.sent_at.iter().filter(|at| **at >= since).count()
    }

    /// Whether the account may say something of its own accord. `met_at` is when the person last followed it or read one
    /// of its codes.
    fn check_window(
        &self,
        voice: Voice,
        met_at: Option<DateTime<Utc>>,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<(), Rejection> {
        let rules = &policy.official;
        let open =
            |since: Option<DateTime<Utc>>, seconds| since.filter(|since| now - *since < TimeDelta::seconds(seconds));
        let heard = open(self.heard_at, rules.reply_seconds);
        let met = open(self.chosen_at.max(met_at), rules.greeting_seconds);
        let fits = |since: Option<DateTime<Utc>>, max| since.is_some_and(|since| self.sent_since(since) < max);
        match (voice, heard.or(met)) {
            (Voice::Automatic(_), _) => Ok(()),
            (_, None) => Err(Rejection::ReplyWindowOver),
            (Voice::Person, Some(_)) => Ok(()),
            (Voice::Program, Some(_)) if fits(heard, rules.replies_max) || fits(met, rules.greetings_max) => Ok(()),
            (Voice::Program, Some(_)) => {
                let max = if heard.is_some() { rules.replies_max } else { rules.greetings_max };
                Err(Rejection::RepliesSpent { max })
            }
        }
    }
}

impl Conversation {
    /// Opens the conversation of a person with an account, once.
    #[must_use]
    pub fn open_with_account(
        &self,
        account: OfficialAccountId,
        follower: UserId,
        sort: AccountSort,
    ) -> Vec<ConversationEvent> {
        match self.kind {
            Kind::None => vec![AccountConversationOpened { account, follower, sort }.into()],
            _ => vec![],
        }
    }

    /// The account says something; several things at once are all said or none. `met_at` is when the person last followed
    /// the account or read one of its codes.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`]; contents that an account does not send; [`Rejection::ReplyWindowOver`],
    /// [`Rejection::RepliesSpent`] where it would say it of its own accord.
    pub fn say_as_account(
        &self,
        drafts: &[Draft],
        voice: Voice,
        met_at: Option<DateTime<Utc>>,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let talk = self.account_talk()?;
        for draft in drafts {
            check_said(&draft.content, policy)?;
        }
        talk.check_window(voice, met_at, policy, now)?;
        let said = self.say_all(talk.account.party(), drafts, policy, now)?;
        Ok(said.into_iter().map(|event| marked(event, voice)).collect())
    }

    /// Whether the account may answer now for want of anything better: at most once in a while.
    #[must_use]
    pub fn may_default(&self, policy: &Policy, now: DateTime<Utc>) -> bool {
        let pause = TimeDelta::seconds(policy.official.default_reply_seconds);
        self.account_talk().is_ok_and(|talk| talk.defaulted_at.is_none_or(|last| now - last >= pause))
    }

    /// The person chooses something from the account's menu.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`]; [`Rejection::InvalidField`] for a button that does nothing by itself.
    pub fn choose(&self, by: UserId, button: &Button) -> Result<Vec<ConversationEvent>, Rejection> {
        let talk = self.account_talk()?;
        if talk.follower != by {
            return Err(Rejection::ConversationNotFound);
        }
        let rule = "this button only opens those below it";
        let kind = button.kind.ok_or(Rejection::InvalidField { field: "button", rule })?;
        let (key, url) = (button.key.clone(), button.url.clone());
        Ok(vec![MenuChosen { account: talk.account, button: kind, key, url }.into()])
    }

    /// The conversation as one with an official account.
    ///
    /// # Errors
    /// [`Rejection::ConversationNotFound`].
    pub fn account_talk(&self) -> Result<&AccountTalk, Rejection> {
        match &self.kind {
            Kind::Official(talk) => Ok(talk),
            _ => Err(Rejection::ConversationNotFound),
        }
    }
}

/// Checks something that an account sends.
fn check_said(content: &Content, policy: &Policy) -> Result<(), Rejection> {
    match content {
        Content::Text { .. } | Content::Link { .. } | Content::Location { .. } | Content::Article(_) => {
            content.check_sent(policy)
        }
        Content::Picture(_) | Content::Voice(_) | Content::Video(_) => content.check_sent(policy),
        _ => Err(Rejection::ContentNotAllowed),
    }
}

fn marked(event: ConversationEvent, voice: Voice) -> ConversationEvent {
    let automatic = match voice {
        Voice::Automatic(automatic) => Some(automatic),
        Voice::Person | Voice::Program => None,
    };
    let by_program = voice == Voice::Program;
    match event {
        ConversationEvent::MessageSent(sent) => {
            let official = sent.official.map(|part| OfficialPart { automatic, by_program, ..part });
            MessageSent { official, ..sent }.into()
        }
        other => other,
    }
}
