//! Banks and billers decide: what they say is taken into the wallet's or the hold's stream, once, however often it is
//! heard. Whatever is not known is asked for again, with the same request id, so nothing is done twice there either.

use domain::{
    HoldId, PaymentId, UserId, WalletEvent,
    hold::{Payer, Purpose, Terms},
    wallet::WithdrawalFailed,
};
use ledger::Money;

use crate::{
    Caller, CommandError, Commands,
    engine::Begun,
    gateways::{BankRequest, BillPayment, GatewayError, Outcome},
    ports::Unsettled,
};

impl Commands {
    /// Has the bank decide on a top-up. Nothing happens where that is done already, or the bank does not know yet.
    ///
    /// # Errors
    /// Whatever keeps the outcome from being taken in; the bank's silence is none.
    pub async fn settle_top_up(&self, user: UserId, top_up: PaymentId) -> Result<(), CommandError> {
        let Some(bank) = &self.bank else { return Ok(()) };
        let open = self
            .streams
            .wallets
            .look(user, |wallet| {
                let open = wallet.open_top_up(top_up)?;
                Some((open.amount, wallet.card_token(open.card)?.to_owned()))
            })
            .await?;
        let item = Unsettled::TopUp(user, top_up);
        let Some((amount, card_token)) = open else {
            self.pauses.forget(item);
            return Ok(());
        };
        let outcome = bank.collect(&BankRequest { request_id: top_up.0, card_token, amount }).await;
        let begun = Begun::unkeyed(&Caller::SERVER);
        match self.settled(item, outcome) {
            Settled::Done(reference) => {
                self.run(&self.streams.wallets, user, begun, |wallet, _| {
                    wallet.complete_top_up(user, top_up, &reference)
                })
                .await?;
            }
            Settled::Refused(code, words) => {
                self.run(&self.streams.wallets, user, begun, |wallet, _| {
                    Ok(wallet.decline_top_up(top_up, &code, &words))
                })
                .await?;
            }
            Settled::Later => {}
        }
        Ok(())
    }

    /// Has the bank, the biller or the order decide on a hold. Nothing happens where that is done already, where nobody outside
    /// decides, or where they don't know yet.
    ///
    /// # Errors
    /// Whatever keeps the outcome from being taken in; silence outside is none.
    pub async fn settle_hold(&self, hold: HoldId) -> Result<(), CommandError> {
        let terms = self.terms(hold).await?;
        if let Purpose::Order { order, .. } = terms.purpose {
            return self.settle_order(order, &terms).await.map(|_| ());
        }
        let item = Unsettled::Hold(hold);
        if self.streams.holds.look(hold, domain::Hold::is_over).await? {
            self.pauses.forget(item);
            return Ok(());
        }
        let Some(outcome) = self.ask_outside(&terms).await? else { return Ok(()) };
        match self.settled(item, outcome) {
            Settled::Done(reference) => {
                let begun = Begun::unkeyed(&Caller::SERVER);
                self.decide_hold(&terms, begun, |hold, _| hold.complete(&terms, &reference)).await?;
            }
            Settled::Refused(code, words) => {
                // First, so that a crash between the two leaves the hold to be settled again.
                if let (Payer::Person(user), Purpose::Withdrawal { amount, .. }) = (terms.payer, &terms.purpose) {
                    self.note_failed_withdrawal(user, hold, *amount).await?;
                }
                let begun = Begun::unkeyed(&Caller::SERVER);
                self.decide_hold(&terms, begun, |hold, _| hold.refuse(&terms, &code, &words)).await?;
            }
            Settled::Later => {}
        }
        Ok(())
    }

    /// Makes the request, or makes it again.
    async fn ask_outside(&self, terms: &Terms) -> Result<Option<Result<Outcome, GatewayError>>, CommandError> {
        let request_id = terms.hold.0;
        Ok(match &terms.purpose {
            Purpose::Withdrawal { card, amount, .. } => {
                let Some(bank) = &self.bank else { return Ok(None) };
                let Some(card_token) = self.card_token(terms.payer, *card).await? else { return Ok(None) };
                Some(bank.pay_out(&BankRequest { request_id, card_token, amount: *amount }).await)
            }
            Purpose::Bill { bill, .. } => {
                let Some(billers) = &self.billers else { return Ok(None) };
                Some(billers.pay(&BillPayment { request_id, bill: bill.clone(), amount: terms.amount }).await)
            }
            Purpose::Transfer { .. } | Purpose::RedPacket { .. } | Purpose::Order { .. } => None,
        })
    }

    async fn card_token(&self, payer: Payer, card: domain::CardId) -> Result<Option<String>, CommandError> {
        match payer {
            Payer::Person(user) => {
                self.streams.wallets.look(user, |wallet| wallet.card_token(card).map(ToOwned::to_owned)).await
            }
            Payer::Merchant(merchant) => {
                self.streams.merchants.look(merchant, |state| state.card_token(card).map(ToOwned::to_owned)).await
            }
        }
    }

    fn settled(&self, item: Unsettled, outcome: Result<Outcome, GatewayError>) -> Settled {
        let settled = match outcome {
            Ok(Outcome::Done { reference, .. }) => Settled::Done(reference),
            Ok(Outcome::Declined { code, reason }) | Err(GatewayError::Refused { code, reason }) => {
                Settled::Refused(code, reason)
            }
            Ok(Outcome::Pending) => Settled::Later,
            Err(error @ (GatewayError::Unavailable(_) | GatewayError::Unknown(_))) => {
                tracing::warn!(?item, %error, "not settled; it will be asked for again");
                Settled::Later
            }
        };
        match settled {
            Settled::Later => self.pauses.lengthen(item, self.now()),
            Settled::Done(_) | Settled::Refused(..) => self.pauses.forget(item),
        }
        settled
    }

    async fn note_failed_withdrawal(&self, user: UserId, hold: HoldId, amount: Money) -> Result<(), CommandError> {
        let caller = self.once("withdrawal failed", None, hold.0);
        let Some(begun) = self.begin_once::<WalletEvent>(&caller).await? else { return Ok(()) };
        self.run(&self.streams.wallets, user, begun, |_, _| Ok(vec![WithdrawalFailed { hold, amount }.into()])).await?;
        Ok(())
    }
}

/// What somebody outside made of a request.
enum Settled {
    /// Done, with their reference.
    Done(String),
    /// Refused for good, with their code and words.
    Refused(String, String),
    /// To be asked for again.
    Later,
}
