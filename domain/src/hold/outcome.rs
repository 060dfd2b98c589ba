//! What the world outside, or the clock, makes of a hold.

use chrono::{DateTime, Utc};
use ledger::{Account, Entry, Posting};

use super::{Hold, HoldEvent, HoldReleased, HoldReturned, Purpose, ReturnReason, Stage, Terms};
use crate::{Rejection, accounts};

impl Hold {
    /// The bank or the biller has done its part. Heard twice, it counts once.
    ///
    /// # Errors
    /// An entry that the ledger does not take; a hold that nobody outside decides on.
    pub fn complete(&self, terms: &Terms, reference: &str) -> Result<Vec<HoldEvent>, Rejection> {
        if self.is_over() {
            return Ok(vec![]);
        }
        let debit = Posting::debit(terms.account(), terms.amount);
        let entry = match &terms.purpose {
            Purpose::Withdrawal { amount, fee, .. } => debit.and_then(|debit| {
                let mut postings = vec![debit, Posting::credit(Account::Settlement, *amount)?];
                if fee.is_positive() {
                    postings.push(Posting::credit(accounts::withdrawal_fees(), *fee)?);
                }
                Entry::new(postings)
            }),
            Purpose::Bill { biller, .. } => Entry::transfer(terms.account(), accounts::biller(biller), terms.amount),
            Purpose::Transfer { .. } | Purpose::RedPacket { .. } | Purpose::Order { .. } => {
                return Err(Rejection::HoldOver);
            }
        };
        let entry = entry.map_err(Rejection::from_entry)?;
        Ok(vec![HoldReleased { payer: terms.payer, reference: Some(reference.to_owned()), entry }.into()])
    }

    /// The bank, the biller or the order has refused: everything goes back. Heard twice, it counts once.
    ///
    /// # Errors
    /// An entry that the ledger does not take.
    pub fn refuse(&self, terms: &Terms, code: &str, words: &str) -> Result<Vec<HoldEvent>, Rejection> {
        if self.is_over() {
            return Ok(vec![]);
        }
        self.give_back(terms, ReturnReason::Refused { code: code.to_owned(), words: words.to_owned() })
    }

    /// Does what the clock asks for: lets an accepted transfer arrive, gives back what nobody took. Where nothing is due,
    /// nothing happens.
    ///
    /// # Errors
    /// An entry that the ledger does not take.
    pub fn fall_due(&self, terms: &Terms, now: DateTime<Utc>) -> Result<Vec<HoldEvent>, Rejection> {
        match (self.due(terms), self.stage) {
            (Some(due), _) if due > now => Ok(vec![]),
            (Some(_), Stage::Arriving(_)) => self.release_transfer(terms),
            (Some(_), _) => self.give_back(terms, ReturnReason::Expired),
            (None, _) => Ok(vec![]),
        }
    }

    /// When the clock has to look at it again; none once it is over, or where somebody outside decides.
    #[must_use]
    pub fn due(&self, terms: &Terms) -> Option<DateTime<Utc>> {
        match self.stage {
            Stage::Arriving(at) => Some(at),
            Stage::Waiting => terms.expires_at(),
            Stage::Released | Stage::Returned => None,
        }
    }

    /// Gives what is left back to the payer.
    pub(super) fn give_back(&self, terms: &Terms, reason: ReturnReason) -> Result<Vec<HoldEvent>, Rejection> {
        let left = self.left(terms.amount);
        let entry = Entry::transfer(terms.account(), terms.payer.account(), left).map_err(Rejection::from_entry)?;
        Ok(vec![HoldReturned { payer: terms.payer, reason, to: terms.purpose.payee(), entry }.into()])
    }
}
