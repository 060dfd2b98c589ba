//! What is answered where a request gets to no call: with status 200 and an `errcode`, as everywhere under `/cgi-bin`.

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode},
    middleware::Next,
};

use super::answer::{answer, refused};

/// There is no such call, or not by that method.
#[allow(clippy::unused_async, reason = "handlers are async")]
pub(super) async fn unknown(request: HttpRequest) -> HttpResponse {
    let refusal = match (request.match_pattern(), request.method()) {
        (None, _) => refused(40066, "invalid url"),
        (Some(_), &Method::POST) => refused(43001, "require GET method"),
        (Some(_), _) => refused(43002, "require POST method"),
    };
    answer(Err(refusal))
}

/// Says in the protocol's words why a query or a body was not read.
pub(super) async fn in_its_words(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answered = next.call(request).await?.map_into_boxed_body();
    if !matches!(answered.status(), StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE) {
        return Ok(answered);
    }
    let words = answered.response().error().map_or_else(|| "data format error".to_owned(), ToString::to_string);
    Ok(answered.into_response(answer(Err(refused(47001, &words)))))
}
