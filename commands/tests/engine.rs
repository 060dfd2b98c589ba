//! Commands on a real log in memory: idempotency, pipelining, conflicts, and the rules that span several streams.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails should stop")]

mod moments;
mod settlements;
mod two_legs;
mod webhooks;
mod world;

use std::sync::Arc;

use commands::{
    Caller, CommandError, CommandKey, Secrets, Token,
    contacts::RequestFriend,
    conversations::{CreateGroup, ForwardMessages},
    people::{LogIn, Register},
};
use domain::{
    CommandId, ConversationEvent, ConversationId, FriendshipEvent, Policy, Rejection, UserEvent, UserId,
    conversation::{Content, messages::Draft},
    friendship::Source,
    user::{Privacy, WhoMayAdd},
};
use eventlog::{EventLog, Position};
use futures::{StreamExt, stream::FuturesUnordered};
use world::World;

fn text(text: &str) -> Draft {
    Draft::of(Content::Text { text: text.into() })
}

fn keyed(user: UserId, key: &str, fingerprint: u8) -> Caller {
    let key = CommandKey { id: CommandId::keyed(user.0, key), fingerprint: [fingerprint; 16] };
    Caller { key: Some(key), ..Caller::person(user) }
}

fn rejection<T: std::fmt::Debug>(outcome: Result<T, CommandError>) -> Rejection {
    match outcome {
        Err(CommandError::Rejected(rejection)) => rejection,
        other => panic!("expected a rejection, got {other:?}"),
    }
}

fn seqs(events: &[(uuid::Uuid, ConversationEvent)]) -> Vec<u64> {
    let seq = |event: &ConversationEvent| match event {
        ConversationEvent::MessageSent(sent) => Some(sent.seq),
        _ => None,
    };
    events.iter().filter_map(|(_, event)| seq(event)).collect()
}

#[tokio::test]
async fn the_same_key_gives_the_first_answer_again_also_after_a_restart() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.befriend(ann, bob).await;
    let first = world.commands.send_message(&keyed(ann, "k", 1), talk, text("hi")).await.unwrap();
    let again = world.commands.send_message(&keyed(ann, "k", 1), talk, text("hi")).await.unwrap();
    let restarted = world.restarted();
    let later = restarted.commands.send_message(&keyed(ann, "k", 1), talk, text("hi")).await.unwrap();
    for repeated in [again, later] {
        assert_eq!(repeated.position, first.position);
        assert_eq!(repeated.events, first.events);
        assert_eq!(repeated.at, first.at);
    }
    let next = restarted.commands.send_message(&Caller::person(ann), talk, text("more")).await.unwrap();
    assert_eq!(seqs(&next.events), [2]);
}

#[tokio::test]
async fn a_command_of_many_events_gives_all_of_them_again_also_after_a_restart() {
    let world = World::with(Policy { forward_max: 1_000, ..Policy::default() }, None);
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.befriend(ann, bob).await;
    world.commands.send_message(&Caller::person(ann), talk, text("again")).await.unwrap();
    let forward = async |world: &World| {
        let command = ForwardMessages { from: talk, seqs: vec![1; 600], merged_as: None };
        world.commands.forward_messages(&keyed(ann, "k", 1), talk, command).await.unwrap()
    };
    let first = forward(&world).await;
    assert_eq!(seqs(&first.events), (2..=601).collect::<Vec<_>>());
    world.commands.send_message(&Caller::person(bob), talk, text("enough")).await.unwrap();
    let again = forward(&world.restarted()).await;
    assert_eq!((again.position, again.version), (first.position, first.version));
    assert_eq!(again.events, first.events);
}

#[tokio::test]
async fn the_same_key_with_another_request_is_refused_also_after_a_restart() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.befriend(ann, bob).await;
    world.commands.send_message(&keyed(ann, "k", 1), talk, text("hi")).await.unwrap();
    for commands in [&world.commands, &world.restarted().commands] {
        let refused = commands.send_message(&keyed(ann, "k", 2), talk, text("ho")).await;
        assert!(matches!(refused, Err(CommandError::KeyReused)));
    }
}

#[tokio::test]
async fn a_refused_command_changes_nothing_and_frees_its_key() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let before = world.log.last_position();
    let nowhere = ConversationId::direct(ann, bob);
    let refused = world.commands.send_message(&keyed(ann, "k", 1), nowhere, text("hi")).await;
    assert_eq!(rejection(refused), Rejection::ConversationNotFound);
    assert_eq!(world.log.last_position(), before);
    let talk = world.befriend(ann, bob).await;
    assert!(world.commands.send_message(&keyed(ann, "k", 1), talk, text("hi")).await.is_ok());
}

#[tokio::test]
async fn many_at_once_get_dense_numbers_in_one_conversation() {
    let world = Arc::new(World::new());
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.befriend(ann, bob).await;
    let send = |index: usize| {
        let world = world.clone();
        async move {
            let by = if index.is_multiple_of(2) { ann } else { bob };
            world.commands.send_message(&Caller::person(by), talk, text("x")).await.unwrap()
        }
    };
    let all = futures::future::join_all((0..200).map(|index| tokio::spawn(send(index)))).await;
    let mut numbers: Vec<u64> = all.into_iter().flat_map(|sent| seqs(&sent.unwrap().events)).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_nodes_on_one_log_agree_on_the_numbers() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.befriend(ann, bob).await;
    let other = world.restarted();
    let mut numbers = vec![];
    for _ in 0..20 {
        for commands in [&world.commands, &other.commands] {
            let sent = commands.send_message(&Caller::person(ann), talk, text("x")).await.unwrap();
            numbers.extend(seqs(&sent.events));
        }
    }
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_handle_is_registered_once_however_many_try_at_once() {
    let world = Arc::new(World::new());
    let register = || {
        let world = world.clone();
        async move { world.register("ann").await }
    };
    let all = futures::future::join_all((0..8).map(|_| tokio::spawn(register()))).await;
    let registered = all.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_ok()).count();
    assert_eq!(registered, 1);
}

#[tokio::test]
async fn a_repeated_registration_gives_the_same_person_and_device() {
    let world = World::new();
    let caller = Caller { key: keyed(UserId::new(), "r", 1).key, ..Caller::SERVER };
    let register = || Register {
        handle: "ann".into(),
        display_name: "Ann".into(),
        password: "a password".into(),
        device_name: "phone".into(),
    };
    let first = world.commands.register(&caller, register()).await.unwrap();
    let again = world.commands.register(&caller, register()).await.unwrap();
    assert_eq!(first.events, again.events);
    let verifiers = first.events.iter().filter(|(_, event)| {
        matches!(event, UserEvent::UserRegistered(registered) if registered.password.starts_with("$argon2id$"))
    });
    assert_eq!(verifiers.count(), 1);
}

#[tokio::test]
async fn who_was_removed_is_told_to_ask_again_and_who_was_blocked_learns_only_of_a_rejection() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.befriend(ann, bob).await;
    let send = async |by| world.commands.send_message(&Caller::person(by), talk, text("x")).await;
    world.commands.block_person(&Caller::person(bob), ann).await.unwrap();
    assert_eq!(rejection(send(ann).await), Rejection::RejectedByReceiver);
    assert!(send(bob).await.is_ok(), "who blocked may still write");
    world.commands.unblock_person(&Caller::person(bob), ann).await.unwrap();
    world.commands.remove_friend(&Caller::person(bob), ann).await.unwrap();
    assert_eq!(rejection(send(ann).await), Rejection::NotFriends);
    assert_eq!(rejection(send(bob).await), Rejection::NotFriends);
    world.ask(bob, ann).await.unwrap();
    assert!(send(bob).await.is_ok(), "adding back who still has me asks no question");
}

#[tokio::test]
async fn a_request_to_who_blocked_me_looks_sent_and_never_arrives() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.commands.block_person(&Caller::person(bob), ann).await.unwrap();
    assert!(world.ask(ann, bob).await.is_ok());
    let accepted = world.commands.accept_friend(&Caller::person(bob), ann).await;
    assert_eq!(rejection(accepted), Rejection::RequestNotFound);
}

#[tokio::test]
async fn a_group_is_founded_with_friends_only() {
    let world = World::new();
    let (ann, bob, cid) = (world.person("ann").await, world.person("bob").await, world.person("cid").await);
    world.befriend(ann, bob).await;
    let found = async || {
        let command = CreateGroup { name: "tea".into(), members: vec![bob, cid] };
        world.commands.create_group(&keyed(ann, "g", 1), command).await
    };
    assert_eq!(rejection(found().await.map(|(_, committed)| committed)), Rejection::NotFriends);
    world.befriend(ann, cid).await;
    let (group, first) = found().await.unwrap();
    let (same, again) = found().await.unwrap();
    assert_eq!((group, first.position), (same, again.position));
}

#[tokio::test]
async fn a_friend_request_that_waited_too_long_ends_also_when_the_server_was_down() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.ask(ann, bob).await.unwrap();
    assert_eq!(world.commands.run_expiries().await.unwrap(), 0);
    let restarted = world.restarted();
    assert!(restarted.commands.advance_clock(chrono::TimeDelta::days(8)));
    assert_eq!(restarted.commands.run_expiries().await.unwrap(), 1);
    assert_eq!(restarted.commands.run_expiries().await.unwrap(), 0);
    let accepted = restarted.commands.accept_friend(&Caller::person(bob), ann).await;
    assert_eq!(rejection(accepted), Rejection::RequestNotFound);
}

#[tokio::test]
async fn what_can_not_be_ended_stays_for_later_and_holds_up_nothing_else_that_waited_too_long() {
    let world = World::new();
    let ann = world.person("ann").await;
    for name in ["bob", "cid", "dan"] {
        let asking = world.person(name).await;
        world.ask(asking, ann).await.unwrap();
    }
    assert!(world.commands.advance_clock(chrono::TimeDelta::days(8)));
    world.log.fail_next(1);
    assert_eq!(world.commands.run_expiries().await.unwrap(), 2);
    assert_eq!(world.commands.run_expiries().await.unwrap(), 1);
}

#[tokio::test]
async fn when_the_log_refuses_writes_commands_fail_and_states_stay_true() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.befriend(ann, bob).await;
    world.log.fail_next(3);
    for _ in 0..3 {
        let failed = world.commands.send_message(&Caller::person(ann), talk, text("lost")).await;
        assert!(matches!(failed, Err(CommandError::Append(_))));
    }
    let sent = world.commands.send_message(&Caller::person(ann), talk, text("kept")).await.unwrap();
    assert_eq!(seqs(&sent.events), [1]);
    assert!(sent.position > Position::START);
}

#[tokio::test]
async fn a_revoked_token_is_worth_nothing_at_once() {
    let world = World::new();
    let committed = world.register("ann").await.unwrap();
    let (user, device) = world::registered_device(&committed);
    let token = world.commands.secrets.token(Token { user, device });
    assert_eq!(world.commands.authenticate(&token).await.unwrap().user, user);
    world.commands.revoke_device(&Caller::person(user), device).await.unwrap();
    assert!(matches!(world.commands.authenticate(&token).await, Err(CommandError::NotLoggedIn)));
}

#[tokio::test]
async fn a_token_that_this_server_did_not_make_is_refused_without_a_look_into_the_log() {
    let world = World::new();
    let (user, device) = world::registered_device(&world.register("ann").await.unwrap());
    let token = |key, user| Secrets::new([key; 32]).token(Token { user, device });
    let fresh = world.restarted();
    let before = fresh.log.reads();
    for forged in [token(8, user), token(8, UserId::new()), "th_".into(), "nonsense".into()] {
        let refused = fresh.commands.authenticate(&forged).await;
        assert!(matches!(refused, Err(CommandError::NotLoggedIn)));
    }
    assert_eq!(fresh.log.reads(), before);
    assert_eq!(fresh.commands.authenticate(&token(7, user)).await.unwrap().device, device);
    assert!(fresh.log.reads() > before);
}

#[tokio::test]
async fn with_another_key_nobodys_token_is_good_any_more_and_whoever_knows_the_password_gets_a_new_one() {
    let world = World::new();
    let (user, device) = world::registered_device(&world.register("ann").await.unwrap());
    let token = world.commands.secrets.token(Token { user, device });
    let keyed_anew = world.restarted_with(Secrets::new([8; 32]));
    assert!(matches!(keyed_anew.commands.authenticate(&token).await, Err(CommandError::NotLoggedIn)));
    let [handle, password, device_name] = ["ann", "a password", "phone"].map(str::to_owned);
    let again = keyed_anew.commands.log_in(&Caller::SERVER, LogIn { handle, password, device_name }).await.unwrap();
    let (user, device) = world::registered_device(&again);
    let token = keyed_anew.commands.secrets.token(Token { user, device });
    assert_eq!(keyed_anew.commands.authenticate(&token).await.unwrap().user, user);
}

#[tokio::test]
async fn an_unknown_handle_and_a_wrong_password_are_answered_alike() {
    let world = World::new();
    world.register("ann").await.unwrap();
    let log_in = async |handle: &str, password: &str| {
        let (handle, password, device_name) = (handle.to_owned(), password.to_owned(), "desk".to_owned());
        world.commands.log_in(&Caller::SERVER, LogIn { handle, password, device_name }).await
    };
    for (handle, password) in [("nobody", "a password"), ("ann", "not this one"), ("???", "a password")] {
        let refused = log_in(handle, password).await;
        assert_eq!(rejection(refused), Rejection::BadCredentials);
    }
    assert!(log_in("ANN", "a password").await.is_ok());
}

#[tokio::test]
async fn a_log_in_that_waits_while_the_password_is_changed_does_not_get_in_with_the_old_one() {
    // Who comes first is left to chance.
    for _ in 0..3 {
        let world = World::new();
        let (user, device) = world::registered_device(&world.register("ann").await.unwrap());
        let log_in = || {
            let [handle, password, device_name] = ["ann", "a password", "desk"].map(str::to_owned);
            world.commands.log_in(&Caller::SERVER, LogIn { handle, password, device_name })
        };
        let owner = Caller { device: Some(device), ..Caller::person(user) };
        let change = world.commands.change_password(&owner, "a password".into(), "another password".into());
        tokio::pin!(change);
        // One password is checked at a time, so some of these always wait for their turn, the old verifier in hand.
        let mut log_ins: FuturesUnordered<_> = (0..4).map(|_| log_in()).collect();
        let mut answers = vec![];
        loop {
            tokio::select! {
                changed = &mut change => {
                    changed.unwrap();
                    break;
                }
                Some(answer) = log_ins.next() => {
                    answers.push(answer);
                    log_ins.push(log_in());
                }
            }
        }
        answers.extend(log_ins.collect::<Vec<_>>().await);
        for answer in answers {
            let Ok(got_in) = answer else {
                assert_eq!(rejection(answer), Rejection::BadCredentials);
                continue;
            };
            // Whoever got in before the change is out with it.
            let (user, device) = world::registered_device(&got_in);
            let token = world.commands.secrets.token(Token { user, device });
            assert!(matches!(world.commands.authenticate(&token).await, Err(CommandError::NotLoggedIn)));
        }
    }
}

#[tokio::test]
async fn privacy_hides_a_person_from_requests_as_if_they_did_not_exist() {
    use domain::user::{Privacy, WhoMayAdd};
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let privacy = Privacy { findable: false, who_may_add: WhoMayAdd::Nobody };
    world.commands.change_privacy(&Caller::person(bob), privacy).await.unwrap();
    assert_eq!(rejection(world.ask(ann, bob).await), Rejection::PersonNotFound);
    assert_eq!(rejection(world.ask(ann, UserId::new()).await), Rejection::PersonNotFound);
    let request = RequestFriend { to: ann, greeting: String::new(), source: Source::Search };
    assert!(world.commands.request_friend(&Caller::person(bob), request).await.is_ok());
}

#[tokio::test]
async fn a_long_stream_is_folded_from_a_snapshot_that_fits_the_log_and_from_its_start_otherwise() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.befriend(ann, bob).await;
    for _ in 0..600 {
        world.commands.send_message(&Caller::person(ann), talk, text("x")).await.unwrap();
    }
    let stream = format!("conversation-{talk}");
    let snapshot = world.snapshots.0.lock().get(&stream).cloned().unwrap();
    let next = async |world: &World| {
        let sent = world.commands.send_message(&Caller::person(bob), talk, text("y")).await.unwrap();
        seqs(&sent.events)
    };
    assert_eq!(next(&world.restarted()).await, [601]);
    let mut altered: serde_json::Value = serde_json::from_slice(&snapshot).unwrap();
    altered["state"]["kind"] = "None".into();
    let mut foreign = altered.clone();
    foreign["event_id"] = uuid::Uuid::nil().to_string().into();
    let keep = |snapshot: serde_json::Value| {
        world.snapshots.0.lock().insert(stream.clone(), snapshot.to_string().into_bytes());
    };
    keep(foreign);
    assert_eq!(next(&world.restarted()).await, [602], "the log has another event at that version");
    keep(altered);
    let sent = world.restarted().commands.send_message(&Caller::person(bob), talk, text("z")).await;
    assert_eq!(rejection(sent), Rejection::ConversationNotFound, "the snapshot is what was folded from");
}

#[tokio::test]
async fn a_keyed_command_that_had_nothing_to_do_has_nothing_to_do_for_ever() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let before = world.log.last_position();
    world.commands.unblock_person(&Caller::person(ann), bob).await.unwrap();
    assert_eq!(world.log.last_position(), before, "without a key nothing is written");
    let first = world.commands.unblock_person(&keyed(ann, "k", 1), bob).await.unwrap();
    assert!(first.events.is_empty());
    world.commands.block_person(&Caller::person(ann), bob).await.unwrap();
    let last = world.log.last_position();
    for commands in [&world.commands, &world.restarted().commands] {
        let again = commands.unblock_person(&keyed(ann, "k", 1), bob).await.unwrap();
        assert_eq!((again.position, again.events.len(), again.at), (first.position, 0, first.at));
        let other = commands.unblock_person(&keyed(ann, "k", 2), bob).await;
        assert!(matches!(other, Err(CommandError::KeyReused)));
    }
    assert_eq!(world.log.last_position(), last);
    assert_eq!(
        rejection(world.ask(bob, ann).await.and(world.commands.accept_friend(&Caller::person(ann), bob).await)),
        Rejection::RequestNotFound,
        "bob is still blocked"
    );
}

#[tokio::test]
async fn who_asks_back_is_a_friend_at_once_and_can_talk() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.ask(ann, bob).await.unwrap();
    let back = world.ask(bob, ann).await.unwrap();
    assert!(matches!(back.events.as_slice(), [(_, FriendshipEvent::FriendAccepted(accepted))] if accepted.from == ann));
    let talk = ConversationId::direct(ann, bob);
    assert!(world.commands.send_message(&Caller::person(ann), talk, text("hi")).await.is_ok());
    assert_eq!(rejection(world.ask(bob, ann).await), Rejection::AlreadyFriends);
}

#[tokio::test]
async fn two_who_ask_each_other_at_the_same_time_become_friends() {
    for _ in 0..20 {
        let world = World::new();
        let (ann, bob) = (world.person("ann").await, world.person("bob").await);
        let (one, other) = tokio::join!(world.ask(ann, bob), world.ask(bob, ann));
        let accepted = [one.unwrap(), other.unwrap()]
            .iter()
            .flat_map(|committed| committed.events.clone())
            .filter(|(_, event)| matches!(event, FriendshipEvent::FriendAccepted(_)))
            .count();
        assert_eq!(accepted, 1);
        let talk = ConversationId::direct(ann, bob);
        assert!(world.commands.send_message(&Caller::person(bob), talk, text("hi")).await.is_ok());
    }
}

#[tokio::test]
async fn blocking_ends_a_request_that_waits_and_reaches_also_who_hides() {
    let world = World::new();
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.ask(bob, ann).await.unwrap();
    let hidden = Privacy { findable: false, who_may_add: WhoMayAdd::Nobody };
    world.commands.change_privacy(&Caller::person(bob), hidden).await.unwrap();
    world.commands.block_person(&Caller::person(ann), bob).await.unwrap();
    let accepted = world.commands.accept_friend(&Caller::person(ann), bob).await;
    assert_eq!(rejection(accepted), Rejection::RequestNotFound);
    world.commands.unblock_person(&Caller::person(ann), bob).await.unwrap();
    let accepted = world.commands.accept_friend(&Caller::person(ann), bob).await;
    assert_eq!(rejection(accepted), Rejection::RequestNotFound, "it was declined, not hidden");
    let nobody = world.commands.block_person(&Caller::person(ann), UserId::new()).await;
    assert_eq!(rejection(nobody), Rejection::PersonNotFound);
}
