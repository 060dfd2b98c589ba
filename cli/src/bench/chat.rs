//! `teahouse bench chat`: sending messages, durable before they are acknowledged.

use std::time::Duration;

use super::{
    Bench, CONNECTIONS, Place, ceiling,
    figure::Figure,
    load::closed_loop,
    messages::{Talk, sample_body},
    process::disk_bytes,
    server::{self, Server},
    sockets,
    world::{self, Census, Circle, World},
};
use crate::error::Error;

/// Conversations of two that are talked in.
pub(super) const PAIRS: usize = 1_000;
/// Members of the group.
const CIRCLE: usize = 500;
/// Members of the group who are online.
const ONLINE: usize = 100;
/// Members of the group who talk.
const SENDERS: usize = 32;
/// How long members may take to get what was said last.
const LAST_PUSHES: Duration = Duration::from_secs(20);

/// Measures direct conversations against the ceiling, then one large group.
///
/// # Errors
/// When a server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench) -> Result<(), Error> {
    let ceiling = ceiling::measure(bench, "chat", &sample_body()).await?;
    ceiling.tell(bench.json);
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let world = world::people(&settings, Census { pairs: PAIRS, circle: CIRCLE, ..Census::default() })?;
    let server = Server::serve(&place.data(), bench.store)?;
    direct(bench, &place, &server, &world).await?.with_ceiling(ceiling.per_second).tell(bench.json);
    if let Some(circle) = &world.circle {
        group(bench, &server, circle).await?.tell(bench.json);
    }
    server.stop()
}

async fn direct(bench: &Bench, place: &Place, server: &Server, world: &World) -> Result<Figure, Error> {
    let before = disk_bytes(&place.data());
    let traffic = Talk::of_pairs(&world.pairs, CONNECTIONS);
    let answered = closed_loop(server.address, server.process(), traffic, bench.seconds).await?;
    let grown = disk_bytes(&place.data()).saturating_sub(before);
    let per_item = grown as f64 / answered.all.max(1) as f64;
    let case = format!("{CONNECTIONS} connections, {PAIRS} conversations");
    let mut figure = answered.figure("chat", case, bench.seconds);
    figure.disk_bytes_per_item = Some(per_item);
    Ok(figure)
}

async fn group(bench: &Bench, server: &Server, circle: &Circle) -> Result<Figure, Error> {
    // Who is online doesn't talk, and the other way round.
    let online = circle.members.iter().rev().take(ONLINE);
    let listeners = sockets::listen(server.address, online).await?;
    let traffic = Talk::of_circle(circle, SENDERS);
    let answered = closed_loop(server.address, server.process(), traffic, bench.seconds).await?;
    let sent = answered.all;
    let missing = listeners.missing_of(sent, LAST_PUSHES).await;
    let case = format!("one group of {CIRCLE}, {ONLINE} online, {SENDERS} senders");
    let mut figure = answered.figure("chat", case, bench.seconds);
    // A message that did not reach somebody who is online is an error.
    figure.errors += missing;
    Ok(figure)
}
