//! `teahouse bench http`: what the interface costs: an endpoint that does nothing, then queries.

use super::{
    Bench, CONNECTIONS, Place,
    chat::PAIRS,
    client,
    figure::Figure,
    load::{Repeated, closed_loop},
    messages::Talk,
    server::{self, Server},
    world::{self, Census, Pair},
};
use crate::error::Error;

/// Messages in the conversations before they are asked for, in seconds of talk.
const TALK_SECONDS: u64 = 2;

/// Measures an empty answer, and queries against it.
///
/// # Errors
/// When the server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench) -> Result<(), Error> {
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let world = world::people(&settings, Census { pairs: PAIRS, ..Census::default() })?;
    let server = Server::serve(&place.data(), bench.store)?;
    let talk = Talk::of_pairs(&world.pairs, CONNECTIONS);
    closed_loop(server.address, server.process(), talk, TALK_SECONDS).await?;
    let ceiling = measure(bench, &server, &world.pairs, |_| "/livez".to_owned()).await?;
    ceiling.tell(bench.json);
    let history = |pair: &Pair| format!("/v1/conversations/{}/messages?limit=20", pair.conversation);
    for path in [|_: &Pair| "/v1/me".to_owned(), |_: &Pair| "/v1/conversations".to_owned(), history] {
        measure(bench, &server, &world.pairs, path).await?.with_ceiling(ceiling.per_second).tell(bench.json);
    }
    server.stop()
}

async fn measure(bench: &Bench, server: &Server, pairs: &[Pair], path: fn(&Pair) -> String) -> Result<Figure, Error> {
    let requests = pairs.iter().take(CONNECTIONS).map(|pair| Repeated(client::get(&path(pair), &pair.one.token)));
    let answered = closed_loop(server.address, server.process(), requests.collect(), bench.seconds).await?;
    let shown = pairs.first().map(|pair| path(pair).replace(&pair.conversation.to_string(), "{id}"));
    let case = format!("GET {}, {CONNECTIONS} connections", shown.unwrap_or_default());
    Ok(answered.figure("http", case, bench.seconds))
}
