//! Taking events in.

use chrono::{DateTime, Utc};
use domain::{
    ConversationEvent, DomainEvent, HoldEvent, HoldId, MerchantEvent, MerchantId, OrderEvent, PaymentId, UserId,
    WalletEvent, accounts,
    conversation::Content,
    hold::{Payer, Purpose, ReturnReason, Share, Stage, Terms},
    merchant::Refunded,
    wallet::TopUpRequested,
};
use fjall::OwnedWriteBatch as WriteBatch;
use ledger::{Account, Entry, Posting};
use uuid::Uuid;

use super::{
    Counterparty, Line, LineKind, TopUpRow, TopUpState,
    book::{Book, CardRow, HoldRow, WalletRow},
    rows::{Tables, line_key},
};
use crate::{Fact, ProjectionError, rows::to_json};

/// Whether events of that type can change anything here.
pub(super) fn matters(event_type: &str) -> bool {
    event_type == "message.sent"
        || event_type.starts_with("hold.")
        || matches!(
            event_type,
            "wallet.opened"
                | "wallet.card-linked"
                | "wallet.card-unlinked"
                | "wallet.arrival-chosen"
                | "wallet.top-up-requested"
                | "wallet.topped-up"
                | "wallet.top-up-declined"
                | "wallet.paid"
                | "wallet.hold-placed"
                | "order.paid"
                | "order.payment-returned"
                | "merchant.refunded"
                | "merchant.withdrawal-placed"
        )
}

/// Takes an event in.
pub(super) fn take(
    book: &mut Book,
    tables: &Tables,
    fact: &Fact,
    rows: &mut WriteBatch,
) -> Result<(), ProjectionError> {
    let mut taking = Taking { book, tables, fact, rows };
    match fact.decoded()? {
        DomainEvent::Wallet(event) => taking.take_wallet(event),
        DomainEvent::Hold(event) => taking.take_hold(event),
        DomainEvent::Order(event) => taking.take_order(event),
        DomainEvent::Merchant(event) => taking.take_merchant(event),
        DomainEvent::Conversation(ConversationEvent::MessageSent(sent)) => {
            if let Content::Transfer { transfer: hold, .. } | Content::RedPacket { red_packet: hold, .. } =
                &sent.content
            {
                taking.book.change(*hold, |row| row.shown = true);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What a line says besides sums and times.
struct About {
    kind: LineKind,
    reference: Uuid,
    counterparty: Option<Counterparty>,
    note: String,
}

struct Taking<'a> {
    book: &'a mut Book,
    tables: &'a Tables,
    fact: &'a Fact,
    rows: &'a mut WriteBatch,
}

impl Taking<'_> {
    fn take_wallet(&mut self, event: &WalletEvent) -> Result<(), ProjectionError> {
        let user =
            self.fact.stream_id("wallet").map(UserId).ok_or_else(|| self.fact.poison("the stream names no wallet"))?;
        match event {
            WalletEvent::TopUpRequested(requested) => self.take_requested(user, requested),
            WalletEvent::ToppedUp(done) => {
                let card = self.settle_top_up(done.top_up, TopUpState::Done { reference: done.reference.clone() })?;
                let counterparty = card.map(|card| Counterparty::Card { card });
                let reference = done.top_up.0;
                self.book_entry(&done.entry, |_| About {
                    kind: LineKind::TopUp,
                    reference,
                    counterparty: counterparty.clone(),
                    note: String::new(),
                })
            }
            WalletEvent::TopUpDeclined(declined) => {
                let (code, reason) = (declined.code.clone(), declined.reason.clone());
                self.settle_top_up(declined.top_up, TopUpState::Declined { code, reason }).map(|_| ())
            }
            WalletEvent::Paid(paid) => {
                let (merchant, reference, note) = (paid.merchant, paid.payment.0, &paid.note);
                self.book_entry(&paid.entry, |owner| match owner {
                    Payer::Person(_) => About {
                        kind: LineKind::Payment,
                        reference,
                        counterparty: Some(Counterparty::Merchant { merchant }),
                        note: note.clone(),
                    },
                    Payer::Merchant(_) => About {
                        kind: LineKind::Sale,
                        reference,
                        counterparty: Some(Counterparty::Person { user }),
                        note: note.clone(),
                    },
                })
            }
            WalletEvent::HoldPlaced(placed) => {
                self.take_placed(placed.terms(Payer::Person(user), self.fact.at()), &placed.entry)
            }
            WalletEvent::WalletOpened(_) => {
                let opened_at = self.fact.at();
                let row = WalletRow { opened_at, holder: None, cards: vec![], arrival_seconds: 0 };
                self.book.touched.wallets.insert(user, row);
                Ok(())
            }
            WalletEvent::CardLinked(linked) => self.change_wallet(user, |row, at| {
                row.holder.get_or_insert_with(|| linked.holder.clone());
                row.cards.push(CardRow::of(linked, at));
            }),
            WalletEvent::CardUnlinked(unlinked) => {
                self.change_wallet(user, |row, _| row.cards.retain(|card| card.id != unlinked.card))
            }
            WalletEvent::ArrivalChosen(chosen) => {
                self.change_wallet(user, |row, _| row.arrival_seconds = chosen.seconds)
            }
            WalletEvent::PinChanged(_)
            | WalletEvent::PinFailed(_)
            | WalletEvent::SpendingAuthorized(_)
            | WalletEvent::PayCodeIssued(_)
            | WalletEvent::PayCodePresented(_)
            | WalletEvent::WithdrawalFailed(_) => Ok(()),
        }
    }

    fn change_wallet(
        &mut self,
        user: UserId,
        change: impl FnOnce(&mut WalletRow, DateTime<Utc>),
    ) -> Result<(), ProjectionError> {
        let fresh = self.book.touched.wallets.get(&user).cloned();
        let row = match fresh {
            Some(row) => Some(row),
            None => self.tables.wallet(user)?,
        };
        let mut row = row.ok_or_else(|| self.fact.poison("a change of a wallet that is not open"))?;
        change(&mut row, self.fact.at());
        self.book.touched.wallets.insert(user, row);
        Ok(())
    }

    fn take_requested(&mut self, user: UserId, requested: &TopUpRequested) -> Result<(), ProjectionError> {
        let TopUpRequested { top_up, card, amount } = *requested;
        let row = TopUpRow { user, card, amount, at: self.fact.at(), state: TopUpState::Pending };
        self.book.keep_top_up(top_up, user);
        self.book.touched.top_ups.insert(top_up, row);
        Ok(())
    }

    /// Takes in what the bank made of a top-up; gives the card.
    fn settle_top_up(&mut self, id: PaymentId, state: TopUpState) -> Result<Option<domain::CardId>, ProjectionError> {
        let fresh = self.book.touched.top_ups.get(&id).cloned();
        let row = match fresh {
            Some(row) => Some(row),
            None => self.tables.top_up(id)?,
        };
        let Some(row) = row else { return Ok(None) };
        let card = row.card;
        self.book.drop_top_up(id);
        self.book.touched.top_ups.insert(id, TopUpRow { state, ..row });
        Ok(Some(card))
    }

    fn take_placed(&mut self, terms: Option<Terms>, entry: &Entry) -> Result<(), ProjectionError> {
        let terms = terms.ok_or_else(|| self.fact.poison("the entry holds nothing until a deadline"))?;
        let (kind, counterparty, note) = sent(&terms.purpose);
        let (hold, reference) = (terms.hold, reference_of(&terms));
        let row = HoldRow {
            terms,
            stage: Stage::Waiting,
            shares: vec![],
            returned: None,
            reference: None,
            over_at: None,
            shown: false,
        };
        self.book.keep(row);
        self.book.touched.holds.insert(hold);
        self.book_entry(entry, |_| About { kind, reference, counterparty: counterparty.clone(), note: note.clone() })
    }

    fn take_hold(&mut self, event: &HoldEvent) -> Result<(), ProjectionError> {
        let id = self.fact.stream_id("hold").map(HoldId).ok_or_else(|| self.fact.poison("the stream names no hold"))?;
        let Some(terms) = self.book.holds.get(&id).map(|row| row.terms.clone()) else {
            return Err(self.fact.poison("a second leg of what is not held"));
        };
        let at = self.fact.at();
        self.book.change(id, |row| match event {
            HoldEvent::TransferAccepted(accepted) => row.stage = Stage::Arriving(accepted.arrives_at),
            HoldEvent::HoldReleased(released) => {
                (row.stage, row.over_at, row.reference) = (Stage::Released, Some(at), released.reference.clone());
            }
            HoldEvent::HoldReturned(returned) => {
                (row.stage, row.over_at, row.returned) = (Stage::Returned, Some(at), Some(returned.reason.clone()));
            }
            HoldEvent::ShareOpened(opened) => {
                row.shares.push((Share { user: opened.user, amount: opened.amount }, at));
                if opened.last {
                    (row.stage, row.over_at) = (Stage::Released, Some(at));
                }
            }
        });
        let Some(entry) = event.entry() else { return Ok(()) };
        let returned = matches!(event, HoldEvent::HoldReturned(_));
        self.book_entry(entry, |_| came(&terms, returned))
    }

    fn take_order(&mut self, event: &OrderEvent) -> Result<(), ProjectionError> {
        let (id, entry, returned) = match event {
            OrderEvent::OrderPaid(paid) => (paid.hold, &paid.entry, None),
            OrderEvent::PaymentReturned(back) => {
                let (code, words) = (back.code.clone(), String::new());
                (back.hold, &back.entry, Some(ReturnReason::Refused { code, words }))
            }
            _ => return Ok(()),
        };
        let Some(terms) = self.book.holds.get(&id).map(|row| row.terms.clone()) else {
            return Err(self.fact.poison("a second leg of what is not held"));
        };
        let (at, back) = (self.fact.at(), returned.is_some());
        self.book.change(id, |row| {
            row.stage = if back { Stage::Returned } else { Stage::Released };
            (row.over_at, row.returned) = (Some(at), returned);
        });
        self.book_entry(entry, |_| came(&terms, back))
    }

    fn take_merchant(&mut self, event: &MerchantEvent) -> Result<(), ProjectionError> {
        let merchant = self.fact.stream_id("merchant").map(MerchantId);
        let merchant = merchant.ok_or_else(|| self.fact.poison("the stream names no merchant"))?;
        match event {
            MerchantEvent::Refunded(refunded) => self.take_refunded(merchant, refunded),
            MerchantEvent::WithdrawalPlaced(placed) => {
                self.take_placed(placed.terms(merchant, self.fact.at()), &placed.entry)
            }
            _ => Ok(()),
        }
    }

    fn take_refunded(&mut self, merchant: MerchantId, refunded: &Refunded) -> Result<(), ProjectionError> {
        let (reference, note) = (refunded.refund.0, &refunded.reason);
        self.book_entry(&refunded.entry, |owner| {
            let (kind, counterparty) = match owner {
                Payer::Person(_) => (LineKind::RefundReceived, Counterparty::Merchant { merchant }),
                Payer::Merchant(_) => (LineKind::RefundGiven, Counterparty::Person { user: refunded.payer }),
            };
            About { kind, reference, counterparty: Some(counterparty), note: note.clone() }
        })
    }

    /// Adds an entry to the sums of those whose accounts it touches, and a line to the statement of each.
    fn book_entry(&mut self, entry: &Entry, about: impl Fn(Payer) -> About) -> Result<(), ProjectionError> {
        for posting in entry.postings() {
            let Some(owner) = owner_of(posting) else { continue };
            let flow = self.book.flows.entry(owner).or_default();
            let amount = posting.amount();
            let side = if amount.is_positive() { &mut flow.debited } else { &mut flow.credited };
            let added = side.add(if amount.is_negative() { amount.negated() } else { amount });
            let balance = added.and_then(|()| flow.balance(amount.currency()));
            let balance = balance.map_err(|error| self.fact.poison(error.to_string()))?;
            self.book.touched.flows.insert(owner);
            let About { kind, reference, counterparty, note } = about(owner);
            let position = self.fact.position().0;
            // A biller has an account to be owed in, and no statement to read.
            if matches!(owner, Payer::Merchant(_)) && kind == LineKind::Bill {
                continue;
            }
            let line = Line {
                position,
                at: self.fact.at(),
                kind,
                amount: amount.negated(),
                balance,
                reference,
                counterparty,
                note,
            };
            self.rows.insert(&self.tables.lines, line_key(owner, position), to_json(&line)?);
        }
        Ok(())
    }
}

/// How the first leg of a hold stands in the payer's statement.
fn sent(purpose: &Purpose) -> (LineKind, Option<Counterparty>, String) {
    match purpose {
        Purpose::Transfer { to, note, .. } => {
            (LineKind::TransferSent, Some(Counterparty::Person { user: *to }), note.clone())
        }
        Purpose::RedPacket { conversation, greeting, .. } => (
            LineKind::RedPacketSent,
            Some(Counterparty::Conversation { conversation: *conversation }),
            greeting.clone(),
        ),
        Purpose::Withdrawal { card, .. } => {
            (LineKind::Withdrawal, Some(Counterparty::Card { card: *card }), String::new())
        }
        Purpose::Bill { biller, .. } => {
            (LineKind::Bill, Some(Counterparty::Biller { biller: biller.clone() }), String::new())
        }
        Purpose::Order { merchant, .. } => {
            (LineKind::Payment, Some(Counterparty::Merchant { merchant: *merchant }), String::new())
        }
    }
}

/// How the second leg of a hold stands in the statement of who gets the money.
fn came(terms: &Terms, returned: bool) -> About {
    let (_, counterparty, note) = sent(&terms.purpose);
    let payer = match terms.payer {
        Payer::Person(user) => Counterparty::Person { user },
        Payer::Merchant(merchant) => Counterparty::Merchant { merchant },
    };
    let kind = match (&terms.purpose, returned) {
        (Purpose::Transfer { .. }, false) => LineKind::TransferReceived,
        (Purpose::Transfer { .. }, true) => LineKind::TransferReturned,
        (Purpose::RedPacket { .. }, false) => LineKind::RedPacketReceived,
        (Purpose::RedPacket { .. }, true) => LineKind::RedPacketReturned,
        (Purpose::Withdrawal { .. }, false) => LineKind::Withdrawal,
        (Purpose::Withdrawal { .. }, true) => LineKind::WithdrawalReturned,
        (Purpose::Bill { .. }, false) => LineKind::Bill,
        (Purpose::Bill { .. }, true) => LineKind::BillReturned,
        (Purpose::Order { .. }, false) => LineKind::Sale,
        (Purpose::Order { .. }, true) => LineKind::PaymentReturned,
    };
    About {
        kind,
        reference: reference_of(terms),
        counterparty: if returned { counterparty } else { Some(payer) },
        note,
    }
}

fn owner_of(posting: &Posting) -> Option<Payer> {
    match posting.account() {
        Account::Wallet(id) => accounts::owner(id).map(Payer::Person),
        Account::Merchant(id) => Uuid::try_parse(id.as_str()).ok().map(MerchantId).map(Payer::Merchant),
        _ => None,
    }
}

/// By what people know it: an order's payment by the order.
fn reference_of(terms: &Terms) -> Uuid {
    match terms.purpose {
        Purpose::Order { order, .. } => order.0,
        _ => terms.hold.0,
    }
}
