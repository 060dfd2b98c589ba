//! `teahouse bench ledger`: payments in batches: decided, with their journal entries, and durable, in this process.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::MoneyPolicy;
use eventlog::{Append, DiskLog, EventLog, StoreKind};
use futures::future::try_join_all;

use super::{
    Bench, Place,
    direct::{self, Purse},
    figure::Figure,
    latency::Latencies,
    process::{Process, disk_bytes},
    server,
    world::{self, Census},
};
use crate::{audit::source::opened, error::Error, layout::DataDir};

/// Transfers in a batch: as many as the ledger databases that this is compared with take at once.
const BATCH: usize = 8_190;
/// Wallets that pay.
const WALLETS: usize = 1_000;
/// Shops that are paid.
const SHOPS: usize = 100;

/// Measures batches of which each wallet's part is one append, then batches of one append for each transfer.
///
/// # Errors
/// When the log fails or a payment is refused.
pub(super) async fn run(bench: &Bench) -> Result<(), Error> {
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let census = Census { payers: WALLETS, shops: SHOPS, ..Census::default() };
    let world = world::people(&settings, census)?;
    let policy = &settings.policy.money;
    let dir = DataDir::new(place.data()).log();
    let log = opened(StoreKind::from(bench.store).open(&dir, None))?;
    let mut purses = direct::purses(&log, &world, policy).await?;
    let cases: [(&str, Deal); 2] = [("an append a wallet", by_wallet), ("an append a transfer", by_transfer)];
    for (name, deal) in cases {
        let before = disk_bytes(&dir);
        let mut figure = batches(bench, &log, &mut purses, policy, deal).await?;
        let grown = disk_bytes(&dir).saturating_sub(before);
        figure.case = format!("batches of {BATCH}, {name}; times are of batches");
        figure.disk_bytes_per_item = Some(grown as f64 / figure.items.max(1) as f64);
        figure.tell(bench.json);
    }
    Ok(())
}

/// Decides on a batch. The number says which batch it is.
type Deal = fn(&mut [Purse], &MoneyPolicy, usize) -> Result<Vec<Append>, Error>;

fn by_wallet(purses: &mut [Purse], policy: &MoneyPolicy, _: usize) -> Result<Vec<Append>, Error> {
    let wallets = purses.len().max(1);
    // What does not divide is paid by the first ones.
    let count = |number: usize| BATCH / wallets + usize::from(number < BATCH % wallets);
    purses.iter_mut().zip(0..).map(|(purse, number)| purse.pay(count(number), policy)).collect()
}

fn by_transfer(purses: &mut [Purse], policy: &MoneyPolicy, batch: usize) -> Result<Vec<Append>, Error> {
    let wallets = purses.len().max(1);
    let turns = (0..BATCH).filter_map(|number| {
        let purse = purses.get_mut((batch * BATCH + number) % wallets)?;
        Some(purse.pay(1, policy))
    });
    turns.collect()
}

/// Batches one after the other. While the log writes one, the next is decided.
async fn batches(
    bench: &Bench,
    log: &Arc<DiskLog>,
    purses: &mut [Purse],
    policy: &MoneyPolicy,
    deal: Deal,
) -> Result<Figure, Error> {
    let failed = |error| Error::failed("the log", error);
    let process = Process::this();
    let (before, began) = (process.cpu(), Instant::now());
    let (mut latencies, mut submitted, mut under_way) = (Latencies::default(), 0, None);
    loop {
        let next = if began.elapsed() < Duration::from_secs(bench.seconds) {
            let sent = Instant::now();
            let appends = deal(purses, policy, submitted)?;
            submitted += 1;
            let pending: Vec<_> = appends.into_iter().map(|append| log.append(append)).collect();
            Some((sent, pending))
        } else {
            None
        };
        let more = next.is_some();
        if let Some((sent, pending)) = std::mem::replace(&mut under_way, next) {
            try_join_all(pending).await.map_err(failed)?;
            latencies.add(sent.elapsed());
        } else if !more {
            break;
        }
    }
    let cpu_percent = before.percent_until(process.cpu());
    let items = latencies.count() * BATCH as u64;
    let mut figure = Figure::new("ledger", "", items, began.elapsed()).with_latencies(&mut latencies);
    figure.cpu_percent = Some(cpu_percent);
    figure.rss_mib = Some(process.resident_mib());
    Ok(figure)
}
