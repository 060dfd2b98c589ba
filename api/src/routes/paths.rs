//! What stands in the paths of endpoints.

use domain::{
    ArticleId, CallId, CardId, CommentId, ConversationId, DeviceId, HoldId, MediumId, MerchantId, OfficialAccountId,
    OrderId, PaymentId, PostId, StickerPackId, TagId, UserId,
};
use serde::Deserialize;
use utoipa::IntoParams;

macro_rules! paths {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Deserialize, IntoParams)]
        #[into_params(parameter_in = Path)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }
    )*};
}

paths! {
    /// The path names a conversation.
    ConversationPath {
        /// The conversation.
        conversation: ConversationId,
    }
    /// The path names a message.
    MessagePath {
        /// The conversation.
        conversation: ConversationId,
        /// The message's number in it.
        #[param(maximum = 9223372036854775807_u64)]
        seq: u64,
    }
    /// The path names a group.
    GroupPath {
        /// The group: the id of its conversation.
        group: ConversationId,
    }
    /// The path names somebody in a group.
    GroupPersonPath {
        /// The group: the id of its conversation.
        group: ConversationId,
        /// The person.
        user: UserId,
    }
    /// The path names a person.
    PersonPath {
        /// The person.
        user: UserId,
    }
    /// The path names a tag.
    TagPath {
        /// The tag.
        tag: TagId,
    }
    /// The path names a device.
    DevicePath {
        /// The device.
        device: DeviceId,
    }
    /// The path names a sticker pack.
    StickerPackPath {
        /// The pack.
        pack: StickerPackId,
    }
    /// The path names a line of a statement.
    LinePath {
        /// The line's number.
        #[param(maximum = 9223372036854775807_u64)]
        position: u64,
    }
    /// The path names a linked card.
    CardPath {
        /// The card.
        card: CardId,
    }
    /// The path names a top-up.
    TopUpPath {
        /// The top-up.
        top_up: PaymentId,
    }
    /// The path names money on its way.
    HoldPath {
        /// Its id.
        hold: HoldId,
    }
    /// The path names a customer of a biller.
    AccountPath {
        /// The biller.
        biller: String,
        /// The customer's number.
        account: String,
    }
    /// The path names a merchant.
    MerchantPath {
        /// The merchant.
        merchant: MerchantId,
    }
    /// The path names somebody and a merchant.
    MerchantPersonPath {
        /// The merchant.
        merchant: MerchantId,
        /// The person.
        user: UserId,
    }
    /// The path names an order by the merchant's number of it.
    MerchantOrderPath {
        /// The merchant.
        merchant: MerchantId,
        /// The merchant's number of the order.
        out_trade_no: String,
    }
    /// The path names a refund by the merchant's number of it.
    MerchantRefundPath {
        /// The merchant.
        merchant: MerchantId,
        /// The merchant's number of the refund.
        out_refund_no: String,
    }
    /// The path names a linked card of a merchant.
    MerchantCardPath {
        /// The merchant.
        merchant: MerchantId,
        /// The card.
        card: CardId,
    }
    /// The path names a merchant's money on its way.
    MerchantHoldPath {
        /// The merchant.
        merchant: MerchantId,
        /// The money's id.
        hold: HoldId,
    }
    /// The path names a day of a merchant.
    MerchantDayPath {
        /// The merchant.
        merchant: MerchantId,
        /// The local day, like `2026-11-22`.
        date: chrono::NaiveDate,
    }
    /// The path names an order.
    OrderPath {
        /// The order.
        order: OrderId,
    }
    /// The path names a medium.
    MediumPath {
        /// The medium.
        medium: MediumId,
    }
    /// The path names the bytes of a medium.
    BlobPath {
        /// What stands in a link behind `/v1/blobs/`.
        ticket: String,
    }
    /// The path names a post in Moments.
    PostPath {
        /// The post.
        post: PostId,
    }
    /// The path names a comment on a post.
    CommentPath {
        /// The post.
        post: PostId,
        /// The comment.
        comment: CommentId,
    }
    /// The path names an official account.
    OfficialAccountPath {
        /// The account.
        account: OfficialAccountId,
    }
    /// The path names somebody and an official account.
    OfficialAccountPersonPath {
        /// The account.
        account: OfficialAccountId,
        /// The person.
        user: UserId,
    }
    /// The path names a follower of an official account.
    FollowerPath {
        /// The account.
        account: OfficialAccountId,
        /// What the account knows the follower by.
        openid: String,
    }
    /// The path names a message between an official account and a follower.
    FollowerMessagePath {
        /// The account.
        account: OfficialAccountId,
        /// What the account knows the follower by.
        openid: String,
        /// The message's number.
        #[param(maximum = 9223372036854775807_u64)]
        seq: u64,
    }
    /// The path names a tag for followers.
    FollowerTagPath {
        /// The account.
        account: OfficialAccountId,
        /// The tag's number.
        label: u32,
    }
    /// The path names a broadcast of an official account.
    BroadcastPath {
        /// The account.
        account: OfficialAccountId,
        /// The broadcast's number.
        #[param(maximum = 9223372036854775807_u64)]
        number: u64,
    }
    /// The path names an article.
    ArticlePath {
        /// The article.
        article: ArticleId,
    }
    /// The path names a picture of an article.
    ArticleMediumPath {
        /// The article.
        article: ArticleId,
        /// The picture.
        medium: MediumId,
    }
    /// The path names an article of an official account.
    AccountArticlePath {
        /// The account.
        account: OfficialAccountId,
        /// The article.
        article: ArticleId,
    }
    /// The path names a call.
    CallPath {
        /// The call.
        call: CallId,
    }
    /// The path names a read model.
    ReadModelPath {
        /// Its name, such as `chat`.
        name: String,
    }
}
