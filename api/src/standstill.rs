//! Clients that stand still: how long one may hold a connection without taking what it is sent, or without sending what
//! it announced, and how such a connection ends.

use std::{
    any::Any,
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpMessage, HttpRequest,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::StatusCode,
    rt::net::TcpStream,
    web::Bytes,
};
use futures::Stream;

use crate::{
    App,
    problem::{Code, Problem},
};

/// Has the system end a connection whose client takes nothing of what it was sent for so long. Nothing here could: what
/// waits to be sent keeps a connection that the server has ended, its buffers with it.
pub(crate) fn end_when_nothing_is_taken(connection: &dyn Any, limit: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limit))
    {
        tracing::debug!(%error, "a client that stands still is waited for");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (connection, limit);
}

/// The body of a request, which has to arrive in time.
///
/// # Errors
/// 408 where it doesn't, 413 where it is too large, 400 where it can't be read.
pub(crate) async fn body(
    app: &App,
    body: impl Future<Output = Result<Bytes, actix_web::Error>>,
) -> Result<Bytes, Problem> {
    let seconds = app.options.body_seconds;
    let arrived = tokio::time::timeout(Duration::from_secs(seconds), body).await;
    let arrived = arrived.map_err(|_| {
        let rule = format!("the body of a request has to arrive within {seconds} seconds");
        Problem::new(Code::BodyTooSlow, rule)
    })?;
    arrived.map_err(|error| {
        let code = match error.as_response_error().status_code() {
            StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
            _ => Code::InvalidBody,
        };
        Problem::new(code, error.to_string())
    })
}

/// A body in chunks, held until the answer is sent: of one that was let go before, the HTTP library waits for the rest
/// without a limit; with one that is still held it ends the connection.
#[derive(Clone)]
pub(crate) struct Chunked(Rc<RefCell<Payload>>);

impl Chunked {
    /// Holds the body of a request, if it comes in chunks. Handlers read it as they would otherwise.
    pub(crate) fn hold(request: &mut ServiceRequest) -> Option<Self> {
        if !is_chunked(request.request()) {
            return None;
        }
        let held = Self(Rc::new(RefCell::new(request.take_payload())));
        request.set_payload(Payload::Stream { payload: Box::pin(held.clone()) });
        Some(held)
    }

    /// Holds it as long as the answer is being sent.
    pub(crate) fn until_sent(self, answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        answer.map_body(|_, body| Answer { body, _request: self }.boxed())
    }
}

fn is_chunked(request: &HttpRequest) -> bool {
    request.chunked().unwrap_or(false)
}

impl Stream for Chunked {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// An answer that holds the body of its request.
struct Answer {
    body: BoxBody,
    _request: Chunked,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
