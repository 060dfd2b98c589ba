//! `teahouse bench pay`: paying shops, durable before it is acknowledged.

use super::{
    Bench, CONNECTIONS, Place, ceiling,
    figure::Figure,
    load::{Traffic, closed_loop},
    payments::{Orders, Payments, sample_body},
    process::disk_bytes,
    server::{self, Server},
    world::{self, Census, World},
};
use crate::error::Error;

/// Wallets that pay.
const WALLETS: usize = 1_000;
/// Shops that are paid.
const SHOPS: usize = 100;
/// The number of the first payment to the one shop: those before it go to all shops.
const TO_ONE: u64 = 1_000_000_000;

/// Measures payments to static codes against the ceiling, the same with one shop against that, then orders. The PINs were
/// proved before, once for all payments of a wallet.
///
/// # Errors
/// When a server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench) -> Result<(), Error> {
    let ceiling = ceiling::measure(bench, "pay", &sample_body()).await?;
    ceiling.tell(bench.json);
    let ceiling = ceiling.per_second;
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let census = Census { payers: WALLETS, shops: SHOPS, ..Census::default() };
    let World { payers, shops, .. } = world::people(&settings, census)?;
    let server = Server::serve(&place.data(), bench.store)?;

    let traffic = Payments::shared_out(&payers, &shops, CONNECTIONS, 0);
    let case = format!("{CONNECTIONS} connections, {WALLETS} wallets, {SHOPS} shops");
    let spread = measure(bench, &place, &server, traffic, case).await?;
    spread.clone().with_ceiling(ceiling).tell(bench.json);

    let one = shops.get(..1).unwrap_or_default();
    let traffic = Payments::shared_out(&payers, one, CONNECTIONS, TO_ONE);
    let to_one = measure(bench, &place, &server, traffic, "all to one shop, against to all shops").await?;
    to_one.with_ceiling(spread.per_second).tell(bench.json);

    let traffic = Orders::shared_out(&payers, &shops, CONNECTIONS);
    let orders = measure(bench, &place, &server, traffic, "orders created, and paid in two legs").await?;
    orders.with_ceiling(ceiling).tell(bench.json);
    server.stop()
}

async fn measure(
    bench: &Bench,
    place: &Place,
    server: &Server,
    traffic: Vec<impl Traffic>,
    case: impl Into<String>,
) -> Result<Figure, Error> {
    let before = disk_bytes(&place.data());
    let answered = closed_loop(server.address, server.process(), traffic, bench.seconds).await?;
    let grown = disk_bytes(&place.data()).saturating_sub(before);
    let per_item = grown as f64 / answered.all.max(1) as f64;
    let mut figure = answered.figure("pay", case, bench.seconds);
    figure.disk_bytes_per_item = Some(per_item);
    Ok(figure)
}
