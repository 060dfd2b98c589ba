//! Rejections: why a command was refused. A refused command changes nothing.

use chrono::{DateTime, Utc};

/// What sort of refusal it is; the outside maps it to a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionKind {
    /// The request itself is not acceptable, whatever the state.
    Invalid,
    /// Who asks has not proved to be who they say.
    Unauthenticated,
    /// Who asks may not do this.
    Forbidden,
    /// What it is about does not exist, or not for who asks.
    NotFound,
    /// The present state does not allow it.
    Conflict,
    /// A limit is reached.
    Limit,
}

macro_rules! rejections {
    ($($(#[$meta:meta])* $variant:ident $({ $($(#[$fm:meta])* $field:ident: $type:ty),* })?: $kind:ident, $code:literal, $message:literal;)*) => {
        /// Why a command was refused.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        #[non_exhaustive]
        pub enum Rejection {
            $($(#[$meta])* #[error($message)] $variant $({ $($(#[$fm])* $field: $type),* })?,)*
        }

        impl Rejection {
            /// The stable name of the reason, for clients.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $(Self::$variant $({ $($field: _),* })? => $code),* }
            }

            /// What sort of refusal it is.
            #[must_use]
            pub fn kind(&self) -> RejectionKind {
                match self { $(Self::$variant $({ $($field: _),* })? => RejectionKind::$kind),* }
            }

            /// Every code there is, with its kind and the form of its message.
            pub const CODES: &'static [(&'static str, RejectionKind, &'static str)] =
                &[$(($code, RejectionKind::$kind, $message)),*];
        }
    };
}

rejections! {
    /// A field breaks its rule.
    InvalidField {
        /// Which field.
        field: &'static str,
        /// The rule it breaks.
        rule: &'static str
    }: Invalid, "invalid-field", "{field}: {rule}";
    /// A text is longer than allowed.
    TooLong {
        /// Which field.
        field: &'static str,
        /// The most it may have.
        max: usize,
        /// Of what.
        unit: &'static str
    }: Invalid, "too-long", "{field} has at most {max} {unit}";
    /// A merchant's number of an order or a refund has other signs than permitted.
    InvalidNumber {
        /// Which field.
        field: &'static str,
        /// The most it may have.
        max: usize
    }: Invalid, "invalid-number", "{field}: 1 to {max} of the signs 0-9 A-Z a-z _ - | * @";
    /// Nothing of that kind may be sent.
    ContentNotAllowed: Invalid, "content-not-allowed", "this kind of content can't be sent this way";

    /// Handle and password do not belong together.
    BadCredentials: Unauthenticated, "bad-credentials", "handle or password is wrong";
    /// The handle belongs to someone else.
    HandleTaken: Conflict, "handle-taken", "this handle is taken";
    /// There is no such device of this person.
    DeviceNotFound: NotFound, "device-not-found", "no such device";

    /// No such person, or not for who asks.
    PersonNotFound: NotFound, "person-not-found", "no such person";
    /// A person can't be their own contact.
    NotYourself: Invalid, "not-yourself", "this can't be done with yourself";
    /// Their settings don't let this person add them.
    AddingNotAllowed: Forbidden, "adding-not-allowed", "this person's settings don't allow a friend request";
    /// Both have each other as friends already.
    AlreadyFriends: Conflict, "already-friends", "you are friends already";
    /// The other's request waits: accepting it is the way.
    AskedAlready: Conflict, "asked-already", "this person has asked you already: accept their request";
    /// There is no open request from that person.
    RequestNotFound: NotFound, "request-not-found", "no open friend request from this person";
    /// That person is not among the contacts.
    NotAContact: NotFound, "not-a-contact", "this person is not among your contacts";
    /// The list of friends is full.
    TooManyFriends {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-friends", "a person has at most {max} friends";
    /// Too many requests wait for that person.
    TooManyRequests {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-requests", "at most {max} friend requests may wait";
    /// The block list is full.
    TooManyBlocked {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-blocked", "at most {max} people can be blocked";
    /// No such tag.
    TagNotFound: NotFound, "tag-not-found", "no such tag";
    /// Another tag has that name.
    TagNameTaken: Conflict, "tag-name-taken", "another tag has this name";
    /// There are as many tags as there may be.
    TooManyTags {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-tags", "at most {max} tags";

    /// There is no wallet yet.
    WalletNotOpen: Conflict, "wallet-not-open", "open a wallet first";
    /// There is a wallet already.
    WalletOpenAlready: Conflict, "wallet-open-already", "the wallet is open already";
    /// The PIN is wrong.
    WrongPin {
        /// Tries left.
        left: u32
    }: Forbidden, "wrong-pin", "the PIN is wrong; {left} tries are left";
    /// Too many wrong PINs.
    PinLocked {
        /// How long it stays locked.
        seconds: i64
    }: Limit, "pin-locked", "too many wrong PINs: locked for another {seconds} seconds";
    /// The PIN was not proved for this payment.
    NotAuthorized: Forbidden, "not-authorized", "no valid authorization of this device covers this payment";
    /// There is not enough money.
    InsufficientFunds {
        /// What is there.
        available: String
    }: Conflict, "insufficient-funds", "only {available} are available";
    /// More than may be moved at once.
    AmountTooLarge {
        /// The most.
        max: String
    }: Limit, "amount-too-large", "at most {max} at once";
    /// A limit of a day, a year or a life is reached.
    LimitReached {
        /// Which: `day`, `year`, `life`, `static-code-day`.
        period: &'static str,
        /// What may still be spent within it.
        left: String
    }: Limit, "limit-reached", "the limit ({period}) leaves {left}";
    /// No such card.
    CardNotFound: NotFound, "card-not-found", "no such card";
    /// The card is linked already.
    CardLinkedAlready: Conflict, "card-linked-already", "this card is linked already";
    /// There are as many cards as there may be.
    TooManyCards {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-cards", "at most {max} cards";
    /// There was money in the wallet before its first card, and that one was linked too recently.
    PinResetTooEarly {
        /// For how much longer, in seconds.
        seconds: i64
    }: Conflict, "pin-reset-too-early", "there was money before the first card was linked: cards reset the PIN in {seconds} seconds";
    /// The card bears another name than the first one.
    OtherHolder: Forbidden, "other-holder", "the card bears another name than the one linked first";
    /// The bank does not know the card, or has refused it.
    CardRefused {
        /// The bank's code.
        code: String
    }: Forbidden, "card-refused", "the bank refused the card: {code}";
    /// Too many top-ups wait for the bank.
    TooManyTopUps {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-top-ups", "at most {max} top-ups may wait for the bank";
    /// No such hold, or not for who asks.
    HoldNotFound: NotFound, "hold-not-found", "no such money on its way";
    /// It is decided already.
    HoldOver: Conflict, "hold-over", "this is over already";
    /// The payer can take back only what arrives later.
    NotArriving: Conflict, "not-arriving", "only a transfer with delayed arrival can be cancelled";
    /// No such biller.
    BillerNotFound: NotFound, "biller-not-found", "no such biller";
    /// The biller has no such customer.
    BillAccountNotFound: NotFound, "bill-account-not-found", "the biller knows no account with this number";
    /// The account has no such bill to be paid.
    BillNotFound: NotFound, "bill-not-found", "the account has no such bill to be paid";
    /// The biller does not tell the bills of an account.
    BillsRefused {
        /// The biller's code.
        code: String
    }: Forbidden, "bills-refused", "the biller does not show the bills of this account: {code}";
    /// The money is for somebody else.
    NotForYou: Forbidden, "not-for-you", "this money is for somebody else";
    /// Only who has sent the money may do this.
    NotThePayer: Forbidden, "not-the-payer", "only who sent this money may take it back";
    /// Everybody opens a red packet once.
    OpenedAlready: Conflict, "opened-already", "you have opened this red packet already";
    /// All shares are taken.
    AllGone: Conflict, "all-gone", "all shares are gone";
    /// A message that shows money on its way stays.
    MoneyIsNotRecalled: Conflict, "money-is-not-recalled", "money on its way can't be recalled as a message";
    /// No such merchant.
    MerchantNotFound: NotFound, "merchant-not-found", "no such merchant";
    /// The merchant takes no payments any more.
    MerchantClosed: Conflict, "merchant-closed", "this merchant takes no payments any more";
    /// Only the merchant's owner may.
    MerchantOwnerOnly: Forbidden, "merchant-owner-only", "only the owner of the merchant may do this";
    /// Who asks may not act for the merchant.
    NotAnOperator: Forbidden, "not-an-operator", "you may not act for this merchant";
    /// There are as many operators as there may be.
    TooManyOperators {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-operators", "there are at most {max} operators";
    /// No such order.
    OrderNotFound: NotFound, "order-not-found", "no such order";
    /// Somebody has paid the order.
    OrderPaid: Conflict, "order-paid", "this order is paid already";
    /// Nobody has paid the order.
    OrderNotPaid: Conflict, "order-not-paid", "this order was not paid";
    /// The order can't be paid any more.
    OrderClosed: Conflict, "order-closed", "this order is closed";
    /// The order's code is too old.
    OrderCodeExpired: Conflict, "order-code-expired", "the time of this code is over; the merchant can show it anew";
    /// The number belongs to another order.
    OrderDiffers: Conflict, "order-differs", "this merchant has another order with this number";
    /// The code that a payer shows is not genuine, used or too old.
    PayCodeInvalid: Conflict, "pay-code-invalid", "this code pays nothing, or no longer";
    /// No such sale.
    SaleNotFound: NotFound, "sale-not-found", "no such sale of this merchant";
    /// The number belongs to another refund.
    RefundDiffers: Conflict, "refund-differs", "this merchant has another refund with this number";
    /// The time for refunds is over.
    RefundTooLate {
        /// How long there is.
        days: i64
    }: Conflict, "refund-too-late", "a payment can be refunded for {days} days";
    /// There were as many refunds as there may be.
    TooManyRefunds {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-refunds", "a payment is refunded in at most {max} parts";
    /// More than is left of what was paid.
    RefundTooLarge {
        /// What is left.
        left: String
    }: Conflict, "refund-too-large", "only {left} of this payment can still be refunded";
    /// The ledger does not take it.
    NotBookable {
        /// Why.
        reason: String
    }: Invalid, "not-bookable", "the ledger refuses: {reason}";

    /// No such conversation, or not for who asks.
    ConversationNotFound: NotFound, "conversation-not-found", "no such conversation";
    /// It can be done in groups only.
    NotAGroup: Conflict, "not-a-group", "this can only be done in a group";
    /// Who asks is not, or no longer, a member.
    NotAMember: Forbidden, "not-a-member", "you are not a member of this group";
    /// The other person is not a member.
    MemberNotFound: NotFound, "member-not-found", "this person is not a member of the group";
    /// The group was disbanded.
    GroupDisbanded: Conflict, "group-disbanded", "this group was disbanded";
    /// The group is full.
    GroupFull {
        /// The most members there may be.
        max: usize
    }: Limit, "group-full", "a group has at most {max} members";
    /// Only the owner may.
    OwnerOnly: Forbidden, "owner-only", "only the owner of the group may do this";
    /// Only the owner and admins may.
    AdminOnly: Forbidden, "admin-only", "only the owner and admins of the group may do this";
    /// There are as many admins as there may be.
    TooManyAdmins {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-admins", "a group has at most {max} admins";
    /// The owner or an admin can't be the object of this.
    RankTooHigh: Forbidden, "rank-too-high", "this can't be done to the owner or to an admin";
    /// They are in the group already.
    AlreadyAMember: Conflict, "already-a-member", "this person is a member already";
    /// No invitation or request of that person waits.
    NothingPending: NotFound, "nothing-pending", "nothing of this person waits to be decided";
    /// Too many invitations or requests wait.
    TooManyPending {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-pending", "at most {max} people may wait for a decision";
    /// The code is not genuine or its time is over.
    JoinCodeInvalid: Forbidden, "join-code-invalid", "this code is not valid, or no longer";
    /// The group is too large to be joined by code.
    JoinByCodeClosed {
        /// Up to how many members joining by code works.
        max: usize
    }: Conflict, "join-by-code-closed", "groups of more than {max} members can't be joined by code";
    /// Members can't rename a group of that size.
    RenameNotAllowed: Forbidden, "rename-not-allowed", "in a group of this size only the owner and admins may rename it";
    /// All members but owner and admins are muted.
    AllMuted: Forbidden, "all-muted", "only the owner and admins may speak at present";
    /// This member is muted.
    Muted {
        /// Until when; none means until lifted.
        until: Option<DateTime<Utc>>
    }: Forbidden, "muted", "you are muted in this group";
    /// Only owner and admins may mention everyone.
    MentionAllNotAllowed: Forbidden, "mention-all-not-allowed", "only the owner and admins may mention everyone";

    /// The receiver does not have the sender as a friend (any more).
    NotFriends: Forbidden, "not-friends", "you are not friends (any more): send a friend request first";
    /// The receiver turned it away, and the sender learns no more than that.
    RejectedByReceiver: Forbidden, "rejected-by-receiver", "the message was sent but rejected by the receiver";
    /// No such message, or not for who asks.
    MessageNotFound: NotFound, "message-not-found", "no such message";
    /// Only the sender may recall a message.
    NotTheSender: Forbidden, "not-the-sender", "only the sender may recall a message";
    /// The time to recall it is over.
    RecallWindowOver {
        /// How long a message can be recalled, in seconds.
        seconds: i64
    }: Conflict, "recall-window-over", "a message can be recalled for {seconds} seconds";
    /// It was recalled before.
    MessageRecalled: Conflict, "message-recalled", "this message was recalled";
    /// No such pack or no such sticker in it.
    StickerNotFound: NotFound, "sticker-not-found", "no such sticker";
    /// No such medium, or it is not theirs to name.
    MediumNotFound: NotFound, "medium-not-found", "no such medium";
    /// It is of another kind than it is named as.
    MediumOfOtherKind {
        /// What it is.
        kind: &'static str
    }: Invalid, "medium-of-other-kind", "this medium is a {kind}";
    /// The bytes are not what they say they are: cut off, damaged, or lying about themselves.
    MediumBroken {
        /// What is wrong.
        what: &'static str
    }: Invalid, "medium-broken", "this can't be taken: {what}";
    /// The bytes are in none of the formats that are taken as this kind.
    MediumUnsupported {
        /// The formats.
        formats: &'static str
    }: Invalid, "medium-unsupported", "this is none of the formats that are taken: {formats}";
    /// It is too large, or too long.
    MediumTooLarge {
        /// The most it may have.
        max: u64,
        /// Of what.
        unit: &'static str
    }: Invalid, "medium-too-large", "this may have at most {max} {unit}";
    /// They have brought as much as they may.
    QuotaReached {
        /// The most it may be.
        bytes: u64
    }: Limit, "quota-reached", "all that one person brings may have at most {bytes} bytes";
    /// Nothing is brought in parts under this id, or not by them, or its time is over.
    UploadNotFound: NotFound, "upload-not-found", "no such upload";
    /// A part does not follow what has come.
    OffsetMismatch {
        /// How many bytes have come.
        offset: u64
    }: Conflict, "offset-mismatch", "the next part begins at {offset}";
    /// Another part of it comes at this moment.
    UploadBusy: Conflict, "upload-busy", "another part of this upload is on its way";
    /// Not all of it has come.
    UploadIncomplete {
        /// How many bytes have come.
        offset: u64,
        /// How many there will be.
        bytes: u64
    }: Conflict, "upload-incomplete", "{offset} of {bytes} bytes have come";
    /// The bytes have another checksum than was told.
    ChecksumMismatch: Invalid, "checksum-mismatch", "the bytes have another checksum than was told";
    /// They bring as many media in parts as they may.
    TooManyUploads {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-uploads", "at most {max} uploads in parts at a time";
    /// They have as many stickers of their own as they may.
    TooManyStickers {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-stickers", "at most {max} stickers of one's own";
    /// The id belongs to another pack.
    StickerPackExists: Conflict, "sticker-pack-exists", "a sticker pack with this id exists";
    /// No such post, or not for who asks.
    PostNotFound: NotFound, "post-not-found", "no such post";
    /// No such comment, or not for who asks.
    CommentNotFound: NotFound, "comment-not-found", "no such comment";
    /// Only who wrote it may delete it; a comment also the author of the post.
    NotTheAuthor: Forbidden, "not-the-author", "this is not yours to delete";
    /// There are as many comments as there may be.
    TooManyComments {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-comments", "a post has at most {max} comments";
    /// No such official account.
    OfficialAccountNotFound: NotFound, "official-account-not-found", "no such official account";
    /// Only the official account's owner may.
    AccountOwnerOnly: Forbidden, "account-owner-only", "only the owner of the official account may do this";
    /// Who asks may not act for the official account.
    AccountNotYours: Forbidden, "account-not-yours", "you may not act for this official account";
    /// Who asks does not follow the official account.
    NotFollowed: Forbidden, "not-followed", "follow this official account first";
    /// There are as many followed as there may be.
    TooManyFollowed {
        /// The most there may be.
        max: usize
    }: Limit, "too-many-followed", "a person follows at most {max} official accounts";
    /// The follower said or did nothing for too long.
    ReplyWindowOver: Forbidden, "reply-window-over", "the follower has not been heard of for too long";
    /// The account's program has sent as many messages as it may.
    RepliesSpent {
        /// The most there may be.
        max: usize
    }: Limit, "replies-spent", "at most {max} messages after the follower was last heard of";
    /// The account's program does not answer as it should.
    CallbackRefused {
        /// Why.
        reason: String
    }: Invalid, "callback-refused", "the callback does not answer as it should: {reason}";
    /// The account has no webhook.
    WebhookNotFound: NotFound, "webhook-not-found", "this official account has no webhook";
    /// There is no menu, or no such button in it.
    MenuButtonNotFound: NotFound, "menu-button-not-found", "no such button in the menu";
    /// No such article, or not for who asks.
    ArticleNotFound: NotFound, "article-not-found", "no such article";
    /// The account has broadcast as often as it may.
    BroadcastsSpent {
        /// The most there may be.
        max: usize,
        /// In which time.
        of: &'static str
    }: Limit, "broadcasts-spent", "this account broadcasts at most {max} times a {of}";
    /// No such broadcast, or not for who asks.
    BroadcastNotFound: NotFound, "broadcast-not-found", "no such broadcast";
    /// What was published stays as it is.
    ArticlePublished: Conflict, "article-published", "this article was published: it can be withdrawn, not changed";
    /// The code is not genuine or its time is over.
    SceneCodeInvalid: NotFound, "scene-code-invalid", "this code is not valid, or no longer";
    /// It can be done in direct conversations only.
    NotADirectConversation: Conflict, "not-a-direct-conversation", "this can only be done in a conversation of two";
    /// No such call, or not for who asks.
    CallNotFound: NotFound, "call-not-found", "no such call";
    /// The call has ended.
    CallOver: Conflict, "call-over", "this call is over";
    /// Another device of the callee was faster.
    AnsweredElsewhere: Conflict, "answered-elsewhere", "another of your devices has answered this call";
    /// Who asks is in a call already.
    InAnotherCall: Conflict, "in-another-call", "you are in a call already";
    /// It was answered: who does not want it any more hangs up.
    CallAnswered: Conflict, "call-answered", "this call was answered: hang up to end it";
    /// Nobody has answered yet.
    CallNotAnswered: Conflict, "call-not-answered", "nobody has answered this call yet";
    /// Only who is called may.
    NotTheCallee: Forbidden, "not-the-callee", "only who is called may do this";
    /// Only who calls may.
    NotTheCaller: Forbidden, "not-the-caller", "only who calls may do this";
    /// The person is in the call with another device.
    DeviceNotInCall: Forbidden, "device-not-in-call", "this device is not in the call";
    /// As many are in the call as may be.
    CallFull {
        /// How many that is.
        max: usize
    }: Limit, "call-full", "at most {max} people may be in this call";
    /// A call rings for fewer people than that.
    RingsForTooMany {
        /// For how many at most.
        max: usize
    }: Limit, "rings-for-too-many", "a call rings for at most {max} people: name them";
    /// What a device offers to send can't be taken.
    OfferRefused {
        /// Why.
        reason: String
    }: Invalid, "offer-refused", "{reason}";
    /// That there was a call stays in the conversation.
    CallIsNotRecalled: Conflict, "call-is-not-recalled", "that there was a call can't be recalled";
}

/// Refuses a text beyond `max` characters or with control characters other than line breaks and tabs.
///
/// # Errors
/// [`Rejection::TooLong`] or [`Rejection::InvalidField`].
pub fn check_text(field: &'static str, text: &str, max: usize) -> Result<(), Rejection> {
    if text.chars().count() > max {
        return Err(Rejection::TooLong { field, max, unit: "characters" });
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Rejection::InvalidField { field, rule: "has a control character" });
    }
    Ok(())
}

/// As [`check_text`], for what stands in a line with other words, such as a name: no line breaks, nothing that turns the
/// direction of what follows, and something to see unless it is empty.
///
/// # Errors
/// [`Rejection::TooLong`] or [`Rejection::InvalidField`].
pub fn check_line(field: &'static str, text: &str, max: usize) -> Result<(), Rejection> {
    check_text(field, text, max)?;
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(Rejection::InvalidField { field, rule: "has a line break or a control character" });
    }
    if text.chars().any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
        return Err(Rejection::InvalidField { field, rule: "has a character that turns the direction of the text" });
    }
    if !text.is_empty() && !text.chars().any(is_visible) {
        return Err(Rejection::InvalidField { field, rule: "has nothing to see in it" });
    }
    Ok(())
}

/// As [`check_line`], and not empty.
///
/// # Errors
/// [`Rejection::TooLong`] or [`Rejection::InvalidField`].
pub fn check_name(field: &'static str, text: &str, max: usize) -> Result<(), Rejection> {
    check_filled(field, text, max)?;
    check_line(field, text, max)
}

/// Refuses what is no `http` or `https` address, has white space or control characters, or more than `max` characters.
///
/// # Errors
/// [`Rejection::TooLong`] or [`Rejection::InvalidField`].
pub fn check_web_address(field: &'static str, address: &str, max: usize) -> Result<(), Rejection> {
    // Schemes are alike whatever their case, and phones begin a word with a capital.
    let is_web = |scheme: &str| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let web = address.split_once("://").is_some_and(|(scheme, rest)| is_web(scheme) && !rest.is_empty());
    if !web || address.contains(char::is_whitespace) {
        return Err(Rejection::InvalidField { field, rule: "must be an http or https address" });
    }
    check_text(field, address, max)
}

/// Whether there is anything to see of a character by itself.
fn is_visible(c: char) -> bool {
    let hidden = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    !(hidden || c.is_whitespace() || c.is_control())
}

impl Rejection {
    /// An entry that the ledger does not take.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
    pub fn from_entry(error: ledger::EntryError) -> Self {
        Self::NotBookable { reason: error.to_string() }
    }

    /// An amount that the ledger does not take.
    #[must_use]
    pub fn from_money(error: ledger::MoneyError) -> Self {
        Self::NotBookable { reason: error.to_string() }
    }
}

/// As [`check_text`], and the text must hold something to see.
///
/// # Errors
/// [`Rejection::TooLong`] or [`Rejection::InvalidField`].
pub fn check_filled(field: &'static str, text: &str, max: usize) -> Result<(), Rejection> {
    if !text.chars().any(is_visible) {
        return Err(Rejection::InvalidField { field, rule: "must not be empty" });
    }
    check_text(field, text, max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_with_something_to_see() {
        for good in ["Mei", "梅 🍵", "👩\u{200d}👩\u{200d}👧", "שלום\u{200f}", "e\u{301}", "👍\u{fe0f}"]
        {
            assert_eq!(check_name("name", good, 30), Ok(()), "{good:?}");
        }
        let bad = [
            "",
            " ",
            "\u{200b}",
            "\u{2060}\u{feff}",
            "\u{3164}",
            "\u{2800}",
            "a\nb",
            "a\u{2028}b",
            "a\u{85}b",
            "\u{202e}nna",
            "\u{2067}a",
        ];
        for bad in bad {
            assert!(check_name("name", bad, 30).is_err(), "{bad:?}");
        }
        assert!(check_line("name", "", 30).is_ok(), "no name at all");
        assert!(check_line("name", "\u{200b}", 30).is_err());
    }

    #[test]
    fn words_may_have_lines_but_must_show_something() {
        assert!(check_filled("text", "one\ntwo\u{2028}three", 30).is_ok());
        for empty in ["", "\n\t ", "\u{200b}\u{200d}"] {
            assert!(check_filled("text", empty, 30).is_err(), "{empty:?}");
        }
    }
}
