//! The process manager that tells webhooks what followers do.
//!
//! Its to-do list is a read model: what followers did while their account had a webhook. How far the webhook was told, when
//! it is tried again and whether it is paused stand in the stream `webhook-{account}`. That is written after a page was told
//! or something failed: who is killed in between tells a page again at most, with the same ids.

use domain::{
    OfficialAccountId, Rejection,
    webhook::{Delivery, Undelivered},
};

use crate::{
    Caller, CommandError, Commands,
    callbacks::{CallbackError, Notice, WebhookTarget},
    engine::Begun,
    ports::ToAnswer,
};

/// How many things are told before it is noted that they were.
const PAGE: usize = 64;
/// Longest account of what went wrong, in characters.
const REASON_CHARS: usize = 200;

impl Commands {
    /// The accounts whose webhooks have something to be told now.
    ///
    /// # Errors
    /// When the to-do list does not answer.
    pub async fn accounts_to_notify(&self) -> Result<Vec<OfficialAccountId>, CommandError> {
        self.followers.accounts_to_notify(self.now()).await
    }

    /// Tells an account's webhook whatever it was not told yet, in the order of the log, until something fails or `goes_on`
    /// says no; tells how many things it went through.
    ///
    /// # Errors
    /// When the to-do list does not answer, or what came of it can't be noted.
    pub async fn notify_webhook(
        &self,
        account: OfficialAccountId,
        goes_on: impl Fn() -> bool,
    ) -> Result<usize, CommandError> {
        let mut done = 0;
        while goes_on() {
            let due = self.streams.webhooks.look(account, |state| state.due(self.now())).await?;
            let Some(delivery) = due else { return Ok(done) };
            let items = self.followers.to_notify(account, delivery.through, PAGE).await?;
            if items.is_empty() {
                return Ok(done);
            }
            let (through, ended) = self.notify_all(account, &delivery, &items, &goes_on).await;
            done += items.iter().filter(|(position, _)| *position <= through).count();
            let undelivered = ended.as_ref().ok().and_then(Option::as_ref);
            self.note_notified(account, &delivery, through, undelivered).await?;
            if ended?.is_some() {
                return Ok(done);
            }
        }
        Ok(done)
    }

    /// Tells one thing after the other; gives up to where it went well, and what failed: what was told counts also where one
    /// of the things can't be looked up.
    async fn notify_all(
        &self,
        account: OfficialAccountId,
        delivery: &Delivery,
        items: &[(u64, ToAnswer)],
        goes_on: impl Fn() -> bool,
    ) -> (u64, Result<Option<Undelivered>, CommandError>) {
        let keys = delivery.secrets.iter().map(|secret| self.secrets.webhook_key(account, *secret)).collect();
        let target = WebhookTarget { url: delivery.url.clone(), keys };
        let mut through = delivery.through;
        for (position, item) in items {
            // Each may take as long as the webhook is waited for.
            if !goes_on() {
                break;
            }
            // What was taken back meanwhile is passed over.
            let told = match self.told(item).await {
                Ok(told) => told,
                Err(error) => return (through, Err(error)),
            };
            if let Some(told) = told {
                let notice = Notice { id: item.trigger, position: *position, account, told };
                if let Err(error) = self.callbacks.notify(&target, &notice, self.now().timestamp()).await {
                    let gone = error == CallbackError::Gone;
                    let reason = error.to_string().chars().take(REASON_CHARS).collect();
                    return (through, Ok(Some(Undelivered { position: *position, reason, gone })));
                }
            }
            through = *position;
        }
        (through, Ok(None))
    }

    async fn note_notified(
        &self,
        account: OfficialAccountId,
        delivery: &Delivery,
        through: u64,
        undelivered: Option<&Undelivered>,
    ) -> Result<(), CommandError> {
        let owner = self.streams.official_accounts.look(account, |state| state.owner()).await?;
        let owner = owner.ok_or(Rejection::OfficialAccountNotFound)?;
        let begun = Begun::unkeyed(&Caller::SERVER);
        let noted = self.run(&self.streams.webhooks, account, begun, |state, now| {
            Ok(state.note(delivery, through, undelivered, (account, owner), now))
        });
        noted.await?;
        if let Some(Undelivered { position, reason, .. }) = undelivered {
            tracing::info!(%account, position, reason, "a webhook did not take what it was told");
        }
        Ok(())
    }
}
