//! The personal feed: events that concern one person or two, and what each of them may learn of them.
//!
//! - Friend requests reach both sides, but never one who has blocked the sender, and the sender never learns of that.
//! - An acceptance reaches both. Declining, removing and adding back reach only who did it.
//! - That a request ran out is told to nobody: its absence would tell a sender who was declined. Clients know the limit.
//! - What becomes of money on its way reaches the payer and whoever gets it; of orders, what comes back to the payer.
//! - A call reaches both, but never one who has blocked the caller, and the caller never learns of that: who rang is not told.
//! - The call of a group reaches who is in it and for whom it rings, its beginning and its end all who heard of it; never one who has
//!   blocked who started it.
//! - That the webhook of an official account is paused reaches the account's owner.
//! - What a person does to their own contacts, inbox, profile, devices, stickers, and settings, cover and marks of Moments
//!   reaches their own devices, without secrets. Posts and what is said of them reach nobody here.

use std::borrow::Cow;

use domain::{
    CallEvent, ConversationEvent, ConversationId, DomainEvent, FriendshipEvent, GroupCallEvent, MerchantEvent,
    OrderEvent, StickerCollectionEvent, SubscriptionsEvent, UserEvent, UserId, WalletEvent, WebhookEvent,
    call::{CallAccepted, CallConnected, CallEnded, CallRang},
    conversation::JoinedVia,
    friendship::FriendRequested,
    group_call::{GroupCallDeclined, GroupCallEnded, GroupCallJoined, GroupCallLeft, GroupCallUnanswered},
    merchant::Refunded,
};
use serde_json::{Value, json};

use super::{
    kind::Kind,
    rows::EventRow,
    state::{Group, Waiting},
};
use crate::{Fact, ProjectionError};

/// An event of the personal feed.
pub(super) struct Personal<'a> {
    /// Whose feed it is in.
    pub(super) people: Vec<UserId>,
    /// The row, with what they may learn of it.
    pub(super) row: EventRow<Cow<'a, [u8]>>,
}

/// The event as those whom it concerns get it; none where nobody does.
pub(super) fn personal(fact: &Fact) -> Result<Option<Personal<'_>>, ProjectionError> {
    let Some(kind) = Kind::named(fact.event_type()) else { return Ok(None) };
    let event = fact.decoded()?;
    let people = people(fact, event);
    if people.is_empty() {
        return Ok(None);
    }
    let unwritable = |error: serde_json::Error| fact.poison(error.to_string());
    let payload = shown_payload(fact, event).map_err(unwritable)?;
    let mut row = event_row(fact, kind, conversation_of(event), payload);
    // Nobody rings where the callee never hears of a call, and the caller must not see that.
    if matches!(event, DomainEvent::Call(CallEvent::CallRang(_))) {
        row.actor = None;
    }
    Ok(Some(Personal { people, row }))
}

/// A row of the personal feed.
pub(super) fn event_row<'a>(
    fact: &Fact,
    kind: Kind,
    conversation: Option<ConversationId>,
    payload: Cow<'a, [u8]>,
) -> EventRow<Cow<'a, [u8]>> {
    EventRow {
        kind,
        position: fact.position().0,
        seq: 0,
        at_micros: fact.at().timestamp_micros(),
        id: fact.record.event_id(),
        actor: fact.actor(),
        conversation,
        reply_to: 0,
        payload,
    }
}

fn people(fact: &Fact, event: &DomainEvent) -> Vec<UserId> {
    let owner = |category| fact.stream_id(category).map(UserId);
    let actor = fact.actor();
    match event {
        DomainEvent::Friendship(event) => match event {
            FriendshipEvent::FriendRequested(request) => {
                let receiver = Some(request.to).filter(|_| !request.dropped);
                actor.into_iter().chain(receiver).collect()
            }
            FriendshipEvent::FriendAccepted(accepted) => actor.into_iter().chain([accepted.from]).collect(),
            FriendshipEvent::FriendDeclined(_)
            | FriendshipEvent::FriendRemoved(_)
            | FriendshipEvent::FriendRestored(_) => actor.into_iter().collect(),
            FriendshipEvent::FriendRequestExpired(_) => vec![],
        },
        DomainEvent::Contacts(_) => owner("contacts").into_iter().collect(),
        DomainEvent::Inbox(_) => owner("inbox").into_iter().collect(),
        DomainEvent::Circle(_) => owner("moments").into_iter().collect(),
        DomainEvent::StickerCollection(_) => owner("sticker-collection").into_iter().collect(),
        DomainEvent::Subscriptions(_) => owner("subscriptions").into_iter().collect(),
        DomainEvent::User(event) => match event {
            UserEvent::UserRegistered(_) | UserEvent::PasswordChanged(_) => vec![],
            _ => owner("user").into_iter().collect(),
        },
        // What the bank or somebody else decides; of one's own payments one knows.
        DomainEvent::Hold(event) => event.people(),
        DomainEvent::Wallet(
            WalletEvent::ToppedUp(_) | WalletEvent::TopUpDeclined(_) | WalletEvent::PayCodePresented(_),
        ) => owner("wallet").into_iter().collect(),
        DomainEvent::Order(OrderEvent::PaymentReturned(back)) => vec![back.payer],
        DomainEvent::Merchant(MerchantEvent::Refunded(refunded)) => vec![refunded.payer],
        DomainEvent::Webhook(WebhookEvent::WebhookPaused(paused)) => vec![paused.owner],
        DomainEvent::Call(event) => told_of_call(fact, event),
        DomainEvent::GroupCall(event) => told_of_group_call(fact, event),
        DomainEvent::Conversation(_)
        | DomainEvent::Answering(_)
        | DomainEvent::AppTokens(_)
        | DomainEvent::Article(_)
        | DomainEvent::Broadcasts(_)
        | DomainEvent::FollowerTags(_)
        | DomainEvent::FollowerNotes(_)
        | DomainEvent::Reading(_)
        | DomainEvent::Handle(_)
        | DomainEvent::Command(_)
        | DomainEvent::Lease(_)
        | DomainEvent::Webhook(_)
        | DomainEvent::StickerPack(_)
        | DomainEvent::Wallet(_)
        | DomainEvent::Merchant(_)
        | DomainEvent::Medium(_)
        | DomainEvent::Order(_)
        | DomainEvent::OfficialAccount(_)
        // Who sees a post or what is said of it is judged when they look.
        | DomainEvent::Post(_) => vec![],
    }
}

fn told_of_call(fact: &Fact, event: &CallEvent) -> Vec<UserId> {
    match event {
        CallEvent::CallInvited(invited) => {
            let callee = Some(invited.callee).filter(|_| !invited.unheard);
            fact.actor().into_iter().chain(callee).collect()
        }
        CallEvent::CallRang(CallRang { told })
        | CallEvent::CallAccepted(CallAccepted { told, .. })
        | CallEvent::CallConnected(CallConnected { told })
        | CallEvent::CallEnded(CallEnded { told, .. }) => told.clone(),
        CallEvent::CallAttended(_) => vec![],
    }
}

/// What the two are told of their call: nothing that differs when the callee never hears of it.
fn shown_call(fact: &Fact, event: &CallEvent) -> Value {
    let call = fact.stream_id("call");
    match event {
        CallEvent::CallInvited(invited) => json!({
            "call": call, "conversation": invited.conversation, "media": invited.media, "callee": invited.callee,
            "device": invited.device,
        }),
        CallEvent::CallAccepted(accepted) => {
            json!({ "call": call, "device": accepted.device, "crossed": accepted.crossed })
        }
        CallEvent::CallEnded(ended) => json!({ "call": call, "outcome": ended.outcome, "seconds": ended.seconds }),
        CallEvent::CallRang(_) | CallEvent::CallConnected(_) | CallEvent::CallAttended(_) => json!({ "call": call }),
    }
}

fn told_of_group_call(fact: &Fact, event: &GroupCallEvent) -> Vec<UserId> {
    match event {
        GroupCallEvent::GroupCallStarted(started) => {
            let hearing = started.rung.iter().copied().filter(|user| !started.spared.contains(user));
            fact.actor().into_iter().chain(hearing).collect()
        }
        GroupCallEvent::GroupCallJoined(GroupCallJoined { told, .. })
        | GroupCallEvent::GroupCallDeclined(GroupCallDeclined { told })
        | GroupCallEvent::GroupCallUnanswered(GroupCallUnanswered { told, .. })
        | GroupCallEvent::GroupCallLeft(GroupCallLeft { told, .. })
        | GroupCallEvent::GroupCallEnded(GroupCallEnded { told, .. }) => told.clone(),
    }
}

/// What those who hear of a group's call are told: not who has blocked whom.
fn shown_group_call(fact: &Fact, event: &GroupCallEvent) -> Value {
    let call = fact.stream_id("group-call");
    match event {
        GroupCallEvent::GroupCallStarted(started) => json!({
            "call": call, "conversation": started.conversation, "media": started.media, "device": started.device,
            "rung": started.rung,
        }),
        GroupCallEvent::GroupCallJoined(joined) => {
            json!({ "call": call, "device": joined.device, "place": joined.place, "way": joined.way })
        }
        GroupCallEvent::GroupCallDeclined(_) => json!({ "call": call }),
        GroupCallEvent::GroupCallUnanswered(unanswered) => json!({ "call": call, "people": unanswered.people }),
        GroupCallEvent::GroupCallLeft(left) => json!({ "call": call, "user": left.user, "reason": left.reason }),
        GroupCallEvent::GroupCallEnded(ended) => {
            json!({ "call": call, "outcome": ended.outcome, "seconds": ended.seconds })
        }
    }
}

/// The payload without what a recipient must not learn.
fn shown_payload<'a>(fact: &'a Fact, event: &DomainEvent) -> serde_json::Result<Cow<'a, [u8]>> {
    let shown = match event {
        DomainEvent::Friendship(FriendshipEvent::FriendRequested(request)) if request.dropped => {
            serde_json::to_vec(&FriendRequested { dropped: false, ..request.clone() })?
        }
        // Whom the other side lets see only chats is the other side's secret.
        DomainEvent::Friendship(FriendshipEvent::FriendAccepted(accepted)) => {
            serde_json::to_vec(&json!({ "from": accepted.from }))?
        }
        DomainEvent::User(UserEvent::DeviceAdded(added)) => {
            serde_json::to_vec(&json!({ "device": added.device, "name": added.name }))?
        }
        DomainEvent::StickerCollection(StickerCollectionEvent::StickerCollected(collected)) => {
            serde_json::to_vec(&json!({ "sticker": collected.sticker }))?
        }
        // How it stands now is asked for by its id; the books' entries are for auditors.
        DomainEvent::Hold(_) => serde_json::to_vec(&json!({ "hold": fact.stream_id("hold") }))?,
        DomainEvent::Call(event) => serde_json::to_vec(&shown_call(fact, event))?,
        DomainEvent::GroupCall(event) => serde_json::to_vec(&shown_group_call(fact, event))?,
        DomainEvent::Wallet(WalletEvent::ToppedUp(done)) => serde_json::to_vec(&json!({ "operation": done.top_up }))?,
        DomainEvent::Wallet(WalletEvent::TopUpDeclined(declined)) => {
            serde_json::to_vec(&json!({ "operation": declined.top_up, "code": declined.code }))?
        }
        DomainEvent::Wallet(WalletEvent::PayCodePresented(asked)) => {
            let (order, merchant, amount) = (asked.order, asked.merchant, asked.amount);
            serde_json::to_vec(&json!({ "order": order, "merchant": merchant, "amount": amount }))?
        }
        // What an account knows a person by is of no use to the person.
        DomainEvent::Subscriptions(SubscriptionsEvent::AccountFollowed(followed)) => {
            serde_json::to_vec(&json!({ "account": followed.account }))?
        }
        DomainEvent::Subscriptions(SubscriptionsEvent::AccountUnfollowed(unfollowed)) => {
            serde_json::to_vec(&json!({ "account": unfollowed.account }))?
        }
        DomainEvent::Order(OrderEvent::PaymentReturned(back)) => {
            serde_json::to_vec(&json!({ "order": fact.stream_id("order"), "payment": back.hold, "code": back.code }))?
        }
        DomainEvent::Merchant(MerchantEvent::Refunded(refunded)) => {
            let Refunded { refund, paid, amount, reason, .. } = refunded;
            let merchant = fact.stream_id("merchant");
            let shown =
                json!({ "merchant": merchant, "refund": refund, "paid": paid, "amount": amount, "reason": reason });
            serde_json::to_vec(&shown)?
        }
        _ => return Ok(Cow::Borrowed(fact.record.payload())),
    };
    Ok(Cow::Owned(shown))
}

fn conversation_of(event: &DomainEvent) -> Option<ConversationId> {
    let DomainEvent::Inbox(event) = event else { return None };
    Some(event.conversation())
}

/// Whom an event about somebody who waits concerns.
pub(super) fn concerned(group: &Group, event: &ConversationEvent, fact: &Fact) -> Vec<UserId> {
    let inviter_of = |waiting: &[Waiting], user: UserId| {
        waiting.iter().find(|waiting| waiting.user == user).map(|waiting| waiting.inviter)
    };
    let mut people: Vec<UserId> = match event {
        ConversationEvent::MemberInvited(invited) => {
            // Where it answers a request, the others who could have answered learn that it is done.
            let answered = group.requested.iter().any(|waiting| waiting.user == invited.user);
            let admins = group.admins().filter(|_| answered);
            [invited.user, invited.inviter].into_iter().chain(admins).collect()
        }
        ConversationEvent::JoinRequested(request) => {
            // Who is proposed by a member has not asked for anything and learns nothing yet.
            let asking = Some(request.user).filter(|user| fact.actor() == Some(*user));
            group.admins().chain([request.inviter]).chain(asking).collect()
        }
        ConversationEvent::InvitationClosed(closed) => {
            [closed.user].into_iter().chain(inviter_of(&group.invited, closed.user)).collect()
        }
        ConversationEvent::JoinRequestClosed(closed) => {
            let request = group.requested.iter().find(|waiting| waiting.user == closed.user);
            let asking = request.filter(|request| request.via == JoinedVia::Code).map(|request| request.user);
            group.admins().chain(request.map(|request| request.inviter)).chain(asking).collect()
        }
        _ => vec![],
    };
    people.sort_unstable();
    people.dedup();
    people
}
