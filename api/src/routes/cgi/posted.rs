//! What programs post.

use std::ops::Deref;

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::StatusCode, web::Bytes};
use futures::future::LocalBoxFuture;

use super::answer::{Refusal, refused};
use crate::{problem::Problem, request, standstill};

/// The body of a call, which has to arrive in time as every body does.
#[derive(Debug)]
pub(super) struct Posted(Bytes);

impl Deref for Posted {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl FromRequest for Posted {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, bytes) = (request.clone(), Bytes::from_request(request, payload));
        Box::pin(async move {
            let bytes = standstill::body(request::app(&request)?, bytes).await;
            bytes.map(Self).map_err(not_arrived)
        })
    }
}

/// What is too large or can't be read never will be; what came too slowly may come another time.
fn not_arrived(problem: Problem) -> Refusal {
    match problem.status {
        status if status == StatusCode::REQUEST_TIMEOUT.as_u16() => problem.into(),
        _ => refused(47001, &format!("data format error: {}", problem.detail)),
    }
}
