//! A bank that is silent about many things is asked about each of them in turn.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use commands::{
    Caller,
    gateways::{BankGateway, BankRequest, GatewayError, LinkCard, LinkedCard, Outcome},
    wallet::CardToLink,
};
use domain::{MoneyPolicy, Policy, WalletEvent, hold::Settler};
use ledger::{Currency::CNY, Money};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::world::World;

/// A bank that links cards, and says nothing to anything else.
#[derive(Default)]
struct SilentBank {
    /// How often it was asked, by request.
    asked: Mutex<HashMap<Uuid, usize>>,
}

#[async_trait]
impl BankGateway for SilentBank {
    async fn link_card(&self, request: &LinkCard) -> Result<LinkedCard, GatewayError> {
        let (last_four, bank, holder) = ("1111".to_owned(), request.bank.clone(), request.holder.clone());
        Ok(LinkedCard { token: "token".to_owned(), last_four, bank, holder })
    }

    async fn collect(&self, request: &BankRequest) -> Result<Outcome, GatewayError> {
        *self.asked.lock().entry(request.request_id).or_default() += 1;
        Err(GatewayError::Unknown("nobody answers".to_owned()))
    }

    async fn pay_out(&self, request: &BankRequest) -> Result<Outcome, GatewayError> {
        self.collect(request).await
    }

    async fn outcome(&self, _: Uuid) -> Result<Option<Outcome>, GatewayError> {
        Err(GatewayError::Unknown("nobody answers".to_owned()))
    }
}

#[tokio::test]
async fn however_much_a_bank_is_silent_about_it_is_asked_about_everything() {
    const TOP_UPS: usize = 600;
    let bank = Arc::new(SilentBank::default());
    let money = MoneyPolicy { top_ups_max: TOP_UPS, ..MoneyPolicy::default() };
    let world = World::with(Policy { money, ..Policy::default() }, Some(bank.clone()));
    let caller = Caller::person(world.person("mei").await);
    world.commands.open_wallet(&caller, "135790".into()).await.unwrap();
    let card = CardToLink { holder: "Mei".into(), number: "4111111111111111".into(), bank: "Harbour Bank".into() };
    let linked = world.commands.link_card(&caller, card).await.unwrap();
    let WalletEvent::CardLinked(linked) = &linked.events[0].1 else { panic!("{linked:?}") };
    for _ in 0..TOP_UPS {
        let amount = Money::parse("1.00", CNY).unwrap();
        world.commands.request_top_up(&caller, linked.card, amount).await.unwrap();
    }
    // The pauses before the same thing is asked again are longer than this test.
    let mut rounds = vec![];
    for _ in 0..3 {
        rounds.push(world.commands.run_settlements(Settler::Bank).await.unwrap());
    }
    assert_eq!(rounds, [256, 256, 88]);
    assert_eq!(world.commands.run_settlements(Settler::Orders).await.unwrap(), 0);
    let asked = bank.asked.lock();
    assert_eq!((asked.len(), asked.values().sum::<usize>()), (TOP_UPS, TOP_UPS));
}
