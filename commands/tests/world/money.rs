//! What is known of money, by going through the whole log.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use commands::{
    CommandError,
    ports::{Accounts, Unsettled},
};
use domain::{
    ConversationEvent, DomainEvent, HoldEvent, HoldId, MerchantId, OrderEvent, OrderId, UserId, WalletEvent,
    conversation::Content,
    hold::{Payer, Settler, Stage, Terms},
    merchant::Sale,
};
use eventlog::RecordedEvent;
use ledger::{Balances, Currency, Money};
use uuid::Uuid;

use super::Scan;

impl Scan {
    /// The balances by the ledger's own sums.
    pub(crate) fn balances(&self) -> Balances {
        let mut balances = Balances::default();
        for (_, event) in self.all() {
            if let Some(entry) = event.entry() {
                balances.post(entry).unwrap();
            }
        }
        balances
    }

    fn id(record: &RecordedEvent, category: &str) -> Option<Uuid> {
        record.stream().strip_prefix(category)?.strip_prefix('-')?.parse().ok()
    }

    fn placed(&self) -> Vec<Terms> {
        let terms = |(record, event): (RecordedEvent, DomainEvent)| match event {
            DomainEvent::Wallet(WalletEvent::HoldPlaced(placed)) => {
                let held = placed.entry.postings().iter().find(|posting| posting.account().is_hold()).unwrap();
                Some(Terms {
                    hold: placed.hold,
                    payer: Payer::Person(UserId(Self::id(&record, "wallet")?)),
                    purpose: placed.purpose.clone(),
                    amount: held.amount().negated(),
                    placed_at: record.time(),
                    deadline: DateTime::from_timestamp_micros(placed.entry.deadline()?.0)?,
                })
            }
            _ => None,
        };
        self.all().into_iter().filter_map(terms).collect()
    }

    fn stage(&self, hold: HoldId) -> Stage {
        let mut stage = Stage::Waiting;
        for (record, event) in self.all() {
            match &event {
                DomainEvent::Order(OrderEvent::OrderPaid(paid)) if paid.hold == hold => stage = Stage::Released,
                DomainEvent::Order(OrderEvent::PaymentReturned(back)) if back.hold == hold => stage = Stage::Returned,
                _ => {}
            }
            if Self::id(&record, "hold") != Some(hold.0) {
                continue;
            }
            match event {
                DomainEvent::Hold(HoldEvent::TransferAccepted(accepted)) => {
                    stage = Stage::Arriving(accepted.arrives_at)
                }
                DomainEvent::Hold(HoldEvent::HoldReleased(_)) => stage = Stage::Released,
                DomainEvent::Hold(HoldEvent::HoldReturned(_)) => stage = Stage::Returned,
                DomainEvent::Hold(HoldEvent::ShareOpened(opened)) if opened.last => stage = Stage::Released,
                _ => {}
            }
        }
        stage
    }

    fn open(&self) -> Vec<Terms> {
        let open = |terms: &Terms| !matches!(self.stage(terms.hold), Stage::Released | Stage::Returned);
        self.placed().into_iter().filter(open).collect()
    }
}

#[async_trait]
impl Accounts for Scan {
    fn credited(&self, owner: Payer, currency: Currency) -> Money {
        let account = owner.account();
        let mut sum = Money::zero(currency);
        for (_, event) in self.all() {
            let postings = event.entry().map(|entry| entry.postings().to_vec()).unwrap_or_default();
            for posting in postings.iter().filter(|posting| *posting.account() == account) {
                if posting.currency() == currency && posting.amount().is_negative() {
                    sum = sum.checked_sub(posting.amount()).unwrap();
                }
            }
        }
        sum
    }

    async fn catch_up(&self) -> Result<(), CommandError> {
        Ok(())
    }

    async fn terms(&self, hold: HoldId) -> Result<Option<Terms>, CommandError> {
        Ok(self.placed().into_iter().find(|terms| terms.hold == hold))
    }

    async fn holds_due(&self, by: DateTime<Utc>, limit: usize) -> Result<Vec<HoldId>, CommandError> {
        let due = |terms: &Terms| match self.stage(terms.hold) {
            Stage::Arriving(at) => at <= by,
            Stage::Waiting => terms.expires_at().is_some_and(|at| at <= by),
            Stage::Released | Stage::Returned => false,
        };
        Ok(self.open().into_iter().filter(due).take(limit).map(|terms| terms.hold).collect())
    }

    async fn unsettled(
        &self,
        by: Settler,
        after: Option<Unsettled>,
        limit: usize,
    ) -> Result<Vec<Unsettled>, CommandError> {
        let mut list: Vec<Unsettled> = vec![];
        for (record, event) in self.all() {
            match event {
                DomainEvent::Wallet(WalletEvent::TopUpRequested(asked)) => {
                    list.push(Unsettled::TopUp(UserId(Self::id(&record, "wallet").unwrap()), asked.top_up));
                }
                DomainEvent::Wallet(WalletEvent::ToppedUp(done)) => {
                    list.retain(|item| !matches!(item, Unsettled::TopUp(_, id) if *id == done.top_up));
                }
                DomainEvent::Wallet(WalletEvent::TopUpDeclined(done)) => {
                    list.retain(|item| !matches!(item, Unsettled::TopUp(_, id) if *id == done.top_up));
                }
                _ => {}
            }
        }
        list.retain(|_| by == Settler::Bank);
        let outside = |terms: &Terms| terms.purpose.settler() == Some(by);
        list.extend(self.open().into_iter().filter(outside).map(|terms| Unsettled::Hold(terms.hold)));
        list.sort();
        Ok(list.into_iter().filter(|item| after.is_none_or(|after| *item > after)).take(limit).collect())
    }

    async fn sale(&self, merchant: MerchantId, line: u64) -> Result<Option<Sale>, CommandError> {
        Ok(self.all().into_iter().find_map(|(record, event)| match event {
            DomainEvent::Wallet(WalletEvent::Paid(paid))
                if paid.merchant == merchant && record.position().0 == line =>
            {
                let payer = UserId(Self::id(&record, "wallet")?);
                let credit = paid.entry.postings().iter().find(|posting| posting.amount().is_negative())?;
                Some(Sale { paid: paid.payment.0, payer, amount: credit.amount().negated(), at: record.time() })
            }
            _ => None,
        }))
    }

    async fn pay_code(&self, hash: &str) -> Result<Option<UserId>, CommandError> {
        Ok(self.all().into_iter().find_map(|(record, event)| match event {
            DomainEvent::Wallet(WalletEvent::PayCodeIssued(issued)) if issued.code == hash => {
                Self::id(&record, "wallet").map(UserId)
            }
            _ => None,
        }))
    }

    async fn orders_due(&self, by: DateTime<Utc>, limit: usize) -> Result<Vec<OrderId>, CommandError> {
        let mut open: Vec<OrderId> = vec![];
        for (record, event) in self.all() {
            let Some(order) = Self::id(&record, "order").map(OrderId) else { continue };
            match event {
                DomainEvent::Order(OrderEvent::OrderCreated(created)) if created.closes_at <= by => open.push(order),
                DomainEvent::Order(OrderEvent::OrderPaid(_) | OrderEvent::OrderClosed(_)) => {
                    open.retain(|other| *other != order);
                }
                _ => {}
            }
        }
        open.truncate(limit);
        Ok(open)
    }

    async fn unshown(&self, limit: usize) -> Result<Vec<HoldId>, CommandError> {
        let shown: Vec<HoldId> = self
            .all()
            .into_iter()
            .filter_map(|(_, event)| match event {
                DomainEvent::Conversation(ConversationEvent::MessageSent(sent)) => match sent.content {
                    Content::Transfer { transfer: hold, .. } | Content::RedPacket { red_packet: hold, .. } => {
                        Some(hold)
                    }
                    _ => None,
                },
                _ => None,
            })
            .collect();
        let unshown = |terms: &Terms| terms.purpose.conversation().is_some() && !shown.contains(&terms.hold);
        Ok(self.open().into_iter().filter(unshown).take(limit).map(|terms| terms.hold).collect())
    }
}
