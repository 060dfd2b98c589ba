//! Extractors: who calls, with what body, and how a repetition of the call is known.

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use commands::{Caller, CommandError, CommandKey, people::Session};
use domain::{CommandId, UserId};
use eventlog::Position;
use futures::future::LocalBoxFuture;
use ledger::{Currency, Money, MoneyError};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    App,
    problem::{Code, Problem},
    standstill,
};

/// Longest idempotency key, in characters.
const KEY_CHARS: usize = 255;

/// A logged-in person who asks for something.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// The person.
    pub user: UserId,
    /// From where.
    pub session: Session,
    /// The answer must be at or after this position.
    pub at_least: Position,
}

/// A logged-in person who wants something done.
#[derive(Debug)]
pub struct Command<T> {
    /// The person.
    pub user: UserId,
    /// The person, device and idempotency key.
    pub caller: Caller,
    /// What they want.
    pub body: T,
}

impl<T> Command<T> {
    /// The caller, who must have given an idempotency key: where money moves, a request that was sent twice must be
    /// known for it.
    ///
    /// # Errors
    /// 400 without one.
    pub fn keyed(&self) -> Result<&Caller, Problem> {
        let rule = "where money moves, an Idempotency-Key is required";
        self.caller.key.map(|_| &self.caller).ok_or_else(|| Problem::new(Code::KeyRequired, rule))
    }
}

/// A logged-in person who brings bytes, which are not read yet.
#[derive(Clone, Copy, Debug)]
pub struct Bringer {
    /// The person.
    pub user: UserId,
    session: Session,
}

impl Bringer {
    /// The person, device and idempotency key, once it is known what was brought: `told` stands for the body.
    ///
    /// # Errors
    /// 400 for a key that is none.
    pub fn caller(&self, app: &App, request: &HttpRequest, told: &[u8]) -> Result<Caller, Problem> {
        let Session { user, device } = self.session;
        Ok(Caller { user: Some(user), device: Some(device), key: key(app, request, user.0, told)? })
    }

    /// The command that the idempotency key names, before it is known what is brought.
    ///
    /// # Errors
    /// 400 for a key that is none.
    pub fn command(&self, request: &HttpRequest) -> Result<Option<CommandId>, Problem> {
        Ok(header_key(request)?.map(|key| CommandId::keyed(self.user.0, &key)))
    }
}

/// Somebody not known yet who wants something done.
#[derive(Debug)]
pub struct Anonymous<T> {
    /// The idempotency key.
    pub caller: Caller,
    /// What they want.
    pub body: T,
}

/// The operator of the server.
#[derive(Debug)]
pub struct Operator<T> {
    /// Nobody in particular, with the idempotency key.
    pub caller: Caller,
    /// What they want.
    pub body: T,
}

/// A request without a body; whatever is sent is left unread.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBody;

/// A body that a request may have.
pub trait Body: Sized + 'static {
    /// Reads it.
    ///
    /// # Errors
    /// 400 where it is not what it should be.
    fn read(bytes: &[u8]) -> Result<Self, Problem>;
}

/// A request of somebody not known yet, about a handle.
pub trait AboutHandle {
    /// The handle.
    fn handle(&self) -> &str;
}

impl<T: AboutHandle> AboutHandle for web::Json<T> {
    fn handle(&self) -> &str {
        self.0.handle()
    }
}

impl Body for NoBody {
    fn read(_: &[u8]) -> Result<Self, Problem> {
        Ok(Self)
    }
}

impl<T: DeserializeOwned + 'static> Body for web::Json<T> {
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        // Every body is an object. An array would be taken for its fields in their order, which is nobody's contract.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|first| *first == b'[') {
            return Err(Problem::new(Code::InvalidBody, "the body is a JSON object"));
        }
        let read = serde_json::from_slice(bytes).map(web::Json);
        read.map_err(|error| match refused_amount(bytes) {
            Some(refused) => Problem::new(Code::InvalidAmount, refused.to_string()),
            None => Problem::new(Code::InvalidBody, error.to_string()),
        })
    }
}

/// Why an amount of a body that could not be read is none.
fn refused_amount(body: &[u8]) -> Option<MoneyError> {
    fn search(value: &Value) -> Option<MoneyError> {
        match value {
            Value::Object(fields) => {
                let currency = fields.get("currency").and_then(|code| Currency::deserialize(code).ok());
                let amount = fields.get("amount").filter(|amount| amount.is_string() || amount.is_number());
                let refused = amount.zip(currency).and_then(|(amount, currency)| match amount {
                    Value::String(text) => Money::parse(text, currency).err(),
                    _ => Some(MoneyError::NotAnAmount),
                });
                refused.or_else(|| fields.values().find_map(search))
            }
            Value::Array(items) => items.iter().find_map(search),
            _ => None,
        }
    }
    search(&serde_json::from_slice(body).ok()?)
}

impl FromRequest for Reader {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = app(&request)?;
            let at_least = at_least(&request)?;
            let session = session(app, &request, at_least).await?;
            app.limits.query(&session.user)?;
            Ok(Self { user: session.user, session, at_least })
        })
    }
}

impl FromRequest for Bringer {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let session = session(app(&request)?, &request, at_least(&request)?).await?;
            Ok(Self { user: session.user, session })
        })
    }
}

impl<T: Body> FromRequest for Command<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, bytes) = (request.clone(), web::Bytes::from_request(request, payload));
        Box::pin(async move {
            let app = app(&request)?;
            let Session { user, device } = session(app, &request, at_least(&request)?).await?;
            let bytes = standstill::body(app, bytes).await?;
            let key = key(app, &request, user.0, &bytes)?;
            let caller = Caller { user: Some(user), device: Some(device), key };
            Ok(Self { user, caller, body: T::read(&bytes)? })
        })
    }
}

impl<T: Body + AboutHandle> FromRequest for Anonymous<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, bytes) = (request.clone(), web::Bytes::from_request(request, payload));
        Box::pin(async move {
            let app = app(&request)?;
            let bytes = standstill::body(app, bytes).await?;
            let body = T::read(&bytes)?;
            // Nobody is known yet, so keys are kept apart by the handle that the request is about, whatever its case.
            let handle = body.handle().to_lowercase();
            let scope = app.commands.secrets.fingerprint("", "handle", handle.as_bytes());
            let key = key(app, &request, Uuid::from_bytes(scope), &bytes)?;
            Ok(Self { caller: Caller { user: None, device: None, key }, body })
        })
    }
}

impl<T: Body> FromRequest for Operator<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, bytes) = (request.clone(), web::Bytes::from_request(request, payload));
        Box::pin(async move {
            let app = app(&request)?;
            if !bearer(&request).is_some_and(|token| app.is_operator(token)) {
                return Err(CommandError::NotLoggedIn.into());
            }
            let bytes = standstill::body(app, bytes).await?;
            let key = key(app, &request, Uuid::nil(), &bytes)?;
            Ok(Self { caller: Caller { user: None, device: None, key }, body: T::read(&bytes)? })
        })
    }
}

/// The shared state of the server that answers this request.
///
/// # Errors
/// 500 where the server was put together wrongly.
pub fn app(request: &HttpRequest) -> Result<&App, Problem> {
    let app = request.app_data::<web::Data<App>>();
    app.map(|app| app.get_ref()).ok_or_else(|| Problem::new(Code::Internal, "the server has no state"))
}

/// The bearer token of a request.
#[must_use]
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Who calls, by all that the client has seen: a device that was logged out by then is out here too.
async fn session(app: &App, request: &HttpRequest, at_least: Position) -> Result<Session, Problem> {
    let token = bearer(request).ok_or(CommandError::NotLoggedIn)?;
    let session = app.commands.authenticate(token).await?;
    if at_least <= app.log.last_position() {
        return Ok(session);
    }
    // Only somebody who is known makes the server wait.
    app.check_not_ahead(at_least).await?;
    Ok(app.commands.authenticate(token).await?)
}

/// The idempotency key of a request: its `Idempotency-Key` header within a scope.
fn key(app: &App, request: &HttpRequest, scope: Uuid, body: &[u8]) -> Result<Option<CommandKey>, Problem> {
    Ok(header_key(request)?.map(|key| command_key(app, request, scope, &key, body)))
}

/// What the `Idempotency-Key` header of a request says.
fn header_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let mut values = request.headers().get_all("idempotency-key");
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().unwrap_or_default().trim();
    let printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if key.is_empty() || key.len() > KEY_CHARS || !printable || values.next().is_some() {
        let rule = "an Idempotency-Key has 1 to 255 printable ASCII characters, and a request has one";
        return Err(Problem::new(Code::InvalidKey, rule));
    }
    Ok(Some(format!("header {key}")))
}

/// The key of a command, with the fingerprint of the request that carries it.
pub(crate) fn command_key(app: &App, request: &HttpRequest, scope: Uuid, key: &str, body: &[u8]) -> CommandKey {
    let fingerprint = app.commands.secrets.fingerprint(request.method().as_str(), request.path(), body);
    CommandKey { id: CommandId::keyed(scope, key), fingerprint }
}

/// The position that a reader has seen already, from the header `Teahouse-At-Least`.
fn at_least(request: &HttpRequest) -> Result<Position, Problem> {
    let Some(value) = request.headers().get("teahouse-at-least") else { return Ok(Position::START) };
    let position = value.to_str().ok().and_then(|value| value.parse().ok());
    position.map(Position).ok_or_else(|| Problem::new(Code::InvalidPosition, "Teahouse-At-Least is no position"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Pair {
        one: u8,
        other: Option<u8>,
    }

    #[derive(Debug, Deserialize)]
    struct Priced {
        #[allow(dead_code, reason = "it is read or refused")]
        price: Money,
    }

    #[test]
    fn an_amount_that_is_none_is_named_and_other_faults_are_not_taken_for_it() {
        for amount in [r#""1e30""#, r#""12.345""#, r#""999999999999999999999999999999""#, "12.30"] {
            let body = format!(r#"{{"price":{{"amount":{amount},"currency":"CNY"}}}}"#);
            let refused = web::Json::<Priced>::read(body.as_bytes()).unwrap_err();
            assert_eq!((refused.status, refused.code.as_str()), (400, "invalid-amount"), "{amount}");
        }
        for body in [r#"{"price":{"amount":"12.30","currency":"XXY"}}"#, r#"{"price":{"amount":"12.30"}}"#, "{}", "{"] {
            assert_eq!(web::Json::<Priced>::read(body.as_bytes()).unwrap_err().code, "invalid-body", "{body}");
        }
    }

    #[test]
    fn a_body_is_an_object_and_its_fields_have_names() {
        let pair = web::Json::<Pair>::read(br#" {"one": 1}"#).unwrap();
        assert_eq!((pair.one, pair.other), (1, None));
        for wrong in [r#"[1, 2]"#, r#" [1, null]"#, "1", "null", "", "{"] {
            assert_eq!(web::Json::<Pair>::read(wrong.as_bytes()).unwrap_err().status, 400, "{wrong}");
        }
    }
}
