//! Policy: every number of the rules in one place. Each is a setting; the defaults are WeChat's, where it has one.

use ledger::{Currency, Money};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Rejection, wallet::Tier};

/// The numbers that the deciders go by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How long a message can be recalled, in seconds.
    pub recall_seconds: i64,
    /// How long the sender may fetch a recalled text to edit it again, in seconds.
    pub re_edit_seconds: i64,
    /// Most members of a group.
    pub group_members_max: usize,
    /// A group with more members than this takes new ones only with their consent.
    pub invite_freely_up_to: usize,
    /// A group with more members than this can't be joined by code.
    pub join_by_code_up_to: usize,
    /// How long a join code is valid, in seconds.
    pub join_code_seconds: i64,
    /// A group with more members than this is renamed by owner and admins only.
    pub rename_freely_up_to: usize,
    /// Most admins of a group, the owner not counted.
    pub group_admins_max: usize,
    /// Up to this many members, a message shows who has read it.
    pub read_receipts_up_to: usize,
    /// How long an invitation or a request to join waits, in seconds.
    pub invitation_seconds: i64,
    /// Most invitations and requests that may wait in one group.
    pub group_pending_max: usize,
    /// Longest announcement, in characters.
    pub announcement_chars: usize,
    /// Longest text of a message, in bytes of UTF-8.
    pub message_bytes: usize,
    /// Most people that one message may mention.
    pub mentions_max: usize,
    /// Most messages forwarded at once.
    pub forward_max: usize,
    /// Most friends of a person.
    pub friends_max: usize,
    /// Friends beyond this number start as chats only.
    pub full_friends_max: usize,
    /// Most friend requests waiting for one person.
    pub friend_requests_max: usize,
    /// How long a friend request waits, in seconds.
    pub friend_request_seconds: i64,
    /// Longest remark on a contact, in bytes.
    pub remark_bytes: usize,
    /// Most tags of a person.
    pub tags_max: usize,
    /// Most people that one person can block.
    pub blocked_max: usize,
    /// Most devices logged in at once; a further log-in ends the oldest one.
    pub devices_max: usize,
    /// The rules of the wallet.
    pub money: MoneyPolicy,
    /// The rules of Moments.
    pub moments: MomentsPolicy,
    /// The rules of official accounts.
    pub official: OfficialPolicy,
    /// The rules of calls.
    pub calls: CallsPolicy,
    /// The rules of pictures, voice, video and files.
    pub media: MediaPolicy,
}

/// The numbers that official accounts go by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OfficialPolicy {
    /// Most people who may act for an account besides its owner.
    pub operators_max: usize,
    /// Most accounts that one person follows.
    pub followed_max: usize,
    /// Longest time that a code which ends can be used, in seconds.
    pub scene_code_seconds: i64,
    /// How long after a follower said something the account may write of its own accord, in seconds.
    pub reply_seconds: i64,
    /// Most messages that an account's program sends within that time.
    pub replies_max: usize,
    /// How long after a follower followed, read a code or chose from the menu the account may write of its own accord, in
    /// seconds.
    pub greeting_seconds: i64,
    /// Most messages that an account's program sends within that time.
    pub greetings_max: usize,
    /// Least time between two answers to the same person for want of anything better, in seconds.
    pub default_reply_seconds: i64,
    /// Longest article, in bytes of its HTML.
    pub article_bytes: usize,
    /// How far the local day is ahead of UTC, in minutes: broadcasts are counted by local days and months.
    pub day_offset_minutes: i64,
    /// Most broadcasts of a subscription account in a day.
    pub broadcasts_day_max: usize,
    /// Most broadcasts to all of a service account in a calendar month; as many of any sort a reader is shown.
    pub broadcasts_month_max: usize,
    /// Most broadcasts of a service account to followers with a tag in a day.
    pub tag_broadcasts_day_max: usize,
    /// Most tags that an account makes.
    pub follower_tags_max: usize,
    /// Most tags that an account puts on a follower.
    pub tags_per_follower_max: usize,
}

impl Default for OfficialPolicy {
    fn default() -> Self {
        Self {
            operators_max: 25,
            followed_max: 2_000,
            scene_code_seconds: 30 * 24 * 3600,
            reply_seconds: 48 * 3600,
            replies_max: 5,
            greeting_seconds: 60,
            greetings_max: 3,
            default_reply_seconds: 3600,
            article_bytes: 56 * 1024,
            day_offset_minutes: 8 * 60,
            broadcasts_day_max: 1,
            broadcasts_month_max: 4,
            tag_broadcasts_day_max: 100,
            follower_tags_max: 100,
            tags_per_follower_max: 20,
        }
    }
}

/// The numbers that calls go by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallsPolicy {
    /// How long a call rings, in seconds; and how long somebody may be alone in a group's.
    pub ring_seconds: i64,
    /// How long an answered call may take to connect, in seconds.
    pub connect_seconds: i64,
    /// How long both devices of a call, or one of a group's, may be without a connection to the server, in seconds.
    pub lost_seconds: i64,
    /// Most people in a call of a group; it rings for all of them but who calls.
    pub group_max: usize,
    /// Most people in a call of a group whose devices send to each other, where the server forwards.
    pub mesh_max: usize,
}

impl Default for CallsPolicy {
    fn default() -> Self {
        Self { ring_seconds: 60, connect_seconds: 30, lost_seconds: 60, group_max: 9, mesh_max: 4 }
    }
}

/// The numbers that pictures, voice, video and files go by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaPolicy {
    /// Most bytes of a picture.
    pub picture_bytes: u64,
    /// Most pixels of a picture, and of all frames of a moving one four times as many.
    pub picture_pixels: u64,
    /// Most bytes of a voice message.
    pub voice_bytes: u64,
    /// Longest voice message, in seconds.
    pub voice_seconds: u64,
    /// Most bytes of a video.
    pub video_bytes: u64,
    /// Longest video, in seconds.
    pub video_seconds: u64,
    /// Most bytes of a file.
    pub file_bytes: u64,
    /// Most bytes of all that one person brought.
    pub quota_bytes: u64,
    /// Most bytes of a sticker of one's own.
    pub sticker_bytes: u64,
    /// Most stickers of one's own.
    pub stickers_max: usize,
    /// How long a file can be recalled, in seconds.
    pub file_recall_seconds: i64,
    /// After how long a medium is discarded that nothing names, in seconds.
    pub unnamed_seconds: i64,
    /// How many media one person may bring in parts at a time.
    pub uploads_max: usize,
    /// How long the parts of a medium may take, in seconds.
    pub upload_seconds: i64,
    /// How long a link to a medium is good at least, in seconds; at most twice as long.
    pub link_seconds: i64,
}

impl Default for MediaPolicy {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            picture_bytes: 28 * MIB,
            picture_pixels: 50_000_000,
            voice_bytes: 4 * MIB,
            voice_seconds: 60,
            video_bytes: 100 * MIB,
            video_seconds: 300,
            file_bytes: 100 * MIB,
            quota_bytes: 10 * 1024 * MIB,
            sticker_bytes: 5 * MIB,
            stickers_max: 999,
            file_recall_seconds: 3 * 3600,
            unnamed_seconds: 24 * 3600,
            uploads_max: 10,
            upload_seconds: 24 * 3600,
            link_seconds: 3600,
        }
    }
}

/// The numbers that Moments go by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MomentsPolicy {
    /// Longest text of a post, in characters.
    pub text_chars: usize,
    /// Longest comment, in characters.
    pub comment_chars: usize,
    /// Most pictures of one post.
    pub pictures_max: usize,
    /// Most people whom one post reminds.
    pub remind_max: usize,
    /// Most people whom one post's audience names one by one.
    pub audience_max: usize,
    /// Most comments on one post.
    pub comments_max: usize,
    /// How many of the latest posts somebody sees who is no friend.
    pub stranger_posts: usize,
}

impl Default for MomentsPolicy {
    fn default() -> Self {
        Self {
            text_chars: 2_000,
            comment_chars: 500,
            pictures_max: 9,
            remind_max: 10,
            audience_max: 500,
            comments_max: 5_000,
            stranger_posts: 10,
        }
    }
}

/// The numbers that the wallet goes by. Amounts are in its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MoneyPolicy {
    /// The currency of all wallets.
    pub currency: Currency,
    /// How far the local day is ahead of UTC, in minutes: limits and bills go by local days.
    pub day_offset_minutes: i64,
    /// Wrong PINs until the PIN is locked.
    pub pin_tries: u32,
    /// How long it is locked, in seconds.
    pub pin_lock_seconds: i64,
    /// How long after the first card was linked to a wallet that has money in it cards can't reset the PIN, in seconds.
    pub pin_reset_seconds: i64,
    /// How long a proved PIN may be used, in seconds.
    pub authorization_seconds: i64,
    /// Most in one payment, transfer or top-up.
    pub payment: Decimal,
    /// Most linked cards of a person or a merchant.
    pub cards_max: usize,
    /// Most top-ups that wait for the bank.
    pub top_ups_max: usize,
    /// The tiers of verification with their limits.
    pub tiers: Vec<Tier>,
    /// Most that one person pays to static codes in a day (PBoC notice 296 of 2017, class D).
    pub static_code_day: Decimal,
    /// What may be withdrawn without a fee, once.
    pub withdrawal_free: Decimal,
    /// The share that the house keeps of withdrawals beyond it.
    pub withdrawal_rate: Decimal,
    /// The smallest fee.
    pub withdrawal_fee_min: Decimal,
    /// The share that the house keeps of what merchants withdraw.
    pub merchant_withdrawal_rate: Decimal,
    /// How long a transfer or red packet waits, in seconds.
    pub hold_seconds: i64,
    /// How long transfers may wait after they were accepted: the times to choose from, in seconds.
    pub arrival_seconds: Vec<i64>,
    /// How long a bank, biller or order may take before an unsettled hold is an alarm, in seconds.
    pub settlement_seconds: i64,
    /// Most people who may act for a merchant besides its owner.
    pub operators_max: usize,
    /// How long the code of an order can be paid, in seconds.
    pub order_code_seconds: i64,
    /// After how long an order that nobody paid is closed, in seconds.
    pub order_seconds: i64,
    /// Most refunds of one payment.
    pub refunds_max: usize,
    /// How long a payment can be refunded, in seconds.
    pub refund_seconds: i64,
    /// How long a code that a payer shows can be used, in seconds.
    pub pay_code_seconds: i64,
    /// Most that such a code pays without a PIN.
    pub without_pin: Decimal,
    /// Most payments of a day without a PIN.
    pub without_pin_day_max: u32,
    /// Most in one share of a red packet on the average: what it holds is limited by it. Luck may draw more.
    pub packet_share: Decimal,
    /// Most shares of a red packet.
    pub packet_shares_max: u32,
}

impl MoneyPolicy {
    /// Checks an amount that somebody asks for: above zero, in the wallets' currency, not above the most.
    ///
    /// # Errors
    /// [`Rejection::InvalidField`], [`Rejection::AmountTooLarge`].
    pub fn check_amount(&self, amount: Money) -> Result<(), Rejection> {
        if amount.currency() != self.currency {
            return Err(Rejection::InvalidField { field: "amount", rule: "is in another currency than the wallets" });
        }
        if !amount.is_positive() {
            return Err(Rejection::InvalidField { field: "amount", rule: "must be above zero" });
        }
        if amount.amount() > self.payment {
            return Err(Rejection::AmountTooLarge { max: self.payment.to_string() });
        }
        Ok(())
    }
}

impl Default for MoneyPolicy {
    fn default() -> Self {
        let yuan = |amount: i64| Decimal::from(amount);
        Self {
            currency: Currency::CNY,
            day_offset_minutes: 8 * 60,
            pin_tries: 5,
            pin_lock_seconds: 3 * 3600,
            pin_reset_seconds: 24 * 3600,
            authorization_seconds: 300,
            payment: yuan(200_000),
            cards_max: 10,
            top_ups_max: 10,
            tiers: vec![
                Tier { cards: 0, day: Some(yuan(1_000)), year: None, life: Some(yuan(1_000)) },
                Tier { cards: 1, day: Some(yuan(5_000)), year: Some(yuan(100_000)), life: None },
                Tier { cards: 3, day: Some(yuan(10_000)), year: Some(yuan(200_000)), life: None },
            ],
            static_code_day: yuan(500),
            withdrawal_free: yuan(1_000),
            withdrawal_rate: Decimal::new(1, 3),
            withdrawal_fee_min: Decimal::new(10, 2),
            merchant_withdrawal_rate: Decimal::ZERO,
            hold_seconds: 24 * 3600,
            arrival_seconds: vec![0, 2 * 3600, 24 * 3600],
            settlement_seconds: 3 * 24 * 3600,
            operators_max: 50,
            order_code_seconds: 2 * 3600,
            order_seconds: 7 * 24 * 3600,
            refunds_max: 50,
            refund_seconds: 365 * 24 * 3600,
            pay_code_seconds: 60,
            without_pin: yuan(1_000),
            without_pin_day_max: 10,
            packet_share: yuan(200),
            packet_shares_max: 100,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            recall_seconds: 120,
            re_edit_seconds: 300,
            group_members_max: 500,
            invite_freely_up_to: 40,
            join_by_code_up_to: 200,
            join_code_seconds: 7 * 24 * 3600,
            rename_freely_up_to: 100,
            group_admins_max: 3,
            read_receipts_up_to: 50,
            invitation_seconds: 7 * 24 * 3600,
            group_pending_max: 100,
            announcement_chars: 2_000,
            message_bytes: 12 * 1024,
            mentions_max: 50,
            forward_max: 100,
            friends_max: 10_000,
            full_friends_max: 5_000,
            friend_requests_max: 100,
            friend_request_seconds: 7 * 24 * 3600,
            remark_bytes: 96,
            tags_max: 100,
            blocked_max: 1_000,
            devices_max: 20,
            money: MoneyPolicy::default(),
            moments: MomentsPolicy::default(),
            official: OfficialPolicy::default(),
            calls: CallsPolicy::default(),
            media: MediaPolicy::default(),
        }
    }
}
