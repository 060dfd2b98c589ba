//! A transfer to a friend: accepted, returned, cancelled, or back after a day.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::Entry;

use super::{Hold, HoldEvent, HoldReleased, Payer, Purpose, ReturnReason, Stage, Terms, TransferAccepted};
use crate::{Rejection, UserId, accounts};

impl Hold {
    /// The payee accepts. The money arrives at once, or later where the payer wished so.
    ///
    /// # Errors
    /// [`Rejection::NotForYou`] for the payer, [`Rejection::HoldNotFound`] for anybody else, [`Rejection::HoldOver`].
    pub fn accept_transfer(&self, terms: &Terms, by: UserId, now: DateTime<Utc>) -> Result<Vec<HoldEvent>, Rejection> {
        let (to, arrival_seconds) = payee(terms)?;
        check_payee(terms, to, by)?;
        self.check_waiting(terms, now)?;
        if arrival_seconds > 0 {
            return Ok(vec![
                TransferAccepted { payer: terms.payer, to, arrives_at: now + TimeDelta::seconds(arrival_seconds) }
                    .into(),
            ]);
        }
        self.release_transfer(terms)
    }

    /// The payee does not want it.
    ///
    /// # Errors
    /// [`Rejection::NotForYou`] for the payer, [`Rejection::HoldNotFound`] for anybody else, [`Rejection::HoldOver`].
    pub fn return_transfer(&self, terms: &Terms, by: UserId, now: DateTime<Utc>) -> Result<Vec<HoldEvent>, Rejection> {
        check_payee(terms, payee(terms)?.0, by)?;
        self.check_waiting(terms, now)?;
        self.give_back(terms, ReturnReason::Declined)
    }

    /// The payer takes back what is accepted and has not arrived yet.
    ///
    /// # Errors
    /// [`Rejection::NotThePayer`] for the payee, [`Rejection::HoldNotFound`] for anybody else, [`Rejection::HoldOver`],
    /// [`Rejection::NotArriving`] for a transfer that only the payee or the clock can end.
    pub fn cancel_transfer(&self, terms: &Terms, by: UserId, now: DateTime<Utc>) -> Result<Vec<HoldEvent>, Rejection> {
        let (to, arrival_seconds) = payee(terms)?;
        if terms.payer != Payer::Person(by) {
            return Err(if to == by { Rejection::NotThePayer } else { Rejection::HoldNotFound });
        }
        match self.stage {
            Stage::Released | Stage::Returned => Err(Rejection::HoldOver),
            Stage::Arriving(at) if at <= now => Err(Rejection::HoldOver),
            Stage::Waiting if arrival_seconds == 0 => Err(Rejection::NotArriving),
            Stage::Waiting | Stage::Arriving(_) => self.give_back(terms, ReturnReason::Cancelled),
        }
    }

    /// Lets the money arrive.
    pub(super) fn release_transfer(&self, terms: &Terms) -> Result<Vec<HoldEvent>, Rejection> {
        let (to, _) = payee(terms)?;
        let entry = Entry::transfer(terms.account(), accounts::wallet(to), self.left(terms.amount))
            .map_err(Rejection::from_entry)?;
        Ok(vec![HoldReleased { payer: terms.payer, reference: None, entry }.into()])
    }

    /// Checks that nothing is decided yet and the time for it is not over.
    pub(super) fn check_waiting(&self, terms: &Terms, now: DateTime<Utc>) -> Result<(), Rejection> {
        let in_time = self.due(terms).is_some_and(|due| now < due);
        if self.stage == Stage::Waiting && in_time { Ok(()) } else { Err(Rejection::HoldOver) }
    }
}

/// Checks that somebody is the payee. The payer knows of the transfer; to others there is none.
fn check_payee(terms: &Terms, to: UserId, by: UserId) -> Result<(), Rejection> {
    match terms.payer {
        _ if to == by => Ok(()),
        Payer::Person(payer) if payer == by => Err(Rejection::NotForYou),
        _ => Err(Rejection::HoldNotFound),
    }
}

fn payee(terms: &Terms) -> Result<(UserId, i64), Rejection> {
    match &terms.purpose {
        Purpose::Transfer { to, arrival_seconds, .. } => Ok((*to, *arrival_seconds)),
        _ => Err(Rejection::HoldNotFound),
    }
}
