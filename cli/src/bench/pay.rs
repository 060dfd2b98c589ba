//! `teahouse bench pay`: paying shops, durable before it is acknowledged.

use super::{
    Bench, CONNECTIONS, Place, ceiling,
    figure::Figure,
    load::{Traffic, closed_loop},
    payments::{self, Orders, sample_body},
    process::disk_bytes,
    server::{self, Server},
    world::{self, Census, World},
};
use crate::error::Error;

/// Wallets that pay.
const WALLETS: usize = 1_000;
/// Shops that are paid.
const SHOPS: usize = 100;

/// Measures payments to static codes against the ceiling, the same with one shop against that, then orders. Each case has
/// a fresh directory, so that none pays for what another left behind. The PINs were proved before, once for all payments
/// of a wallet.
///
/// # Errors
/// When a server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench) -> Result<(), Error> {
    let ceiling = ceiling::measure(bench, "pay", &sample_body()).await?;
    ceiling.tell(bench.json);

    let case = format!("{CONNECTIONS} connections, {WALLETS} wallets, {SHOPS} shops");
    let spread = measure(bench, case, |world| payments::of_codes(&world.payers, &world.shops, CONNECTIONS)).await?;
    spread.clone().with_ceiling(ceiling.per_second).tell(bench.json);

    let to_one = |world: &World| {
        let one = world.shops.get(..1).unwrap_or_default();
        payments::of_codes(&world.payers, one, CONNECTIONS)
    };
    let to_one = measure(bench, "all to one shop, against to all shops", to_one).await?;
    to_one.with_ceiling(spread.per_second).tell(bench.json);

    let orders = |world: &World| Orders::shared_out(&world.payers, &world.shops, CONNECTIONS);
    let orders = measure(bench, "orders created, and paid in two legs", orders).await?;
    orders.with_ceiling(ceiling.per_second).tell(bench.json);
    Ok(())
}

async fn measure<T: Traffic>(
    bench: &Bench,
    case: impl Into<String>,
    traffic: impl FnOnce(&World) -> Vec<T>,
) -> Result<Figure, Error> {
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let census = Census { payers: WALLETS, shops: SHOPS, ..Census::default() };
    let world = world::people(&settings, census)?;
    let server = Server::serve(&place.data(), bench.store)?;
    let before = disk_bytes(&place.data());
    let answered = closed_loop(server.address, server.process(), traffic(&world), bench.seconds).await?;
    let grown = disk_bytes(&place.data()).saturating_sub(before);
    let per_item = grown as f64 / answered.all.max(1) as f64;
    server.stop()?;
    let mut figure = answered.figure("pay", case, bench.seconds);
    figure.disk_bytes_per_item = Some(per_item);
    Ok(figure)
}
