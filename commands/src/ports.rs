//! Ports: what commands ask of the world above the log. The read models answer them; so does anything a test provides.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    CallId, CommandId, ConversationId, DeviceId, FriendshipId, HoldId, MerchantId, OfficialAccountId, OrderId,
    PaymentId, UserId,
    broadcasts::BroadcastAudience,
    conversation::Content,
    hold::{Payer, Settler, Terms},
    merchant::Sale,
    official::Happening,
};
use eventlog::Position;
use ledger::Money;
use uuid::Uuid;

use crate::{
    CommandError,
    callbacks::CallbackGateway,
    forwarding::MediaForwarder,
    gateways::{BankGateway, BillerGateway},
    media::{MediaStore, MediaUse, UploadStore},
};

/// Everything that commands ask of the world.
#[derive(Clone)]
pub struct Ports {
    /// Who is what to whom.
    pub relations: Arc<dyn Relations>,
    /// What falls due.
    pub deadlines: Arc<dyn Deadlines>,
    /// Which keyed commands were done.
    pub history: Arc<dyn CommandHistory>,
    /// Snapshots of long streams.
    pub snapshots: Arc<dyn Snapshots>,
    /// What came into accounts, and what is held.
    pub accounts: Arc<dyn Accounts>,
    /// Official accounts and their followers.
    pub followers: Arc<dyn Followers>,
    /// The programs of official accounts.
    pub callbacks: Arc<dyn CallbackGateway>,
    /// Luck.
    pub dice: Arc<dyn Dice>,
    /// The bank, where one is connected.
    pub bank: Option<Arc<dyn BankGateway>>,
    /// The billers, where they are connected.
    pub billers: Option<Arc<dyn BillerGateway>>,
    /// Which calls there are.
    pub calls: Arc<dyn CallList>,
    /// Which calls of groups there are.
    pub group_calls: Arc<dyn GroupCallList>,
    /// What forwards sound and pictures of groups' calls, where there is one.
    pub forwarder: Option<Arc<dyn MediaForwarder>>,
    /// Which devices are connected.
    pub presence: Arc<dyn Presence>,
    /// Where the bytes of media are kept.
    pub store: Arc<dyn MediaStore>,
    /// What is known of media.
    pub media_use: Arc<dyn MediaUse>,
    /// What has come of media that are brought in parts.
    pub uploads: Arc<dyn UploadStore>,
}

/// Which devices are connected.
pub trait Presence: Send + Sync + 'static {
    /// Whether that device of that person is connected at this moment.
    fn is_connected(&self, user: UserId, device: DeviceId) -> bool;
}

/// A call that is not over, as the read model knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveCall {
    /// The call.
    pub call: CallId,
    /// When it was placed.
    pub since: DateTime<Utc>,
    /// The callee never hears of it.
    pub unheard: bool,
    /// The devices of caller and callee, once it is answered.
    pub devices: Option<[(UserId, DeviceId); 2]>,
}

/// What the read models know about calls.
#[async_trait]
pub trait CallList: Send + Sync + 'static {
    /// The number of a conversation's last call, as far as it is known at this moment; 0 where there was none.
    ///
    /// # Errors
    /// [`CommandError::ReadModel`].
    fn last_number(&self, conversation: ConversationId) -> Result<u64, CommandError>;
    /// Calls that somebody may be in, as far as they are known at this moment.
    ///
    /// # Errors
    /// [`CommandError::ReadModel`].
    fn live_of(&self, user: UserId) -> Result<Vec<CallId>, CommandError>;
    /// All calls that are not over, in the order of their ids.
    async fn live(&self) -> Result<Vec<LiveCall>, CommandError>;
    /// Up to `limit` calls that are over and that their conversation does not show yet.
    async fn unshown(&self, limit: usize) -> Result<Vec<CallId>, CommandError>;
}

/// What the read models know about calls of groups.
#[async_trait]
pub trait GroupCallList: Send + Sync + 'static {
    /// The number of a group's last call, as far as it is known at this moment; 0 where there was none.
    ///
    /// # Errors
    /// [`CommandError::ReadModel`].
    fn last_number(&self, conversation: ConversationId) -> Result<u64, CommandError>;
    /// Calls that somebody may be in, as far as they are known at this moment.
    ///
    /// # Errors
    /// [`CommandError::ReadModel`].
    fn live_of(&self, user: UserId) -> Result<Vec<CallId>, CommandError>;
    /// All calls that are not over, in the order of their ids.
    async fn live(&self) -> Result<Vec<CallId>, CommandError>;
    /// Up to `limit` calls that are over and that their group does not show yet.
    async fn unshown(&self, limit: usize) -> Result<Vec<CallId>, CommandError>;
}

/// What the read models know about official accounts and their followers. Every answer is at or after the last
/// acknowledged event.
#[async_trait]
pub trait Followers: Send + Sync + 'static {
    /// Whom an account knows by that name; none where nobody of that name follows it.
    async fn follower(&self, account: OfficialAccountId, openid: &str) -> Result<Option<UserId>, CommandError>;
    /// The accounts that have something to answer.
    async fn accounts_to_answer(&self) -> Result<Vec<OfficialAccountId>, CommandError>;
    /// The oldest thing that an account has to answer of each follower but for those, the oldest first; at most `limit`.
    async fn to_answer(
        &self,
        account: OfficialAccountId,
        but: &HashSet<UserId>,
        limit: usize,
    ) -> Result<Vec<ToAnswer>, CommandError>;
    /// How many followers a broadcast is for.
    async fn audience(
        &self,
        account: OfficialAccountId,
        number: u64,
        audience: BroadcastAudience,
    ) -> Result<u64, CommandError>;
    /// The accounts whose webhooks have something to be told at that time.
    async fn accounts_to_notify(&self, at: DateTime<Utc>) -> Result<Vec<OfficialAccountId>, CommandError>;
    /// Up to `limit` things that an account's webhook is told behind a position of the log, each with its own.
    async fn to_notify(
        &self,
        account: OfficialAccountId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ToAnswer)>, CommandError>;
}

/// Something that a follower did and that an account answers, or its webhook is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToAnswer {
    /// The event.
    pub trigger: Uuid,
    /// The account.
    pub account: OfficialAccountId,
    /// Who did it.
    pub follower: UserId,
    /// What the account knows them by.
    pub openid: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What they did.
    pub what: Happening,
}

impl ToAnswer {
    /// The conversation of the two.
    #[must_use]
    pub fn conversation(&self) -> ConversationId {
        ConversationId::with_account(self.account, self.follower)
    }
}

/// Where luck comes from.
pub trait Dice: Send + Sync + 'static {
    /// A number from 0 up to, and not including, the one given, which is above zero; all are equally likely.
    fn below(&self, bound: u64) -> u64;
}

/// Luck from the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDice;

impl Dice for SystemDice {
    fn below(&self, bound: u64) -> u64 {
        rand::random_range(0..bound.max(1))
    }
}

/// What the read models know about money.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// All that ever came into somebody's account in the currency of an amount, as far as it is known at this moment.
    fn credited(&self, owner: Payer, currency: ledger::Currency) -> Money;
    /// Waits until everything acknowledged so far is known.
    async fn catch_up(&self) -> Result<(), CommandError>;
    /// The terms of a hold, over or not; none where there never was one.
    async fn terms(&self, hold: HoldId) -> Result<Option<Terms>, CommandError>;
    /// Up to `limit` holds that the clock has to look at by a time, the earliest first.
    async fn holds_due(&self, by: DateTime<Utc>, limit: usize) -> Result<Vec<HoldId>, CommandError>;
    /// Up to `limit` things that somebody has not settled, always in the same order, behind one of them.
    async fn unsettled(
        &self,
        by: Settler,
        after: Option<Unsettled>,
        limit: usize,
    ) -> Result<Vec<Unsettled>, CommandError>;
    /// Up to `limit` open holds that their conversation does not show yet.
    async fn unshown(&self, limit: usize) -> Result<Vec<HoldId>, CommandError>;
    /// The sale that a line of a merchant's statement is of; none where the line is of something else.
    async fn sale(&self, merchant: MerchantId, line: u64) -> Result<Option<Sale>, CommandError>;
    /// Whose code that a payer shows has that hash, used or not; none where it is long over.
    async fn pay_code(&self, hash: &str) -> Result<Option<UserId>, CommandError>;
    /// Up to `limit` orders that nobody has paid and whose time is over by then.
    async fn orders_due(&self, by: DateTime<Utc>, limit: usize) -> Result<Vec<OrderId>, CommandError>;
}

/// Something that the bank or a biller has to settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unsettled {
    /// Money to be fetched for somebody.
    TopUp(UserId, PaymentId),
    /// Money to be paid out, to a biller or for an order.
    Hold(HoldId),
}

/// What the read models know about people and conversations. Every answer is at or after the last acknowledged event.
#[async_trait]
pub trait Relations: Send + Sync + 'static {
    /// Whether two people are in a group together.
    async fn share_group(&self, one: UserId, other: UserId) -> Result<bool, CommandError>;
    /// How many friends a person has.
    async fn friend_count(&self, user: UserId) -> Result<usize, CommandError>;
    /// How many friend requests wait for a person.
    async fn requests_waiting_for(&self, user: UserId) -> Result<usize, CommandError>;
    /// A message as that person may see it; none where they may not.
    async fn visible_message(
        &self,
        user: UserId,
        conversation: ConversationId,
        seq: u64,
    ) -> Result<Option<VisibleMessage>, CommandError>;
    /// Whether the conversation is, or was, one of that person's.
    async fn knows_conversation(&self, user: UserId, conversation: ConversationId) -> Result<bool, CommandError>;
}

/// A message that somebody may see.
#[derive(Clone, Debug, PartialEq)]
pub struct VisibleMessage {
    /// Who sent it.
    pub sender: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// What it says; none once recalled.
    pub content: Option<Content>,
}

/// What is known of commands that came with an idempotency key, for at least a day.
#[async_trait]
pub trait CommandHistory: Send + Sync + 'static {
    /// The command, if it was carried out up to [`Self::applied`].
    ///
    /// # Errors
    /// [`CommandError::ReadModel`].
    fn find(&self, command: CommandId) -> Result<Option<PastCommand>, CommandError>;
    /// Up to where the history is complete.
    fn applied(&self) -> Position;
    /// Waits until the history is complete up to a position.
    ///
    /// # Errors
    /// [`CommandError::ReadModel`] where it does not get there in time.
    async fn reached(&self, position: Position) -> Result<(), CommandError>;
}

/// A command that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastCommand {
    /// Its events come right after this position.
    pub after: Position,
    /// Hash of the request.
    pub fingerprint: [u8; 16],
}

/// Where snapshots of long streams are kept. Losing them costs time and nothing else.
pub trait Snapshots: Send + Sync + 'static {
    /// The snapshot of a stream, if there is one.
    fn load(&self, stream: &str) -> Option<Vec<u8>>;
    /// Keeps a snapshot instead of the stream's earlier one.
    fn save(&self, stream: &str, snapshot: &[u8]);
}

/// Something that falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A friend request, opened by the event of that version.
    FriendRequest(FriendshipId, u64),
    /// An invitation or request to join a group, begun by the event of that version.
    Pending(ConversationId, UserId, u64),
}

/// The to-do list of what falls due.
#[async_trait]
pub trait Deadlines: Send + Sync + 'static {
    /// Up to `limit` friend requests that were opened before a time, oldest first.
    async fn friend_requests_before(&self, time: DateTime<Utc>, limit: usize) -> Result<Vec<Due>, CommandError>;
    /// Up to `limit` invitations and join requests that began before a time, oldest first.
    async fn pending_before(&self, time: DateTime<Utc>, limit: usize) -> Result<Vec<Due>, CommandError>;
}
