//! Which commands come: mostly such that can be done, with enough that can't.

use crate::{
    command::{Command, Packet, Person, Spend, Step},
    dice::Dice,
    held::What,
    model::{Authorization, MERCHANTS, Model, PEOPLE, Place},
};

const DAY: i64 = 86_400_000;

/// What comes first, so that there is money: most people open a wallet, link cards and top up.
pub(crate) fn prelude(dice: &mut Dice, arrivals: &[i64]) -> Vec<Command> {
    let mut commands = vec![];
    for who in 0..PEOPLE {
        if dice.percent(20) {
            continue;
        }
        commands.push(Command::OpenWallet { who, pin: 0 });
        let card = commands.len();
        for number in 0..dice.pick(&[1, 1, 2, 3]) {
            commands.push(Command::LinkCard { who, number, holder: "Li Mei" });
        }
        let top_up = commands.len();
        commands.push(Command::TopUp { who, card, cents: dice.pick(&[500, 20_000, 60_000, 1_000_000]) });
        commands.push(Command::BankOnTopUp { top_up, done: dice.percent(90) });
        if dice.percent(50) {
            commands.push(Command::ChooseArrival { who, seconds: dice.pick(arrivals) });
        }
    }
    commands
}

/// A command that may come next.
pub(crate) fn command(dice: &mut Dice, model: &Model) -> Command {
    let who = dice.below(PEOPLE);
    if model.owners[who].pin.is_none() && dice.percent(50) {
        return Command::OpenWallet { who, pin: pin(dice) };
    }
    match dice.below(100) {
        0..10 => Command::Wait { millis: wait(dice, model) },
        10..18 => Command::Sweep,
        18..20 => Command::OpenWallet { who, pin: pin(dice) },
        20..22 => Command::ChangePin { who, old: pin(dice), new: pin(dice) },
        22..28 => authorize(dice, who),
        28..29 => Command::AuthorizeLate { who, device: 0 },
        29..33 => {
            let holder = dice.pick(&["Li Mei", "Li Mei", "LI  MEI", "Wang Wei"]);
            Command::LinkCard { who, number: u8::try_from(dice.below(4)).unwrap(), holder }
        }
        33..35 => Command::UnlinkCard { who, card: card(dice, model, who) },
        35..41 => Command::TopUp { who, card: card(dice, model, who), cents: cents(dice, model, who) },
        41..45 => {
            let open = model.top_ups.iter().filter(|(_, top_up)| top_up.open).map(|(step, _)| *step);
            let some = dice.any(open).filter(|_| dice.percent(80));
            let top_up = some.or_else(|| dice.any(model.top_ups.keys().copied())).unwrap_or(0);
            Command::BankOnTopUp { top_up, done: dice.percent(75) }
        }
        45..47 => Command::ChooseArrival { who, seconds: arrival(dice, model) },
        47..70 => spending(dice, model, who),
        70..84 => at_counter(dice, model, who),
        _ => on_hold(dice, model, who),
    }
}

fn pin(dice: &mut Dice) -> u8 {
    dice.pick(&[0, 0, 0, 0, 1])
}

fn device(dice: &mut Dice) -> u8 {
    u8::from(dice.percent(4))
}

fn authorize(dice: &mut Dice, who: Person) -> Command {
    let up_to = dice.pick(&[None, None, None, Some(50_000), Some(60_000), Some(3_000), Some(20_000_000), Some(0)]);
    Command::Authorize { who, pin: pin(dice), device: device(dice), up_to }
}

fn arrival(dice: &mut Dice, model: &Model) -> i64 {
    if dice.percent(10) { 7 } else { dice.pick(&model.rules.arrivals) }
}

fn card(dice: &mut Dice, model: &Model, who: Person) -> Step {
    let owner = if dice.percent(95) { who } else { dice.below(PEOPLE) };
    let linked = model.owners[owner].cards.iter().filter(|card| card.linked).map(|card| card.step);
    let some = dice.any(linked).filter(|_| dice.percent(95));
    some.or_else(|| dice.any(model.owners[owner].cards.iter().map(|card| card.step))).unwrap_or(0)
}

/// A time to wait: any, or to just before, at or just after a border that matters.
fn wait(dice: &mut Dice, model: &Model) -> i64 {
    let zone = model.rules.zone_minutes * 60_000;
    let midnight = DAY - (model.now + zone).rem_euclid(DAY);
    let border = match dice.below(8) {
        0 => Some(midnight),
        1 => Some(midnight + DAY * dice.pick(&[29, 364, 365])),
        2 | 3 => dice.any(model.holds.values().filter_map(|held| held.due)).map(|due| due - model.now),
        4 => {
            let until = |who: Person| model.owners[who].locked_until - model.now;
            dice.any((0..PEOPLE).map(until).filter(|millis| *millis > 0))
        }
        5 => {
            let proofs = model.owners.iter().flat_map(|owner| &owner.authorizations);
            dice.any(proofs.map(|proof| proof.until - model.now).filter(|millis| *millis > 0))
        }
        _ => None,
    };
    let border = border.map(|millis| millis + dice.pick(&[-1_000, -500, -1, 0, 1, 999])).filter(|millis| *millis > 0);
    border.unwrap_or_else(|| dice.pick(&[1, 999, 1_000, 30_000, 45_000, 400_000, 3_600_000, 7_200_000, DAY, 40 * DAY]))
}

/// An amount: anything, with a preference for those at a border.
fn cents(dice: &mut Dice, model: &Model, who: Person) -> i128 {
    let (rules, available) = (&model.rules, model.at(Place::Wallet(who)));
    let limits = model.limits(who);
    match dice.below(20) {
        0..10 => dice.between(1, 20_000.min(available.max(1))),
        10..13 => dice.between(1, 150_000),
        13..16 => available + dice.between(-1, 1),
        16 => dice.between(1, 25_000_000),
        _ => {
            let today = model.spent(who, model.today());
            let static_today = model.spent(who, |spent| spent.to_static_code && model.today()(spent));
            let free = rules.withdrawal_free - model.owners[who].withdrawn;
            let borders = [
                0,
                rules.payment,
                free,
                rules.static_code_day - static_today,
                limits.day.map_or(1, |day| day - today),
                limits.year.map_or(1, |year| year - model.spent(who, model.this_year())),
                limits.life.map_or(1, |life| life - model.spent(who, |_| true)),
            ];
            dice.pick(&borders) + dice.between(-1, 1)
        }
    }
}

/// A way to spend; mostly of somebody who has money and a valid proof.
fn spending(dice: &mut Dice, model: &Model, who: Person) -> Command {
    let rich = (0..PEOPLE).filter(|who| model.at(Place::Wallet(*who)) > 0);
    let who = dice.any(rich).filter(|_| dice.percent(90)).unwrap_or(who);
    // At its last moment it is over.
    let valid = |proof: &&Authorization| model.now <= proof.until;
    let proof = dice.any(model.owners[who].authorizations.iter().filter(valid)).filter(|_| dice.percent(97));
    if proof.is_none() && dice.percent(80) {
        return authorize(dice, who);
    }
    let anybodys = model.owners.iter().flat_map(|owner| &owner.authorizations);
    let proof = proof.or_else(|| dice.any(anybodys).filter(|_| dice.percent(40))).map(|proof| proof.step);
    let stale = if dice.percent(25) { dice.below(12) } else { 0 };
    let cents = cents(dice, model, who);
    let spend = Spend { who, cents, proof, device: device(dice), stale };
    match dice.below(100) {
        0..25 => Command::Transfer { spend, to: (who + 1 + dice.below(PEOPLE - 1)) % PEOPLE },
        25..50 => packet(dice, model, spend),
        50..70 => Command::Withdraw { card: card(dice, model, who), spend },
        70..80 => Command::Bill { spend },
        _ => Command::Pay { spend, merchant: dice.below(MERCHANTS) },
    }
}

/// What happens at a shop's counter.
fn at_counter(dice: &mut Dice, model: &Model, who: Person) -> Command {
    let merchant = dice.below(MERCHANTS);
    let unpaid = model.orders.iter().filter(|(_, order)| !order.paid && !order.closed).map(|(step, _)| *step);
    let some = dice.any(unpaid).filter(|_| dice.percent(85));
    let Some(order) = some.or_else(|| dice.any(model.orders.keys().copied())).filter(|_| dice.percent(98)) else {
        return new_order(dice, merchant);
    };
    let stale = if dice.percent(15) { dice.below(12) } else { 0 };
    let crash = dice.percent(25);
    // Where nothing is paid yet, there is nothing to give back.
    let most = if model.sales.is_empty() && dice.percent(90) { 72 } else { 100 };
    match dice.below(most) {
        0..12 => new_order(dice, merchant),
        12..18 => {
            let cents = model.orders[&order].cents;
            Command::AskAgain { order, cents: if dice.percent(75) { cents } else { cents + 1 } }
        }
        18..22 => Command::CloseOrder { order: if dice.percent(95) { order } else { 0 } },
        22..46 => match spending(dice, model, who) {
            Command::Transfer { spend, .. }
            | Command::RedPacket { spend, .. }
            | Command::Withdraw { spend, .. }
            | Command::Bill { spend }
            | Command::Pay { spend, .. } => Command::PayOrder { spend, order, crash },
            other => other,
        },
        46..58 => Command::ShowCode { who },
        58..72 => {
            let live = model.owners.iter().flat_map(|owner| &owner.codes).filter(|code| model.now <= code.until);
            let code = dice.any(live).filter(|_| dice.percent(92)).map(|code| code.step);
            let code = code.or_else(|| dice.any(model.shown.keys().copied()).filter(|_| dice.percent(30)));
            code.map_or(Command::ShowCode { who }, |code| Command::ReadCode { code, order, stale, crash })
        }
        72..90 => refund(dice, model, order, stale),
        _ => {
            let till = model.at(Place::Merchant(merchant));
            let cents = match dice.below(4) {
                0 => till + dice.between(-1, 1),
                1 => dice.between(0, 100_000),
                _ => dice.between(1, till.max(1)),
            };
            Command::WithdrawTakings { merchant, cents, stale }
        }
    }
}

fn new_order(dice: &mut Dice, merchant: usize) -> Command {
    let cents = match dice.below(12) {
        0 => dice.pick(&[0, 1_999, 2_000, 2_001, 60_000, 60_001, 100_000, 100_001]),
        1..4 => dice.between(1, 110_000),
        _ => dice.between(1, 3_000),
    };
    Command::CreateOrder { merchant, cents }
}

fn refund(dice: &mut Dice, model: &Model, order: Step, stale: usize) -> Command {
    // What was given back of before has limits to run into.
    let begun = model.sales.iter().filter(|(step, sale)| model.tills[sale.merchant].refunded(**step).1 > 0);
    let begun = dice.any(begun.map(|(step, _)| *step)).filter(|_| dice.percent(75));
    let sale = begun.or_else(|| dice.any(model.sales.keys().copied()).filter(|_| dice.percent(95))).unwrap_or(order);
    let left = model.sales.get(&sale).map_or(1, |known| known.cents - model.tills[known.merchant].refunded(sale).0);
    let cents = match dice.below(8) {
        0 => left + dice.between(-1, 1),
        1 => dice.between(0, 100_000),
        // Little at a time, to come to the most refunds before there is nothing left.
        2..6 => dice.between(1, (left / 4).max(1)),
        _ => dice.between(1, left.max(1)),
    };
    let number = u8::try_from(dice.below(200)).unwrap() % dice.pick(&[4, 200, 200]);
    Command::Refund { sale, number, cents, stale }
}

fn packet(dice: &mut Dice, model: &Model, mut spend: Spend) -> Command {
    let exclusive = Packet::Exclusive(dice.below(PEOPLE));
    let packet = dice.pick(&[Packet::Equal, Packet::Lucky, Packet::Lucky, exclusive]);
    let most = model.rules.packet_shares;
    let shares = match packet {
        Packet::Exclusive(_) => dice.pick(&[1, 1, 1, 1, 1, 1, 1, 2]),
        _ => dice.pick(&[1, 2, 2, 3, 3, 4, 5, 0, most, most + 1]),
    };
    let (count, share) = (i128::from(shares), model.rules.packet_share);
    let available = model.at(Place::Wallet(spend.who)).max(1);
    match dice.below(10) {
        0..6 => spend.cents = count * dice.between(1, (available / count.max(1)).clamp(1, share)),
        6 => spend.cents = count + dice.between(-1, 2),
        7 => spend.cents = count * share + dice.between(-1, 1),
        _ => {}
    }
    Command::RedPacket { spend, packet, shares }
}

fn on_hold(dice: &mut Dice, model: &Model, who: Person) -> Command {
    let open = model.holds.iter().filter(|(_, held)| held.open).map(|(step, _)| *step);
    let some = dice.any(open).filter(|_| dice.percent(80));
    let Some(hold) = some.or_else(|| dice.any(model.holds.keys().copied())) else { return Command::Sweep };
    let held = &model.holds[&hold];
    let somebody = |dice: &mut Dice, right: Person| if dice.percent(90) { right } else { who };
    let payer = if let Place::Wallet(payer) = held.payer { payer } else { who };
    let kind = if dice.percent(95) { held.what.clone() } else { What::Bill };
    match kind {
        What::Transfer { to, .. } => match dice.below(10) {
            0..5 => Command::Accept { hold, by: somebody(dice, to) },
            5..7 => Command::Return { hold, by: somebody(dice, to) },
            _ => Command::Cancel { hold, by: somebody(dice, payer) },
        },
        What::Packet { packet: Packet::Exclusive(to), .. } => {
            Command::OpenShare { hold, by: somebody(dice, to), luck: dice.roll() }
        }
        What::Packet { .. } if dice.percent(95) => Command::OpenShare { hold, by: who, luck: dice.roll() },
        What::Packet { .. } => Command::Accept { hold, by: who },
        What::Withdrawal { .. } | What::Bill | What::Order { .. } if held.what.is_outside() || dice.percent(50) => {
            Command::Outside { hold, done: dice.percent(55), crash: dice.percent(20) }
        }
        _ => Command::OpenShare { hold, by: who, luck: dice.roll() },
    }
}
