//! An account's webhook is told by one server at a time: one whose turn is over stops in the middle of what there is.

use std::cell::Cell;

use commands::{Caller, official::Follow};
use domain::{OfficialAccountId, official::AccountProfile};

use crate::world::World;

/// An account with a webhook, and people who follow it since it has one.
async fn followed_by(world: &World, count: usize) -> OfficialAccountId {
    let owner = Caller::person(world.person("owner").await);
    let profile = AccountProfile { name: "Tea".into(), ..AccountProfile::default() };
    let (account, _) = world.commands.register_official_account(&owner, Default::default(), profile).await.unwrap();
    world.commands.set_webhook(&owner, account, "https://example.org/told").await.unwrap();
    for number in 0..count {
        let follower = Caller::person(world.person(&format!("follower{number}")).await);
        world.commands.follow_account(&follower, account, Follow::default()).await.unwrap();
    }
    account
}

#[tokio::test]
async fn a_server_that_loses_its_turn_stops_telling_and_the_next_one_goes_on_behind_it() {
    let world = World::new();
    let account = followed_by(&world, 5).await;
    let looks = Cell::new(0);
    // It is asked before the list is read, and before each thing that is told.
    let for_a_while = || looks.replace(looks.get() + 1) < 3;
    assert_eq!(world.commands.notify_webhook(account, for_a_while).await.unwrap(), 2);
    let first = world.webhooks.told();
    assert_eq!(first.len(), 2);
    let other = world.restarted();
    assert_eq!(other.commands.notify_webhook(account, || false).await.unwrap(), 0);
    assert_eq!(other.commands.notify_webhook(account, || true).await.unwrap(), 3);
    let rest = other.webhooks.told();
    let all: Vec<u64> = first.into_iter().chain(rest).collect();
    assert_eq!(all.len(), 5);
    assert!(all.is_sorted_by(|one, next| one < next), "each once, in the order of the log: {all:?}");
    assert_eq!(other.commands.notify_webhook(account, || true).await.unwrap(), 0);
}
