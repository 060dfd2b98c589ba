//! Payments that are decided in this process and appended straight to the log.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{
    Aggregate, DeviceId, EventFamily, EventMeta, MerchantId, MoneyPolicy, PaymentId, UserId, Wallet, WalletEvent,
    wallet::Payment,
};
use eventlog::{Append, DiskLog, EventLog, ExpectedVersion, NewEvent, PayloadEncoding, StreamName};
use ledger::Money;
use uuid::Uuid;

use super::{market, world::World};
use crate::error::Error;

/// Events of a wallet that are read at a time.
const PAGE: usize = 1_000;

/// An append of somebody's command.
///
/// # Errors
/// A name that no stream may have; an event that can't be written.
pub(super) fn append<E: EventFamily>(
    stream: String,
    expected: ExpectedVersion,
    by: UserId,
    at: DateTime<Utc>,
    events: &[E],
) -> Result<Append, Error> {
    let command_id = Uuid::now_v7();
    let new = |event: &E| {
        Ok(NewEvent {
            event_id: Uuid::now_v7(),
            event_type: event.event_type(),
            schema: event.schema(),
            encoding: PayloadEncoding::Json,
            payload: Bytes::from(event.to_json().map_err(failed)?),
        })
    };
    Ok(Append {
        stream: StreamName::new(stream).map_err(failed)?,
        expected,
        time: at,
        actor: Some(by.0),
        command_id,
        fingerprint: Some(*command_id.as_bytes()),
        correlation_id: command_id,
        causation_id: None,
        events: events.iter().map(new).collect::<Result<_, Error>>()?,
    })
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::failed("an append", error)
}

/// A wallet that pays one shop.
pub(super) struct Purse {
    owner: UserId,
    authorization: (Uuid, DeviceId),
    merchant: MerchantId,
    wallet: Wallet,
    version: u64,
    credited: Money,
}

/// The wallets of all payers as the log has them, each with a shop to pay.
///
/// # Errors
/// When the log can't be read.
pub(super) async fn purses(log: &Arc<DiskLog>, world: &World, policy: &MoneyPolicy) -> Result<Vec<Purse>, Error> {
    let credited = market::balance(policy.currency).map_err(failed)?;
    let mut purses = Vec::with_capacity(world.payers.len());
    for (payer, shop) in world.payers.iter().zip(world.shops.iter().cycle()) {
        let (owner, device) = (payer.person.user, payer.person.device);
        let stream = StreamName::new(stream_of(owner)).map_err(failed)?;
        let (mut wallet, mut version) = (Wallet::default(), 0);
        for record in log.read_stream(&stream, 0, PAGE).await.map_err(failed)? {
            let event = WalletEvent::from_json(record.event_type(), record.schema(), record.payload());
            version = record.version();
            if let Some(event) = event.map_err(failed)? {
                wallet.evolve(&event, &EventMeta { actor: Some(owner), at: record.time(), version });
            }
        }
        let authorization = (payer.authorization, device);
        purses.push(Purse { owner, authorization, merchant: shop.merchant, wallet, version, credited });
    }
    Ok(purses)
}

impl Purse {
    /// Decides on so many payments of the smallest coin, and gives them as one append.
    ///
    /// # Errors
    /// When one is refused.
    pub(super) fn pay(&mut self, count: usize, policy: &MoneyPolicy) -> Result<Append, Error> {
        let (before, now, owner) = (self.version, Utc::now(), self.owner);
        let amount = Money::from_minor(1, policy.currency).map_err(failed)?;
        let mut events = Vec::with_capacity(count);
        for _ in 0..count {
            let authorization = Some(self.authorization);
            let payment = Payment { owner, credited: self.credited, authorization, now, policy };
            let decided = self.wallet.pay(&payment, PaymentId::new(), self.merchant, amount, "");
            for event in decided.map_err(failed)? {
                self.version += 1;
                self.wallet.evolve(&event, &EventMeta { actor: Some(owner), at: now, version: self.version });
                events.push(event);
            }
        }
        append(stream_of(owner), ExpectedVersion::Exact(before), owner, now, &events)
    }
}

/// The name of a wallet's stream.
pub(super) fn stream_of(owner: UserId) -> String {
    format!("{}-{owner}", Wallet::CATEGORY)
}
