//! The process manager that answers followers in an account's name.
//!
//! Its to-do list is a read model: what a follower did that the account answers by itself, until a note in the stream
//! `answers-{conversation}` says that it is done. What is said has a key that follows from the event that it answers, so
//! doing an item twice, at whatever point the server was stopped in between, says nothing twice.

use domain::{
    CommandId, OfficialAccountId, Rejection,
    answering::AnswerOutcome,
    conversation::{Automatic, Content, Voice, messages::Draft},
    official::Happening,
};
use futures::{StreamExt, stream};

use crate::{
    Caller, CommandError, CommandKey, Commands,
    engine::{Beginning, Begun},
    ports::ToAnswer,
};

/// How many items of an account are taken at a time.
const PAGE: usize = 256;
/// How many followers of one account are answered at a time.
const AT_ONCE: usize = 4;

impl Commands {
    /// The accounts that have something to answer.
    ///
    /// # Errors
    /// When the to-do list does not answer.
    pub async fn accounts_to_answer(&self) -> Result<Vec<OfficialAccountId>, CommandError> {
        self.followers.accounts_to_answer().await
    }

    /// Answers whatever waits in an account's name; tells how many items it went through. Apart from other accounts, so that
    /// what holds one up holds up no other.
    ///
    /// # Errors
    /// When the to-do list does not answer; an item's failure is logged, and the item stays on the list.
    pub async fn answer_followers(&self, account: OfficialAccountId) -> Result<usize, CommandError> {
        let mut done = 0;
        loop {
            let items = self.followers.to_answer(account, PAGE).await?;
            // What one follower did is answered in its order, one thing after the other.
            let mut by_follower: Vec<Vec<ToAnswer>> = vec![];
            for item in items {
                match by_follower.iter_mut().find(|items| items.iter().any(|first| first.follower == item.follower)) {
                    Some(items) => items.push(item),
                    None => by_follower.push(vec![item]),
                }
            }
            let answered = stream::iter(by_follower).map(|items| self.answer_all(items)).buffer_unordered(AT_ONCE);
            let answered: usize = answered.fold(0, |sum, one| async move { sum + one }).await;
            if answered == 0 {
                return Ok(done);
            }
            done += answered;
        }
    }

    async fn answer_all(&self, items: Vec<ToAnswer>) -> usize {
        let mut done = 0;
        for item in items {
            match self.answer(&item).await {
                Ok(()) => done += 1,
                Err(error) => {
                    tracing::warn!(%error, account = %item.account, "a follower was not answered; it will be tried again");
                    break;
                }
            }
        }
        done
    }

    async fn answer(&self, item: &ToAnswer) -> Result<(), CommandError> {
        let developer = self.official_accounts.look(item.account, |state| state.developer.clone()).await?;
        if let Some(settings) = &developer.callback {
            // While there is a program, the account answers nothing by itself.
            let callback = self.callback_with(item.account, settings, &developer);
            return self.answer_by_program(item, &callback).await;
        }
        let (replies, automatic) = self.auto_reply(item).await?;
        if !replies.is_empty() {
            self.say_once(item, replies, automatic).await?;
        }
        self.note_answered(item, AnswerOutcome::Answered).await
    }

    /// What the account's own rules answer.
    async fn auto_reply(&self, item: &ToAnswer) -> Result<(Vec<Content>, Automatic), CommandError> {
        let rules = self.official_accounts.look(item.account, |state| state.auto_replies.clone()).await?;
        Ok(match &item.what {
            Happening::Followed { .. } => (rules.welcome.into_iter().collect(), Automatic::Welcome),
            Happening::Said { seq } => {
                let party = item.account.party();
                let message = self.relations.visible_message(party, item.conversation(), *seq).await?;
                let content = message.and_then(|message| message.content);
                let said = match &content {
                    Some(Content::Text { text }) => text.as_str(),
                    _ => "",
                };
                match rules.rule_for(said).filter(|_| !said.is_empty()) {
                    Some(rule) => (rule.answers(|bound| self.dice.below(bound)), Automatic::Keyword),
                    None => (rules.default.into_iter().collect(), Automatic::Default),
                }
            }
            Happening::Unfollowed
            | Happening::Scanned { .. }
            | Happening::Chose { .. }
            | Happening::Broadcast { .. } => (vec![], Automatic::Keyword),
        })
    }

    /// Says something in answer to an event, once however often it is set about.
    pub(super) async fn say_once(
        &self,
        item: &ToAnswer,
        contents: Vec<Content>,
        automatic: Automatic,
    ) -> Result<(), CommandError> {
        let caller = self.once_for(item);
        let begun = match self.begin::<domain::ConversationEvent>(&caller).await? {
            Beginning::Repeated(_) => return Ok(()),
            Beginning::New(begun) => begun,
        };
        let now = self.now();
        let waits = automatic == Automatic::Default
            && !self.conversations.look(item.conversation(), |state| state.may_default(&self.policy, now)).await?;
        if waits {
            return Ok(());
        }
        let mut drafts: Vec<Draft> = vec![];
        for content in contents {
            drafts.push(Draft::of(self.with_facts(item.account.party(), content, &begun).await?));
        }
        let said = self.say_as_account(begun, item.account, item.follower, &drafts, Voice::Automatic(automatic));
        match said.await {
            // Who left meanwhile is told nothing.
            Ok(_) | Err(CommandError::Rejected(Rejection::NotFollowed)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn note_answered(&self, item: &ToAnswer, outcome: AnswerOutcome) -> Result<(), CommandError> {
        let begun = Begun::unkeyed(&Caller::SERVER);
        self.run(&self.answering, item.conversation(), begun, |state, _| Ok(state.give(item.trigger, outcome))).await?;
        Ok(())
    }

    /// The account as the caller of what answers an event.
    fn once_for(&self, item: &ToAnswer) -> Caller {
        let fingerprint = self.secrets.fingerprint("once", "answer", item.trigger.as_bytes());
        let key = CommandKey { id: CommandId::keyed(item.trigger, "answer"), fingerprint };
        Caller { user: Some(item.account.party()), device: None, key: Some(key) }
    }
}
