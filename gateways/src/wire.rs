//! What travels, and checking that an answer belongs to its request.

use chrono::{DateTime, Utc};
use commands::gateways::{GatewayError, Outcome};
use ledger::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::http::presentable;

/// Longest reference of the other side, in bytes.
const REFERENCE_BYTES: usize = 64;

/// A request to move money.
#[derive(Serialize)]
pub(crate) struct Order<'a> {
    pub(crate) request_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) card_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bill: Option<&'a str>,
    pub(crate) amount: Money,
}

/// What became of it.
#[derive(Deserialize)]
pub(crate) struct Answer {
    request_id: Uuid,
    amount: Money,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Verdict {
    Done { reference: String, at: DateTime<Utc> },
    Declined { code: String, reason: String },
    Pending,
}

impl Answer {
    /// The outcome, if this answers that request.
    pub(crate) fn to(self, request_id: Uuid, amount: Option<Money>) -> Result<Outcome, GatewayError> {
        if self.request_id != request_id {
            return Err(contradiction(request_id, "the answer is to another request"));
        }
        if amount.is_some_and(|amount| amount != self.amount) {
            return Err(contradiction(request_id, "the answer names another amount"));
        }
        match self.verdict {
            Verdict::Done { reference, at } if is_reference(&reference) => Ok(Outcome::Done { reference, at }),
            Verdict::Done { .. } => Err(contradiction(request_id, "done, with a reference that is none")),
            Verdict::Declined { code, reason } => {
                Ok(Outcome::Declined { code: presentable(&code), reason: presentable(&reason) })
            }
            Verdict::Pending => Ok(Outcome::Pending),
        }
    }
}

fn is_reference(text: &str) -> bool {
    (1..=REFERENCE_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The other side says what can't be. Nobody knows then what it did, and somebody should look.
pub(crate) fn contradiction(request: impl std::fmt::Display, what: &str) -> GatewayError {
    tracing::error!(%request, what, "A GATEWAY CONTRADICTS A REQUEST: look at both sides' books");
    GatewayError::Unknown(what.to_owned())
}

/// An outcome is asked for by a request's id: refused as unknown means that there is none.
pub(crate) fn outcome_of(
    answered: Result<Answer, GatewayError>,
    request_id: Uuid,
) -> Result<Option<Outcome>, GatewayError> {
    match answered {
        Ok(answer) => answer.to(request_id, None).map(Some),
        Err(GatewayError::Refused { code, .. }) if code == "unknown-request" => Ok(None),
        Err(GatewayError::Refused { code, reason }) => Err(GatewayError::Unknown(format!("{code}: {reason}"))),
        Err(error) => Err(error),
    }
}

/// Money is moved or declined; a refusal in any other form says nothing about the outcome.
pub(crate) fn moved(
    answered: Result<Answer, GatewayError>,
    request_id: Uuid,
    amount: Money,
) -> Result<Outcome, GatewayError> {
    match answered {
        Ok(answer) => answer.to(request_id, Some(amount)),
        Err(GatewayError::Refused { code, reason }) => Err(contradiction(request_id, &format!("{code}: {reason}"))),
        Err(error) => Err(error),
    }
}
