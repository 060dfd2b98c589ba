//! `teahouse bench statement`: asking for balances and statements while the book is large.

use std::time::{Duration, Instant};

use eventlog::{EventLog, StoreKind};
use futures::future::try_join_all;

use super::{
    Bench, CONNECTIONS, Place, client,
    client::Connection,
    direct,
    figure::Figure,
    load::{InTurn, at_pace},
    process::disk_bytes,
    server::{self, Server},
    world::{self, Census, World},
};
use crate::{audit::source::opened, error::Error, layout::DataDir, settings::Settings};

/// Wallets that have paid.
const WALLETS: usize = 1_000;
/// Queries a second.
const PACE: u32 = 1_000;
/// Payments of one wallet that are appended at a time.
const AT_ONCE: usize = 16;
/// How long the server may take to read the book.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measures how a server that starts reads a book of so many lines (half of them are of 1,000 payers, half of one shop),
/// then queries at a set pace.
///
/// # Errors
/// When the server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench, lines: u64) -> Result<(), Error> {
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let world = world::people(&settings, Census { payers: WALLETS, shops: 1, ..Census::default() })?;
    let before = disk_bytes(&place.data());
    fill(bench, &settings, &world, lines / 2).await?;
    let began = Instant::now();
    let server = Server::serve(&place.data(), bench.store)?;
    let query = client::get("/v1/wallet", world.payers.first().map_or("", |payer| &payer.person.token));
    until_read(&server, &query).await?;
    let mut read =
        Figure::new("statement", format!("payments read until {lines} lines are there"), lines / 2, began.elapsed());
    let grown = disk_bytes(&place.data()).saturating_sub(before);
    read.disk_bytes_per_item = Some(grown as f64 / read.items.max(1) as f64);
    read.rss_mib = Some(server.process().resident_mib());
    read.tell(bench.json);
    let of_payers = |path: &str| {
        let requests = world.payers.iter().map(|payer| client::get(path, &payer.person.token));
        requests.collect::<Vec<_>>()
    };
    let of_shop = world
        .shops
        .iter()
        .map(|shop| client::get(&format!("/v1/merchants/{}/statement", shop.merchant), &shop.owner.token));
    let cases = [
        ("GET /v1/wallet", of_payers("/v1/wallet")),
        ("GET /v1/wallet/statement", of_payers("/v1/wallet/statement")),
        ("GET /v1/merchants/{id}/statement", of_shop.collect()),
    ];
    for (name, requests) in cases {
        // Each connection begins with another payer.
        let traffic =
            (0..CONNECTIONS).map(|turn| InTurn { requests: requests.clone(), turn: turn * WALLETS / CONNECTIONS });
        let answered = at_pace(server.address, server.process(), traffic.collect(), PACE, bench.seconds).await?;
        let case = format!("{name}, {lines} lines in the book, at {PACE}/s");
        answered.figure("statement", case, bench.seconds).tell(bench.json);
    }
    server.stop()
}

/// Has the payers pay the shop, straight into the log.
async fn fill(bench: &Bench, settings: &Settings, world: &World, payments: u64) -> Result<(), Error> {
    let policy = &settings.policy.money;
    let log = opened(StoreKind::from(bench.store).open(DataDir::new(settings.data.clone()).log(), None))?;
    let mut purses = direct::purses(&log, world, policy).await?;
    let mut left = payments as usize;
    while left > 0 {
        let mut pending = vec![];
        for purse in &mut purses {
            let count = left.min(AT_ONCE);
            if count > 0 {
                pending.push(log.append(purse.pay(count, policy)?));
                left -= count;
            }
        }
        try_join_all(pending).await.map_err(|error| Error::failed("the log", error))?;
    }
    Ok(())
}

/// Waits until the server has read the book.
///
/// # Errors
/// When it does not get there.
async fn until_read(server: &Server, query: &[u8]) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::failed("a connection", error);
    let mut connection = Connection::open(server.address).await.map_err(failed)?;
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        // While a read model is behind, the server makes each query wait for it before it says so.
        if let (200, _) = connection.exchange(query).await.map_err(failed)? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Error::Failed("the measured server does not catch up with the log".to_owned()))
}
