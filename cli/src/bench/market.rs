//! The money of a bench: wallets with a balance and a proved PIN, shops, red packets.

use chrono::Utc;
use commands::{CommandError, Commands, wallet::RedPacketToSend};
use domain::{
    CardId, HoldId, MerchantId, PaymentId, Rejection, UserId, WalletEvent,
    cards::CardLinked,
    hold::PacketKind,
    wallet::{TopUpRequested, ToppedUp, account_of},
};
use eventlog::ExpectedVersion;
use futures::{StreamExt, TryStreamExt, stream};
use ledger::{Account, Currency, Entry, Money, MoneyError};
use uuid::Uuid;

use super::{
    direct,
    world::{AT_ONCE, Circle, Person},
};
use crate::house::House;

/// Everybody's PIN.
const PIN: &str = "202611";
/// What everybody has, in the smallest coins: as much as can be topped up and authorized at once.
const BALANCE_MINOR: i128 = 20_000_000;
/// Shares of each red packet, of the smallest coin in the mean.
pub(super) const SHARES: usize = 100;

/// Somebody with money who has proved the PIN for more payments than a bench makes.
#[derive(Clone, Debug)]
pub(super) struct Payer {
    pub(super) person: Person,
    pub(super) authorization: Uuid,
}

/// A shop.
#[derive(Clone, Debug)]
pub(super) struct Shop {
    pub(super) merchant: MerchantId,
    pub(super) owner: Person,
}

/// What everybody with money has at the beginning.
///
/// # Errors
/// A currency that has no such sum.
pub(super) fn balance(currency: Currency) -> Result<Money, MoneyError> {
    Money::from_minor(BALANCE_MINOR, currency)
}

/// Gives people wallets, money and an authorization.
///
/// # Errors
/// When a command is refused.
pub(super) async fn payers(house: &House, people: Vec<Person>) -> Result<Vec<Payer>, CommandError> {
    stream::iter(people).map(|person| payer(house, person)).buffered(AT_ONCE).try_collect().await
}

async fn payer(house: &House, person: Person) -> Result<Payer, CommandError> {
    let balance = balance(house.commands.policy.money.currency).map_err(Rejection::from_money)?;
    house.commands.open_wallet(&person.caller(), PIN.to_owned()).await?;
    top_up(house, person.user, balance).await?;
    let authorized = house.commands.authorize_spending(&person.caller(), PIN.to_owned(), Some(balance)).await?;
    let authorization = authorized.events.iter().find_map(|(_, event)| match event {
        WalletEvent::SpendingAuthorized(authorized) => Some(authorized.authorization),
        _ => None,
    });
    let authorization = authorization.ok_or_else(|| missing("an authorization"))?;
    Ok(Payer { person, authorization })
}

/// What a bank's yes to a top-up leaves in the log. There is no bank here.
async fn top_up(house: &House, user: UserId, amount: Money) -> Result<(), CommandError> {
    let (card, top_up) = (CardId::new(), PaymentId::new());
    let entry = Entry::transfer(Account::Settlement, account_of(user), amount).map_err(Rejection::from_entry)?;
    let linked = CardLinked {
        card,
        token: card.to_string(),
        last_four: "2026".to_owned(),
        bank: "Corner Bank".to_owned(),
        holder: "A Person".to_owned(),
        resets_pin_from: None,
    };
    let events: [WalletEvent; 3] = [
        linked.into(),
        TopUpRequested { top_up, card, amount }.into(),
        ToppedUp { top_up, reference: top_up.to_string(), entry }.into(),
    ];
    let append = direct::append(direct::stream_of(user), ExpectedVersion::Any, user, Utc::now(), &events);
    house.log.append(append.map_err(|error| CommandError::Internal(error.to_string()))?).await?;
    Ok(())
}

/// Has each owner open a shop.
///
/// # Errors
/// When a command is refused.
pub(super) async fn shops(commands: &Commands, owners: Vec<Person>) -> Result<Vec<Shop>, CommandError> {
    stream::iter(owners).map(|owner| shop(commands, owner)).buffered(AT_ONCE).try_collect().await
}

async fn shop(commands: &Commands, owner: Person) -> Result<Shop, CommandError> {
    let (merchant, _) = commands.register_merchant(&owner.caller(), "A Shop").await?;
    Ok(Shop { merchant, owner })
}

/// Has the members of a group send lucky red packets in turn; gives the packets.
///
/// # Errors
/// When a command is refused.
pub(super) async fn packets(house: &House, circle: &Circle, count: usize) -> Result<Vec<HoldId>, CommandError> {
    let senders = payers(house, circle.members.clone()).await?;
    let sent = senders.iter().cycle().take(count).map(|sender| packet(&house.commands, circle, sender));
    stream::iter(sent).buffered(AT_ONCE).try_collect().await
}

async fn packet(commands: &Commands, circle: &Circle, sender: &Payer) -> Result<HoldId, CommandError> {
    let currency = commands.policy.money.currency;
    let sending = RedPacketToSend {
        conversation: circle.conversation,
        packet: PacketKind::Lucky,
        shares: SHARES as u32,
        amount: Money::from_minor(SHARES as i128, currency).map_err(Rejection::from_money)?,
        greeting: "Good luck".to_owned(),
        authorization: sender.authorization,
    };
    let placed = commands.send_red_packet(&sender.person.caller(), sending).await?;
    let hold = placed.events.iter().find_map(|(_, event)| match event {
        WalletEvent::HoldPlaced(placed) => Some(placed.hold),
        _ => None,
    });
    let hold = hold.ok_or_else(|| missing("a red packet"))?;
    commands.show_hold(hold).await?;
    Ok(hold)
}

fn missing(what: &str) -> CommandError {
    CommandError::Internal(format!("a command did not give {what}"))
}
