//! Deadlines: what waits, what has stopped waiting, and in which order it falls due.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]

mod support;

use chrono::TimeDelta;
use domain::{
    ConversationEvent, ConversationId, FriendshipEvent, FriendshipId, UserId,
    conversation::{
        GroupCreated, GroupDisbanded, InvitationClosed, JoinRequestClosed, JoinRequested, JoinedVia, MemberInvited,
        MembersJoined, Outcome,
    },
    friendship::{FriendAccepted, FriendDeclined, FriendRequestExpired, FriendRequested, FriendRestored, Source},
};
use projections::Projection;
use projections::deadlines::{DeadlinesProjection, DeadlinesView, Item, Wait, WaitKind};
use support::{Writer, epoch};

const KINDS: [WaitKind; 3] = [WaitKind::FriendRequest, WaitKind::Invitation, WaitKind::JoinRequest];

fn friendship(writer: &Writer, by: UserId, other: UserId, event: impl Into<FriendshipEvent>) {
    writer.append(format!("friendship-{}", FriendshipId::between(by, other)), Some(by), &[event.into()]);
}

fn conversation(writer: &Writer, id: ConversationId, event: impl Into<ConversationEvent>) {
    writer.append(format!("conversation-{id}"), Some(UserId::new()), &[event.into()]);
}

fn asks(writer: &Writer, from: UserId, to: UserId, dropped: bool) {
    friendship(writer, from, to, FriendRequested { to, greeting: String::new(), source: Source::Search, dropped });
}

/// What waits, by opening the rows anew, so that they are tested along.
fn waiting(writer: &Writer, dir: &std::path::Path) -> Vec<Item> {
    let all = |view: &DeadlinesView| {
        let far = epoch() + TimeDelta::days(1_000);
        KINDS.iter().flat_map(|kind| view.open_since(*kind, far, usize::MAX)).collect::<Vec<_>>()
    };
    let folded = all(&writer.fold::<DeadlinesProjection>(dir).view());
    assert_eq!(folded, all(&DeadlinesProjection::open(dir).unwrap().view()));
    folded
}

#[test]
fn each_end_of_a_friend_request_takes_it_off_the_list() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let (a, b) = (UserId::new(), UserId::new());
    let wait = Wait::FriendRequest(FriendshipId::between(a, b));
    let ends: [FriendshipEvent; 4] = [
        FriendAccepted { from: a, chats_only_for: vec![] }.into(),
        FriendDeclined { from: a }.into(),
        FriendRequestExpired { from: a, to: b }.into(),
        FriendRestored { other: a }.into(),
    ];
    for (end, version) in ends.into_iter().zip([1, 3, 5, 7]) {
        asks(&writer, a, b, version == 3);
        assert_eq!(waiting(&writer, dir.path()), [Item { wait, version, since: epoch() }]);
        friendship(&writer, b, a, end);
        assert_eq!(waiting(&writer, dir.path()), []);
    }
}

#[test]
fn asking_again_begins_the_wait_anew() {
    let (mut writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let (a, b) = (UserId::new(), UserId::new());
    asks(&writer, a, b, false);
    writer.pass(TimeDelta::hours(1));
    asks(&writer, b, a, false);
    let wait = Wait::FriendRequest(FriendshipId::between(a, b));
    assert_eq!(waiting(&writer, dir.path()), [Item { wait, version: 2, since: writer.now }]);
}

#[test]
fn each_end_of_an_invitation_or_a_request_to_join_takes_it_off_the_list() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let (group, user, inviter) = (ConversationId::new(), UserId::new(), UserId::new());
    let via = JoinedVia::Code;
    let invite = || MemberInvited { user, inviter };
    let request = || JoinRequested { user, inviter, via, reason: String::new() };
    let kinds = || waiting(&writer, dir.path()).iter().map(|item| item.wait.kind()).collect::<Vec<_>>();
    conversation(&writer, group, GroupCreated { name: String::new(), members: vec![inviter] });

    conversation(&writer, group, invite());
    assert_eq!(kinds(), [WaitKind::Invitation]);
    conversation(&writer, group, request());
    assert_eq!(kinds(), [WaitKind::Invitation, WaitKind::JoinRequest], "an invited person may use a code");
    conversation(&writer, group, MembersJoined { members: vec![user], inviter, via });
    assert_eq!(kinds(), []);

    conversation(&writer, group, request());
    conversation(&writer, group, invite());
    assert_eq!(kinds(), [WaitKind::Invitation], "an invitation answers a request");
    conversation(&writer, group, InvitationClosed { user, outcome: Outcome::Refused });
    assert_eq!(kinds(), []);

    conversation(&writer, group, request());
    conversation(&writer, group, JoinRequestClosed { user, outcome: Outcome::Expired });
    assert_eq!(kinds(), []);
}

#[test]
fn a_disbanded_group_waits_for_nobody_and_others_go_on_waiting() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let (group, other, inviter) = (ConversationId::new(), ConversationId::new(), UserId::new());
    for id in [group, other] {
        conversation(&writer, id, MemberInvited { user: UserId::new(), inviter });
        let (user, via, reason) = (UserId::new(), JoinedVia::Invitation, String::new());
        conversation(&writer, id, JoinRequested { user, inviter, via, reason });
    }
    conversation(&writer, group, GroupDisbanded {});
    let left = waiting(&writer, dir.path());
    assert_eq!(left.len(), 2);
    assert!(
        left.iter().all(|item| matches!(item.wait, Wait::Invitation(id, _) | Wait::JoinRequest(id, _) if id == other))
    );
}

#[test]
fn the_oldest_come_first_and_only_those_from_before_the_given_time() {
    let (mut writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let pairs: Vec<(UserId, UserId)> = (0..5).map(|_| (UserId::new(), UserId::new())).collect();
    for (from, to) in &pairs {
        asks(&writer, *from, *to, false);
        writer.pass(TimeDelta::hours(1));
    }
    conversation(&writer, ConversationId::new(), MemberInvited { user: UserId::new(), inviter: UserId::new() });
    let view = writer.fold::<DeadlinesProjection>(dir.path()).view();
    let due = |hours, limit| {
        let items = view.open_since(WaitKind::FriendRequest, epoch() + TimeDelta::hours(hours), limit);
        items.into_iter().map(|item| item.wait).collect::<Vec<_>>()
    };
    let waits: Vec<Wait> = pairs.iter().map(|(a, b)| Wait::FriendRequest(FriendshipId::between(*a, *b))).collect();
    assert_eq!(due(0, 10), []);
    assert_eq!(due(3, 10), waits[..3]);
    assert_eq!(due(100, 2), waits[..2]);
    assert_eq!(view.oldest(WaitKind::FriendRequest), Some(epoch()));
    assert_eq!(view.oldest(WaitKind::Invitation), Some(epoch() + TimeDelta::hours(5)));
    assert_eq!(view.oldest(WaitKind::JoinRequest), None);
    assert_eq!(view.count(WaitKind::FriendRequest), 5);
}
