//! What commands ask of the world above the log, answered by the read models.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use commands::{
    CommandError,
    media::MediaUse,
    ports::{
        Accounts, CallList, CommandHistory, Deadlines, Due, Followers, GroupCallList, LiveCall, PastCommand, Relations,
        ToAnswer, Unsettled, VisibleMessage,
    },
};
use domain::{
    CallId, CommandId, ConversationId, HoldId, MediumId, MerchantId, OfficialAccountId, OrderId, UserId,
    broadcasts::BroadcastAudience,
    conversation::MessageSent,
    hold::{Payer, Settler, Terms},
    merchant::Sale,
};
use eventlog::{EventLog, Position};
use ledger::{Currency, Money};
use projections::{
    ReadModels,
    calls::CallRow,
    chat::{Entry, Reading},
    deadlines::{Item, Wait, WaitKind},
    official::OpenRow,
    runtime::Slot,
    wallet::{Counterparty, Line, LineKind},
};

/// How long a command waits for a read model to take in what was acknowledged before.
const PATIENCE: Duration = Duration::from_secs(2);
/// Of a recalled message a command wants nothing back.
const READING: Reading = Reading { now: DateTime::<Utc>::MAX_UTC, re_edit: TimeDelta::zero() };

/// The read models as the command side sees them.
pub(crate) struct Answers {
    log: Arc<dyn EventLog>,
    read_models: Arc<ReadModels>,
}

impl Answers {
    /// Answers from the read models that follow that log.
    pub(crate) fn new(log: Arc<dyn EventLog>, read_models: Arc<ReadModels>) -> Self {
        Self { log, read_models }
    }

    /// A view that has taken in everything acknowledged so far.
    async fn fresh<V>(&self, slot: &Slot<V>) -> Result<Arc<V>, CommandError> {
        slot.at_least(self.log.last_position(), PATIENCE).await.map_err(unanswered)
    }

    async fn open_since(
        &self,
        kinds: &[WaitKind],
        before: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Due>, CommandError> {
        let view = self.fresh(&self.read_models.deadlines).await?;
        let mut items: Vec<Item> = kinds.iter().flat_map(|kind| view.open_since(*kind, before, limit)).collect();
        items.sort_by_key(|item| item.since);
        items.truncate(limit);
        Ok(items.into_iter().map(due).collect())
    }
}

fn unanswered(error: impl std::fmt::Display) -> CommandError {
    CommandError::ReadModel(error.to_string())
}

fn due(item: Item) -> Due {
    match item.wait {
        Wait::FriendRequest(pair) => Due::FriendRequest(pair, item.version),
        Wait::Invitation(conversation, user) | Wait::JoinRequest(conversation, user) => {
            Due::Pending(conversation, user, item.version)
        }
    }
}

#[async_trait]
impl Relations for Answers {
    async fn share_group(&self, one: UserId, other: UserId) -> Result<bool, CommandError> {
        Ok(self.fresh(&self.read_models.chat).await?.share_group(one, other))
    }

    async fn friend_count(&self, user: UserId) -> Result<usize, CommandError> {
        Ok(self.fresh(&self.read_models.people).await?.friend_count(user))
    }

    async fn requests_waiting_for(&self, user: UserId) -> Result<usize, CommandError> {
        Ok(self.fresh(&self.read_models.people).await?.requests_waiting_for(user))
    }

    async fn visible_message(
        &self,
        user: UserId,
        conversation: ConversationId,
        seq: u64,
    ) -> Result<Option<VisibleMessage>, CommandError> {
        let view = self.fresh(&self.read_models.chat).await?;
        let entry = view.message(user, conversation, seq, &READING).map_err(unanswered)?;
        entry.as_ref().map_or(Ok(None), visible)
    }

    async fn knows_conversation(&self, user: UserId, conversation: ConversationId) -> Result<bool, CommandError> {
        let view = self.fresh(&self.read_models.chat).await?;
        Ok(view.knows(user, conversation))
    }
}

fn visible(entry: &Entry) -> Result<Option<VisibleMessage>, CommandError> {
    let Some(sender) = entry.actor else { return Ok(None) };
    let content = match &entry.data {
        Some(data) => Some(serde_json::from_str::<MessageSent>(data.get()).map_err(unanswered)?.content),
        None => None,
    };
    Ok(Some(VisibleMessage { sender, at: entry.at, content }))
}

fn sale(line: &Line) -> Option<Sale> {
    match (line.kind, &line.counterparty) {
        (LineKind::Sale, Some(Counterparty::Person { user })) => {
            Some(Sale { paid: line.reference, payer: *user, amount: line.amount, at: line.at })
        }
        _ => None,
    }
}

#[async_trait]
impl CommandHistory for Answers {
    fn find(&self, command: CommandId) -> Result<Option<PastCommand>, CommandError> {
        let view = self.read_models.commands.now().map_err(unanswered)?;
        let found = view.find(command).map_err(unanswered)?;
        Ok(found.map(|found| PastCommand { after: found.after, fingerprint: found.fingerprint }))
    }

    fn applied(&self) -> Position {
        self.read_models.commands.position()
    }

    async fn reached(&self, position: Position) -> Result<(), CommandError> {
        self.read_models.commands.at_least(position, PATIENCE).await.map(|_| ()).map_err(unanswered)
    }
}

#[async_trait]
impl Accounts for Answers {
    fn credited(&self, owner: Payer, currency: Currency) -> Money {
        // Where nothing is known, nothing can be spent.
        let view = self.read_models.wallet.now();
        view.map_or(Money::zero(currency), |view| view.credited(owner, currency))
    }

    async fn catch_up(&self) -> Result<(), CommandError> {
        self.fresh(&self.read_models.wallet).await.map(|_| ())
    }

    async fn terms(&self, hold: HoldId) -> Result<Option<Terms>, CommandError> {
        // The terms of a hold never change: whoever finds them need not wait for the latest news.
        let known = self.read_models.wallet.now().map_err(unanswered)?.hold(hold).map_err(unanswered)?;
        let found = match known {
            Some(row) => Some(row),
            None => self.fresh(&self.read_models.wallet).await?.hold(hold).map_err(unanswered)?,
        };
        Ok(found.map(|row| row.terms))
    }

    async fn holds_due(&self, by: DateTime<Utc>, limit: usize) -> Result<Vec<HoldId>, CommandError> {
        Ok(self.fresh(&self.read_models.wallet).await?.due(by, limit))
    }

    async fn unsettled(
        &self,
        by: Settler,
        after: Option<Unsettled>,
        limit: usize,
    ) -> Result<Vec<Unsettled>, CommandError> {
        let view = self.fresh(&self.read_models.wallet).await?;
        // The bank's top-ups come before its holds.
        let (top_ups, after) = match after {
            Some(Unsettled::Hold(hold)) => (vec![], Some(hold)),
            Some(Unsettled::TopUp(_, top_up)) => (view.open_top_ups(Some(top_up), limit), None),
            None if by == Settler::Bank => (view.open_top_ups(None, limit), None),
            None => (vec![], None),
        };
        let holds = view.unsettled_holds(by, after, limit - top_ups.len().min(limit));
        let top_ups = top_ups.into_iter().map(|open| Unsettled::TopUp(open.user, open.id));
        Ok(top_ups.chain(holds.into_iter().map(Unsettled::Hold)).collect())
    }

    async fn unshown(&self, limit: usize) -> Result<Vec<HoldId>, CommandError> {
        Ok(self.fresh(&self.read_models.wallet).await?.unshown(limit))
    }

    async fn sale(&self, merchant: MerchantId, line: u64) -> Result<Option<Sale>, CommandError> {
        let view = self.fresh(&self.read_models.wallet).await?;
        Ok(view.line(Payer::Merchant(merchant), line).map_err(unanswered)?.as_ref().and_then(sale))
    }

    async fn pay_code(&self, hash: &str) -> Result<Option<UserId>, CommandError> {
        Ok(self.fresh(&self.read_models.shops).await?.pay_code(hash))
    }

    async fn orders_due(&self, by: DateTime<Utc>, limit: usize) -> Result<Vec<OrderId>, CommandError> {
        Ok(self.fresh(&self.read_models.shops).await?.orders_due(by, limit))
    }
}

#[async_trait]
impl Followers for Answers {
    async fn follower(&self, account: OfficialAccountId, openid: &str) -> Result<Option<UserId>, CommandError> {
        let view = self.fresh(&self.read_models.official).await?;
        Ok(view.follower(account, openid).map_err(unanswered)?.map(|row| row.user))
    }

    async fn accounts_to_answer(&self) -> Result<Vec<OfficialAccountId>, CommandError> {
        Ok(self.fresh(&self.read_models.official).await?.accounts_to_answer())
    }

    async fn to_answer(
        &self,
        account: OfficialAccountId,
        but: &HashSet<UserId>,
        limit: usize,
    ) -> Result<Vec<ToAnswer>, CommandError> {
        let rows = self.fresh(&self.read_models.official).await?.to_answer(account, but, limit);
        Ok(rows.into_iter().map(|row| to_answer(account, row)).collect())
    }

    async fn audience(
        &self,
        account: OfficialAccountId,
        number: u64,
        audience: BroadcastAudience,
    ) -> Result<u64, CommandError> {
        let official = self.fresh(&self.read_models.official).await?;
        let broadcasts = self.fresh(&self.read_models.broadcasts).await?;
        Ok(match audience {
            BroadcastAudience::All => official.account(account).map_or(0, |row| row.followers),
            BroadcastAudience::Tag { tag } => broadcasts.tags(account).get(&tag).map_or(0, |row| row.followers),
            BroadcastAudience::Named { .. } | BroadcastAudience::Preview => {
                let mut followers = 0;
                for openid in broadcasts.addressed(account, number).map_err(unanswered)? {
                    followers += u64::from(official.follower(account, &openid).map_err(unanswered)?.is_some());
                }
                followers
            }
        })
    }

    async fn accounts_to_notify(&self, at: DateTime<Utc>) -> Result<Vec<OfficialAccountId>, CommandError> {
        Ok(self.fresh(&self.read_models.official).await?.accounts_to_notify(at))
    }

    async fn to_notify(
        &self,
        account: OfficialAccountId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ToAnswer)>, CommandError> {
        let rows =
            self.fresh(&self.read_models.official).await?.to_notify(account, after, limit).map_err(unanswered)?;
        Ok(rows.into_iter().map(|(position, row)| (position, to_answer(account, row))).collect())
    }
}

#[async_trait]
impl CallList for Answers {
    fn last_number(&self, conversation: ConversationId) -> Result<u64, CommandError> {
        self.read_models.calls.now().map_err(unanswered)?.last_number(conversation).map_err(unanswered)
    }

    fn live_of(&self, user: UserId) -> Result<Vec<CallId>, CommandError> {
        Ok(self.read_models.calls.now().map_err(unanswered)?.live_of(user))
    }

    async fn live(&self) -> Result<Vec<LiveCall>, CommandError> {
        let live = self.fresh(&self.read_models.calls).await?.live();
        Ok(live.iter().map(live_call).collect())
    }

    async fn unshown(&self, limit: usize) -> Result<Vec<CallId>, CommandError> {
        Ok(self.fresh(&self.read_models.calls).await?.unshown(limit))
    }
}

fn to_answer(account: OfficialAccountId, row: OpenRow) -> ToAnswer {
    let OpenRow { trigger, openid, user, at, what } = row;
    ToAnswer { trigger, account, follower: user, openid, at, what }
}

fn live_call(row: &CallRow) -> LiveCall {
    let devices = row.callee_device.map(|device| [(row.caller, row.caller_device), (row.callee, device)]);
    LiveCall { call: row.call, since: row.invited_at, unheard: row.unheard, devices }
}

#[async_trait]
impl GroupCallList for Answers {
    fn last_number(&self, conversation: ConversationId) -> Result<u64, CommandError> {
        self.read_models.group_calls.now().map_err(unanswered)?.last_number(conversation).map_err(unanswered)
    }

    fn live_of(&self, user: UserId) -> Result<Vec<CallId>, CommandError> {
        Ok(self.read_models.group_calls.now().map_err(unanswered)?.live_of(user))
    }

    async fn live(&self) -> Result<Vec<CallId>, CommandError> {
        Ok(self.fresh(&self.read_models.group_calls).await?.live())
    }

    async fn unshown(&self, limit: usize) -> Result<Vec<CallId>, CommandError> {
        Ok(self.fresh(&self.read_models.group_calls).await?.unshown(limit))
    }
}

#[async_trait]
impl MediaUse for Answers {
    async fn bytes_of(&self, user: UserId) -> Result<u64, CommandError> {
        Ok(self.fresh(&self.read_models.media).await?.bytes_of(user))
    }

    async fn unnamed_before(&self, time: DateTime<Utc>, limit: usize) -> Result<Vec<MediumId>, CommandError> {
        Ok(self.fresh(&self.read_models.media).await?.unnamed_before(time, limit))
    }

    async fn picture_of(&self, owner: UserId, hash: &str) -> Result<Option<MediumId>, CommandError> {
        self.fresh(&self.read_models.media).await?.picture_of(owner, hash).map_err(unanswered)
    }

    async fn is_needed(&self, hash: &str) -> Result<bool, CommandError> {
        self.fresh(&self.read_models.media).await?.is_blob_of_any(hash).map_err(unanswered)
    }
}

#[async_trait]
impl Deadlines for Answers {
    async fn friend_requests_before(&self, time: DateTime<Utc>, limit: usize) -> Result<Vec<Due>, CommandError> {
        self.open_since(&[WaitKind::FriendRequest], time, limit).await
    }

    async fn pending_before(&self, time: DateTime<Utc>, limit: usize) -> Result<Vec<Due>, CommandError> {
        self.open_since(&[WaitKind::Invitation, WaitKind::JoinRequest], time, limit).await
    }
}
