//! Pictures, voice and video that programs bring, and those that followers sent.

use actix_multipart::Multipart;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ETag, EntityTag},
    web,
};
use commands::{
    Caller, CommandError,
    media::{Claim, Receiving},
};
use domain::{MediumEvent, MediumId, MediumKind, OfficialAccountId, Rejection, medium::Uploaded};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    super::{blobs, media},
    answer::{Refusal, answer, refused},
    token::{Access, account},
};
use crate::{App, limits::Limits, media_access::may_see, query::Query};

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/media/upload", web::post().to(upload)).route("/media/get", web::get().to(get));
    config.route("/media/uploadimg", web::post().to(upload_picture));
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    #[serde(rename = "type")]
    kind: String,
    media_id: String,
}

/// A refusal in the words of this part of the protocol.
fn refusal_of(error: CommandError) -> Refusal {
    match error {
        CommandError::Rejected(rejection) => match &rejection {
            Rejection::MediumTooLarge { .. } => refused(40006, &rejection.to_string()),
            Rejection::MediumUnsupported { .. } | Rejection::MediumBroken { .. } => {
                refused(40005, &rejection.to_string())
            }
            _ => rejection.into(),
        },
        other => other.into(),
    }
}

async fn upload(
    request: HttpRequest,
    access: Query<Access>,
    asked: Query<Asked>,
    body: web::Payload,
    app: web::Data<App>,
) -> HttpResponse {
    let uploaded = async {
        let account = account(&app, &access, Limits::upload).await?;
        let kind = match asked.kind.as_str() {
            "image" | "thumb" => MediumKind::Picture,
            "voice" => MediumKind::Voice,
            "video" => MediumKind::Video,
            _ => return Err(refused(40004, "invalid media type")),
        };
        let (medium, created_at) = brought(&app, &request, account, kind, body).await?;
        let name = if asked.kind == "thumb" { "thumb_media_id" } else { "media_id" };
        Ok(json!({ "type": asked.kind, name: medium, "created_at": created_at }))
    };
    answer(uploaded.await)
}

/// Pictures within articles. What comes back stands in the article's HTML as the picture's source.
async fn upload_picture(
    request: HttpRequest,
    access: Query<Access>,
    body: web::Payload,
    app: web::Data<App>,
) -> HttpResponse {
    let uploaded = async {
        let account = account(&app, &access, Limits::upload).await?;
        let (medium, _) = brought(&app, &request, account, MediumKind::Picture, body).await?;
        Ok(json!({ "url": format!("medium:{medium}") }))
    };
    answer(uploaded.await)
}

/// Takes in the field `media` of a form; other fields are passed over.
async fn brought(
    app: &web::Data<App>,
    request: &HttpRequest,
    account: OfficialAccountId,
    kind: MediumKind,
    body: web::Payload,
) -> Result<(MediumId, i64), Refusal> {
    let missing = || refused(41005, "media data missing");
    if !media::is_form(request) {
        return Err(missing());
    }
    let mut place = app.bringing.begin(account.party())?;
    let policy = app.commands.policy.media.clone();
    let mut form = Multipart::new(request.headers(), body);
    let (party, length) = (account.party(), media::length(request));
    let mut receiving: Option<Receiving> = None;
    while let Some(part) = media::next_part(&place, &mut form).await? {
        if receiving.is_none() && part.name() == Some("media") {
            let claim = Claim { kind, name: String::new(), waveform: vec![], bytes: None, policy: policy.clone() };
            let begun = app.commands.receive_medium(party, None, length, claim).await.map_err(refusal_of)?;
            receiving = Some(media::received(&mut place, begun, part).await?);
        }
    }
    let receiving = receiving.ok_or_else(missing)?;
    let brought = receiving.finish().await.map_err(refusal_of)?;
    let (id, committed) = media::kept(app, Caller::person(party), brought).await.map_err(refusal_of)?;
    let uploaded = committed.events.iter().any(|(_, event)| matches!(event, MediumEvent::MediaUploaded(_)));
    if uploaded { Ok((id, committed.at.timestamp())) } else { Err(refused(-1, "system error")) }
}

async fn get(request: HttpRequest, access: Query<Access>, asked: Query<Asked>, app: web::Data<App>) -> HttpResponse {
    match found(&app, &access, &asked.media_id).await {
        Ok(uploaded) => {
            let tag = EntityTag::new_strong(uploaded.hash.clone());
            let mut response = HttpResponse::Ok();
            response.insert_header(ETag(tag.clone()));
            let served = blobs::as_brought(&request, &app, &uploaded, &tag, response).await;
            served.unwrap_or_else(|problem| answer(Err(problem.into())))
        }
        Err(refusal) => answer(Err(refusal)),
    }
}

/// What a program may fetch: what it brought itself, and what followers sent to its account.
async fn found(app: &App, access: &Access, media_id: &str) -> Result<Uploaded, Refusal> {
    let account = account(app, access, Limits::query).await?;
    let invalid = || refused(40007, "invalid media_id");
    let (party, now) = (account.party(), app.commands.now());
    let own = match Uuid::try_parse(media_id) {
        Ok(id) => app.commands.medium(MediumId(id)).await?.filter(|uploaded| uploaded.owner == party),
        Err(_) => None,
    };
    if let Some(uploaded) = own {
        return Ok(uploaded);
    }
    let ticket = app.commands.secrets.open_media_ticket(media_id);
    let ticket = ticket.filter(|ticket| ticket.viewer == party && ticket.expires_at > now).ok_or_else(invalid)?;
    if !may_see(app, party, ticket.place, ticket.medium).await? {
        return Err(invalid());
    }
    app.commands.medium(ticket.medium).await?.ok_or_else(invalid)
}
