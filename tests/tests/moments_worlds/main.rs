//! Random worlds over HTTP: people who become friends and fall out, tag, block, post, like and answer, while days go by.
//! Every command is answered as the oracle of Moments says, every look and every push is what it says; also after
//! `kill -9`, and after a rebuild.

#![allow(unreachable_pub, reason = "the parts of one test")]

mod look;
#[path = "../../../projections/tests/moments_oracle/oracle.rs"]
mod oracle;
mod world;

use std::time::Duration;

use serde_json::json;
use teahouse_tests::{Server, people::in_parallel, until};
use world::{Echo, World};

const WORLDS: u64 = 30;
const STEPS: usize = 36;

/// Compares what everybody finds with what the oracle says.
fn judge(worlds: &[World], when: &str) {
    in_parallel(worlds.len(), |number| worlds[number].judge(when));
}

#[test]
fn everybody_finds_and_is_pushed_what_the_oracle_says_over_http_after_kill_9_and_after_a_rebuild() {
    let server = Server::start();
    let mut echo = Echo::of(&server);
    let (mut worlds, mut ahead) = (vec![], Duration::ZERO);
    for seed in 0..WORLDS {
        let mut world = World::begin(&server, seed, ahead);
        (0..STEPS).for_each(|_| world.step(&server, &mut echo));
        world.judge_pushes(&mut echo);
        world.judge("as it was made");
        ahead = world.ahead;
        worlds.push(world);
    }
    let seen: usize = worlds.iter().map(World::seen).sum();
    assert!(seen > worlds.len() * 10, "there is something to see: {seen}");
    server.kill();
    server.start_again();
    // A clock that can be moved starts again at the real time.
    server.advance(ahead);
    worlds.iter_mut().for_each(|world: &mut World| world.ahead = ahead);
    judge(&worlds, "after kill -9");
    let operator = server.operator();
    for name in ["moments", "people"] {
        let begun = operator.post(&format!("/v1/operator/read-models/{name}/rebuild"), json!({}));
        assert!(begun.status < 300, "{}", begun.text());
        until("the rebuild is done", || {
            let models = operator.get("/v1/operator/read-models").done().to_string();
            (!models.contains("rebuilding")).then_some(())
        });
    }
    judge(&worlds, "after a rebuild");
}
