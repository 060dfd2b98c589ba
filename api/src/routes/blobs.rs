//! The bytes of media, by links that need no token and end after a while.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    get,
    http::{
        StatusCode,
        header::{
            self, ContentDisposition, DispositionParam, DispositionType, ETag, EntityTag, Header, IfNoneMatch, IfRange,
            Range,
        },
    },
    web,
};
use commands::media::SmallerForm;
use domain::{MediumKind, Rejection, medium::Uploaded};
use utoipa_actix_web::service_config::ServiceConfig;

use super::paths::BlobPath;
use crate::{
    App,
    media_access::{Form, may_see},
    problem::{Code, Problem, Refusals},
};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(blob);
}

/// The bytes of a medium, by a link that the server gave; ranges and `If-None-Match` are taken. The link is worth as much
/// as a token for this one medium, until it ends, or whom it was given to may no longer see what carries the medium.
#[utoipa::path(tag = "media", params(BlobPath), security(()),
    responses(
        (status = 200, description = "The bytes.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "Some of the bytes.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "They are as they were."),
        (status = 416, description = "There is no such range."), Refusals))]
#[get("/v1/blobs/{ticket}")]
async fn blob(request: HttpRequest, path: web::Path<BlobPath>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let not_found = || Problem::from(Rejection::MediumNotFound);
    let ticket = app.commands.secrets.open_media_ticket(&path.ticket).ok_or_else(not_found)?;
    app.limits.download(&ticket.viewer)?;
    let now = app.commands.now();
    if ticket.expires_at <= now {
        return Err(Problem::new(Code::LinkExpired, "this link has ended; ask for a new one"));
    }
    if !may_see(&app, ticket.viewer, ticket.place, ticket.medium).await? {
        return Err(not_found());
    }
    let uploaded = app.commands.medium(ticket.medium).await?.ok_or_else(not_found)?;
    let form = Form::numbered(ticket.form).ok_or_else(not_found)?;
    let tag = EntityTag::new_strong(format!("{}-{}", uploaded.hash, ticket.form));
    let mut answer = HttpResponse::Ok();
    let seconds = (ticket.expires_at - now).num_seconds();
    answer
        .insert_header(ETag(tag.clone()))
        .insert_header((header::CACHE_CONTROL, format!("private, max-age={seconds}, immutable")));
    match form {
        Form::Original => as_brought(&request, &app, &uploaded, &tag, answer).await,
        Form::Smaller(_) if has_already(&request, &tag, &mut answer) => Ok(answer.finish()),
        Form::Smaller(form) if uploaded.kind == MediumKind::Picture => smaller(&app, &uploaded, form, answer).await,
        Form::Smaller(_) => Err(not_found()),
    }
}

/// The bytes of a medium as they were brought, or what is wanted of them. Whoever asks must have been found to see it.
pub(super) async fn as_brought(
    request: &HttpRequest,
    app: &App,
    uploaded: &Uploaded,
    tag: &EntityTag,
    mut answer: HttpResponseBuilder,
) -> Result<HttpResponse, Problem> {
    if has_already(request, tag, &mut answer) {
        return Ok(answer.finish());
    }
    original(request, app, uploaded, tag, answer).await
}

/// Whether the client has the bytes already, which the answer then says. Whatever they are: they are no page, and run
/// nothing.
fn has_already(request: &HttpRequest, tag: &EntityTag, answer: &mut HttpResponseBuilder) -> bool {
    answer
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"));
    let has = IfNoneMatch::parse(request).is_ok_and(|seen| is_among(tag, &seen));
    if has {
        answer.status(StatusCode::NOT_MODIFIED);
    }
    has
}

fn is_among(tag: &EntityTag, seen: &IfNoneMatch) -> bool {
    match seen {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|other| other.weak_eq(tag)),
    }
}

async fn smaller(
    app: &App,
    uploaded: &Uploaded,
    form: SmallerForm,
    mut answer: HttpResponseBuilder,
) -> Result<HttpResponse, Problem> {
    let made = app.commands.store.smaller(&uploaded.hash, form).await?;
    Ok(answer.content_type(made.content_type).body(made.bytes))
}

async fn original(
    request: &HttpRequest,
    app: &App,
    uploaded: &Uploaded,
    tag: &EntityTag,
    mut answer: HttpResponseBuilder,
) -> Result<HttpResponse, Problem> {
    let bytes = uploaded.facts.bytes;
    answer.insert_header((header::ACCEPT_RANGES, "bytes"));
    let range = match wanted(request, tag, bytes) {
        Wanted::All => 0..bytes,
        Wanted::Some(range) => {
            let last = range.end.saturating_sub(1);
            answer.status(StatusCode::PARTIAL_CONTENT);
            answer.insert_header((header::CONTENT_RANGE, format!("bytes {}-{last}/{bytes}", range.start)));
            range
        }
        Wanted::Nothing => {
            let refused = HttpResponse::build(StatusCode::RANGE_NOT_SATISFIABLE)
                .insert_header((header::CONTENT_RANGE, format!("bytes */{bytes}")))
                .finish();
            return Ok(refused);
        }
    };
    let length = range.end - range.start;
    let chunks = app.commands.store.read(&uploaded.hash, range).await?;
    let chunks = chunks.ok_or_else(|| {
        tracing::error!(hash = %uploaded.hash, "the bytes of a medium are not there");
        Problem::no_event()
    })?;
    Ok(answer
        .content_type(uploaded.facts.content_type.as_str())
        .insert_header(disposition(uploaded))
        .body(SizedStream::new(length, chunks)))
}

/// Which bytes are wanted.
enum Wanted {
    All,
    Some(std::ops::Range<u64>),
    /// Some that there are not.
    Nothing,
}

fn wanted(request: &HttpRequest, tag: &EntityTag, bytes: u64) -> Wanted {
    // Of several ranges, or in units that nobody knows, all is given.
    let Ok(Range::Bytes(ranges)) = Range::parse(request) else { return Wanted::All };
    let [range] = ranges.as_slice() else { return Wanted::All };
    if request.headers().contains_key(header::IF_RANGE) {
        match IfRange::parse(request) {
            Ok(IfRange::EntityTag(seen)) if seen.strong_eq(tag) => {}
            _ => return Wanted::All,
        }
    }
    match range.to_satisfiable_range(bytes) {
        Some((first, last)) => Wanted::Some(first..last + 1),
        None => Wanted::Nothing,
    }
}

/// Pictures, sound and films may be shown where they stand; files are saved, under their name.
fn disposition(uploaded: &Uploaded) -> ContentDisposition {
    if uploaded.kind != MediumKind::File {
        return ContentDisposition { disposition: DispositionType::Inline, parameters: vec![] };
    }
    let name = uploaded.facts.name.clone();
    let ascii: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._- ".contains(c) { c } else { '_' }).collect();
    let extended = header::ExtendedValue {
        charset: header::Charset::Ext("UTF-8".into()),
        language_tag: None,
        value: name.into_bytes(),
    };
    let parameters = vec![DispositionParam::Filename(ascii), DispositionParam::FilenameExt(extended)];
    ContentDisposition { disposition: DispositionType::Attachment, parameters }
}
