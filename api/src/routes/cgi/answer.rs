//! What programs are answered.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use commands::CommandError;
use domain::Rejection;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::problem::Problem;

/// A refusal: its code and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The code, as the protocol has it.
    pub(super) code: i64,
    /// For people.
    pub(super) words: String,
}

/// What a call comes to.
pub(super) type Answered = Result<Value, Refusal>;

/// A refusal with that code.
pub(super) fn refused(code: i64, words: &str) -> Refusal {
    Refusal { code, words: words.to_owned() }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.words)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::OK
    }

    fn error_response(&self) -> HttpResponse {
        answer(Err(self.clone()))
    }
}

/// That a call did what it should.
pub(super) fn done() -> Value {
    json!({ "errcode": 0, "errmsg": "ok" })
}

/// An answer as programs get it: always with status 200.
pub(super) fn answer(answered: Answered) -> HttpResponse {
    let body = answered.unwrap_or_else(|Refusal { code, words }| json!({ "errcode": code, "errmsg": words }));
    HttpResponse::Ok().content_type("application/json; charset=utf-8").body(body.to_string())
}

/// A body, whatever content type it came with. A field that is null counts as one that is not there.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    if body.is_empty() {
        return Err(refused(44002, "empty post data"));
    }
    let value = serde_json::from_slice(body).and_then(|value| serde_json::from_value(without_nulls(value)));
    value.map_err(|error| refused(47001, &format!("data format error: {error}")))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let given = fields.into_iter().filter(|(_, value)| !value.is_null());
            given.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        let code = match &rejection {
            Rejection::ReplyWindowOver | Rejection::NotFollowed => 45015,
            Rejection::RepliesSpent { .. } => 45047,
            Rejection::TooLong { .. } => 45002,
            Rejection::ContentNotAllowed => 40008,
            Rejection::InvalidField { field: "text", .. } => 44004,
            _ => 47001,
        };
        Self { code, words: rejection.to_string() }
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Rejected(rejection) => rejection.into(),
            other => Problem::from(other).into(),
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        // 45009 is what programs know as "too often"; everything else is worth another try.
        let code = if problem.status == 429 { 45009 } else { -1 };
        Self { code, words: problem.detail }
    }
}

impl From<projections::ProjectionError> for Refusal {
    fn from(error: projections::ProjectionError) -> Self {
        Problem::from(error).into()
    }
}
