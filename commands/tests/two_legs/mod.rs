//! An order's payment has two legs; what stops between them is made good.

use chrono::Utc;
use commands::{
    Caller, CommandError,
    merchants::NewOrder,
    ports::{Accounts, Unsettled},
};
use domain::{
    DeviceId, EventFamily, MerchantId, OrderId, PaymentId, Rejection, UserId, WalletEvent, accounts, hold::Settler,
    wallet::ToppedUp,
};
use eventlog::{Append, EventLog, ExpectedVersion, NewEvent, PayloadEncoding, StreamName};
use ledger::{Account, Currency::CNY, Entry, Money};
use uuid::Uuid;

use crate::world::{World, registered_device};

fn yuan(text: &str) -> Money {
    Money::parse(text, CNY).unwrap()
}

/// Somebody with 100.00 and an authorization.
struct Payer {
    user: UserId,
    device: DeviceId,
    authorization: Uuid,
}

impl Payer {
    async fn of(world: &World, handle: &str) -> Self {
        let (user, device) = registered_device(&world.register(handle).await.unwrap());
        let caller = Caller { user: Some(user), device: Some(device), key: None };
        world.commands.open_wallet(&caller, "135790".into()).await.unwrap();
        world.give(user).await;
        let up_to = Some(yuan("100.00"));
        let authorized = world.commands.authorize_spending(&caller, "135790".into(), up_to).await.unwrap();
        let authorization = authorized.events.iter().find_map(|(_, event)| match event {
            WalletEvent::SpendingAuthorized(authorized) => Some(authorized.authorization),
            _ => None,
        });
        Self { user, device, authorization: authorization.unwrap() }
    }

    fn caller(&self) -> Caller {
        Caller { user: Some(self.user), device: Some(self.device), key: None }
    }
}

impl World {
    /// Puts 100.00 into a wallet, as a bank would.
    async fn give(&self, user: UserId) {
        let entry = Entry::transfer(Account::Settlement, accounts::wallet(user), yuan("100.00")).unwrap();
        let event = WalletEvent::from(ToppedUp { top_up: PaymentId::new(), reference: "a gift".into(), entry });
        let event = NewEvent {
            event_id: Uuid::now_v7(),
            event_type: event.event_type(),
            schema: event.schema(),
            encoding: PayloadEncoding::Json,
            payload: event.to_json().unwrap().into(),
        };
        let append = Append {
            stream: StreamName::new(format!("wallet-{user}")).unwrap(),
            expected: ExpectedVersion::Exact(1),
            time: Utc::now(),
            actor: None,
            command_id: Uuid::now_v7(),
            fingerprint: None,
            correlation_id: Uuid::now_v7(),
            causation_id: None,
            events: vec![event],
        };
        self.log.append(append).await.unwrap();
    }

    async fn shop(&self) -> (UserId, MerchantId, OrderId) {
        let owner = self.person("lin").await;
        let (merchant, _) = self.commands.register_merchant(&Caller::person(owner), "Tea Stall").await.unwrap();
        let order = NewOrder {
            merchant,
            out_trade_no: "T1".into(),
            amount: yuan("8.00"),
            description: "a pot of tea".into(),
            expires_at: None,
        };
        let (order, _) = self.commands.create_order(&Caller::person(owner), order).await.unwrap();
        (owner, merchant, order)
    }

    fn balance(&self, account: &Account) -> Money {
        self.accounts.balances().balance(account, CNY)
    }

    async fn unsettled(&self) -> Vec<Unsettled> {
        self.accounts.unsettled(Settler::Orders, None, 10).await.unwrap()
    }
}

#[tokio::test]
async fn a_payment_that_stopped_after_its_first_leg_is_paid_after_the_restart() {
    let world = World::new();
    let payer = Payer::of(&world, "mei").await;
    let (_, merchant, order) = world.shop().await;
    world.commands.place_for_order(&payer.caller(), order, payer.authorization).await.unwrap();
    assert_eq!(world.unsettled().await.len(), 1);
    let restarted = world.restarted();
    restarted.commands.run_settlements(Settler::Orders).await.unwrap();
    restarted.commands.run_settlements(Settler::Orders).await.unwrap();
    assert_eq!(restarted.unsettled().await, []);
    assert_eq!(restarted.balance(&accounts::merchant(merchant)), yuan("8.00"));
    assert_eq!(restarted.balance(&accounts::wallet(payer.user)), yuan("92.00"));
}

#[tokio::test]
async fn a_payment_that_stopped_and_was_overtaken_goes_back_after_the_restart() {
    let world = World::new();
    let (slow, quick) = (Payer::of(&world, "mei").await, Payer::of(&world, "arjun").await);
    let (_, merchant, order) = world.shop().await;
    world.commands.place_for_order(&slow.caller(), order, slow.authorization).await.unwrap();
    world.commands.pay_order(&quick.caller(), order, quick.authorization).await.unwrap();
    let again = world.commands.pay_order(&slow.caller(), order, slow.authorization).await;
    assert!(matches!(again, Err(CommandError::Rejected(Rejection::OrderPaid))));
    let restarted = world.restarted();
    restarted.commands.run_settlements(Settler::Orders).await.unwrap();
    assert_eq!(restarted.unsettled().await, []);
    assert_eq!(restarted.balance(&accounts::merchant(merchant)), yuan("8.00"));
    assert_eq!(restarted.balance(&accounts::wallet(slow.user)), yuan("100.00"));
    assert_eq!(restarted.balance(&accounts::wallet(quick.user)), yuan("92.00"));
}

#[tokio::test]
async fn an_append_that_fails_between_the_legs_leaves_the_payment_to_be_made_good() {
    let world = World::new();
    let payer = Payer::of(&world, "mei").await;
    let (_, merchant, order) = world.shop().await;
    world.commands.place_for_order(&payer.caller(), order, payer.authorization).await.unwrap();
    world.log.fail_next(1);
    world.commands.run_settlements(Settler::Orders).await.unwrap();
    assert_eq!(world.unsettled().await.len(), 1);
    world.commands.run_settlements(Settler::Orders).await.unwrap();
    assert_eq!(world.unsettled().await, []);
    assert_eq!(world.balance(&accounts::merchant(merchant)), yuan("8.00"));
}
