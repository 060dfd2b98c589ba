//! The process manager that answers followers in an account's name.
//!
//! Its to-do list is a read model: what a follower did that the account answers by itself, until a note in the stream
//! `answers-{conversation}` says that it is done. What is said has a key that follows from the event that it answers, so
//! doing an item twice, at whatever point the server was stopped in between, says nothing twice.

use domain::{
    ConversationEvent, OfficialAccountId, Rejection, UserId,
    answering::AnswerOutcome,
    conversation::{Automatic, Content, Voice, messages::Draft},
    official::Happening,
};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{sync::watch, time::Instant};

use super::line::Line;
use crate::{Caller, CommandError, Commands, callbacks::Said, engine::Begun, ports::ToAnswer};

/// How many of an account's followers are looked at at a time.
const PAGE: usize = 256;

impl Commands {
    /// The accounts that have something to answer.
    ///
    /// # Errors
    /// When the to-do list does not answer.
    pub async fn accounts_to_answer(&self) -> Result<Vec<OfficialAccountId>, CommandError> {
        self.followers.accounts_to_answer().await
    }

    /// Answers whatever waits in an account's name, until nothing does or `goes_on` says no; tells how many items it went
    /// through. Apart from other accounts, so that what holds one up holds up no other. `told` says that there may be
    /// something new: somebody whose turn comes does not wait for those who are being answered.
    ///
    /// # Errors
    /// When the to-do list does not answer; an item's failure is logged, and the item stays on the list.
    pub async fn answer_followers(
        &self,
        account: OfficialAccountId,
        mut told: watch::Receiver<()>,
        goes_on: impl Fn() -> bool,
    ) -> Result<usize, CommandError> {
        let (mut line, mut done, mut failed) = (Line::default(), 0, None);
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < self.paces.of(account) && failed.is_none() && goes_on() {
                if line.is_empty() {
                    match self.followers.to_answer(account, &line.left_out(), PAGE).await {
                        Ok(items) => line.fill(items),
                        // What is under way comes to its end all the same.
                        Err(error) => failed = Some(error),
                    }
                }
                let Some(item) = line.next() else { break };
                under_way.push(self.answer_noting(item));
            }
            if under_way.is_empty() {
                return failed.map_or(Ok(done), Err);
            }
            tokio::select! {
                Some((follower, well)) = under_way.next() => {
                    line.ended(follower, well);
                    done += usize::from(well);
                }
                Ok(()) = told.changed() => {}
            }
        }
    }

    /// Answers, and tells whom and whether that went well.
    async fn answer_noting(&self, item: ToAnswer) -> (UserId, bool) {
        let answered = self.answer(&item).await;
        if let Err(error) = &answered {
            tracing::warn!(%error, account = %item.account, "a follower was not answered; it will be tried again");
        }
        (item.follower, answered.is_ok())
    }

    async fn answer(&self, item: &ToAnswer) -> Result<(), CommandError> {
        let developer = self.streams.official_accounts.look(item.account, |state| state.developer.clone()).await?;
        if let Some(settings) = &developer.callback {
            // While there is a program, the account answers nothing by itself.
            let callback = self.callback_with(item.account, settings, &developer);
            return self.answer_by_program(item, &callback).await;
        }
        let begun = Instant::now();
        let (replies, automatic) = self.auto_reply(item).await?;
        if !replies.is_empty() {
            self.say_once(item, replies.into_iter().map(Said::Content).collect(), automatic).await?;
        }
        self.note_answered(item, AnswerOutcome::Answered).await?;
        self.paces.answered(item.account, begun.elapsed());
        Ok(())
    }

    /// What the account's own rules answer.
    async fn auto_reply(&self, item: &ToAnswer) -> Result<(Vec<Content>, Automatic), CommandError> {
        let rules = self.streams.official_accounts.look(item.account, |state| state.auto_replies.clone()).await?;
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
        said: Vec<Said>,
        automatic: Automatic,
    ) -> Result<(), CommandError> {
        let caller = self.once("answer", Some(item.account.party()), item.trigger);
        let Some(begun) = self.begin_once::<ConversationEvent>(&caller).await? else { return Ok(()) };
        let now = self.now();
        let waits = automatic == Automatic::Default
            && !self
                .streams
                .conversations
                .look(item.conversation(), |state| state.may_default(&self.policy, now))
                .await?;
        if waits {
            return Ok(());
        }
        let mut drafts: Vec<Draft> = vec![];
        for said in said {
            let found = self.find_said(item.account, said).await?;
            drafts.push(Draft::of(self.said_with_facts(item.account, found, &begun).await?));
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
        self.run(&self.streams.answering, item.conversation(), begun, |state, _| Ok(state.give(item.trigger, outcome)))
            .await?;
        Ok(())
    }
}
