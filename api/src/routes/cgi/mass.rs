//! Broadcasts.

use actix_web::{HttpRequest, HttpResponse, web};
use commands::{Caller, CommandError};
use domain::{
    BroadcastsEvent, MediumId, OfficialAccountId, Rejection,
    article::ArticleCard,
    broadcasts::{Addressees, NewBroadcast},
    conversation::Content,
    medium::Carried,
};
use eventlog::Position;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answer::{Refusal, answer, done, read, refused},
    articles,
    posted::Posted,
    token::{Access, account},
};
use crate::{App, limits::Limits, query::Query, request};

/// Most openids in a list.
const OPENIDS_MAX: usize = 10_000;
/// Largest body with such a list, in bytes.
const NAMED_BYTES_MAX: usize = 512 * 1024;

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/message/mass/sendall", web::post().to(send_all));
    let named = web::resource("/message/mass/send").app_data(web::PayloadConfig::new(NAMED_BYTES_MAX));
    config.service(named.post(send)).route("/message/mass/preview", web::post().to(preview));
    config.route("/message/mass/get", web::post().to(get)).route("/message/mass/delete", web::post().to(delete));
}

/// A broadcast. Fields that are not known are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Mass {
    filter: Filter,
    touser: Option<ToUser>,
    msgtype: String,
    text: Option<Text>,
    image: Option<Media>,
    mpnews: Option<Media>,
    clientmsgid: String,
}

/// For whom it is, where that is not all or a tag.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ToUser {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    is_to_all: bool,
    tag_id: Option<Number>,
    /// What it was called before there were tags.
    group_id: Option<Number>,
}

/// A number that some programs write as a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Number(u32),
    Text(String),
}

impl Number {
    fn read(&self) -> Result<u32, Refusal> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => text.trim().parse().map_err(|_| refused(45159, "invalid tag_id")),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Text {
    content: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Media {
    media_id: String,
}

async fn send_all(request: HttpRequest, access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let to = |mass: &Mass| {
        let tag = mass.filter.tag_id.as_ref().or(mass.filter.group_id.as_ref());
        match tag {
            Some(tag) if !mass.filter.is_to_all => Ok(Addressees::Tag(tag.read()?)),
            None if !mass.filter.is_to_all => Err(refused(45159, "tag_id missing")),
            _ => Ok(Addressees::All),
        }
    };
    let sent = async {
        let account = account(&app, &access, Limits::command).await?;
        sent(&request, &app, account, &body, to).await.map(submitted)
    };
    answer(sent.await)
}

async fn send(request: HttpRequest, access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let to = |mass: &Mass| match &mass.touser {
        Some(ToUser::Several(openids)) if (2..=OPENIDS_MAX).contains(&openids.len()) => {
            Ok(Addressees::Named(openids.iter().cloned().collect()))
        }
        _ => Err(refused(40130, "invalid openid list size, at least two openid")),
    };
    let sent = async {
        let account = account(&app, &access, Limits::command).await?;
        sent(&request, &app, account, &body, to).await.map(submitted)
    };
    answer(sent.await)
}

/// What a program is answered whose broadcast has that number.
fn submitted(number: u64) -> Value {
    json!({ "errcode": 0, "errmsg": "send job submission success", "msg_id": number, "msg_data_id": number })
}

async fn preview(request: HttpRequest, access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let previewed = async {
        let to = |mass: &Mass| match &mass.touser {
            Some(ToUser::One(openid)) => Ok(Addressees::Preview(openid.clone())),
            // Accounts know nobody by another name.
            _ => Err(refused(40132, "invalid username")),
        };
        let account = account(&app, &access, Limits::command).await?;
        if let Addressees::Preview(openid) = to(&read(&body)?)?
            && app.commands.follower(account, &openid).await?.is_none()
        {
            return Err(refused(40003, "invalid openid"));
        }
        let number = sent(&request, &app, account, &body, to).await?;
        Ok(json!({ "errcode": 0, "errmsg": "preview success", "msg_id": number }))
    };
    answer(previewed.await)
}

/// Sends what a body says to those whom it says; gives the broadcast's number.
async fn sent(
    request: &HttpRequest,
    app: &App,
    account: OfficialAccountId,
    body: &[u8],
    to: impl FnOnce(&Mass) -> Result<Addressees, Refusal>,
) -> Result<u64, Refusal> {
    let mass: Mass = read(body)?;
    let new = NewBroadcast { to: to(&mass)?, contents: contents_of(&mass)? };
    let mut caller = Caller::person(account.party());
    if !mass.clientmsgid.is_empty() {
        let key = format!("mass {}", mass.clientmsgid);
        caller.key = Some(request::command_key(app, request, account.0, &key, body));
    }
    let sent = app.commands.send_broadcast(&caller, account, new).await.map_err(refusal_of)?;
    let number = sent.events.iter().find_map(|(_, event)| match event {
        BroadcastsEvent::BroadcastSent(sent) => Some(sent.number),
        BroadcastsEvent::BroadcastAddressed(_) | BroadcastsEvent::BroadcastWithdrawn(_) => None,
    });
    number.ok_or_else(|| refused(-1, "system error"))
}

fn refusal_of(error: CommandError) -> Refusal {
    match error {
        CommandError::Rejected(Rejection::BroadcastsSpent { .. }) => refused(45028, "has no masssend quota"),
        CommandError::Rejected(Rejection::InvalidField { field: "openids", .. }) => refused(40003, "invalid openid"),
        CommandError::Rejected(Rejection::TagNotFound) => refused(45159, "invalid tag_id"),
        CommandError::Rejected(Rejection::BroadcastNotFound) => refused(40059, "invalid msg id"),
        CommandError::KeyReused => refused(45065, "clientmsgid exist"),
        other => articles::refusal_of(other),
    }
}

/// What a broadcast says.
fn contents_of(mass: &Mass) -> Result<Vec<Content>, Refusal> {
    let missing = || refused(47001, "data format error: the message has no content of its type");
    match mass.msgtype.as_str() {
        "text" => {
            let text = mass.text.as_ref().ok_or_else(missing)?;
            Ok(vec![Content::Text { text: text.content.clone() }])
        }
        "image" => {
            let image = mass.image.as_ref().ok_or_else(missing)?;
            let medium = Uuid::try_parse(&image.media_id).map_err(|_| refused(40007, "invalid media_id"))?;
            Ok(vec![Content::Picture(Carried { medium: MediumId(medium), facts: None })])
        }
        "mpnews" => {
            let ids = articles::named(&mass.mpnews.as_ref().ok_or_else(missing)?.media_id)?;
            let card = |article| Content::Article(ArticleCard { article, front: None });
            Ok(ids.into_iter().map(card).collect())
        }
        _ => Err(refused(40008, "invalid message type")),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct About {
    msg_id: Value,
}

impl About {
    /// The broadcast's number, which some programs write as a text.
    fn number(&self) -> Result<u64, Refusal> {
        let number = match &self.msg_id {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        number.ok_or_else(|| refused(40059, "invalid msg id"))
    }
}

async fn get(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let told = async {
        let account = account(&app, &access, Limits::query).await?;
        let number = read::<About>(&body)?.number()?;
        let view = app.fresh(&app.read_models.broadcasts, Position::START).await?;
        let row = view.sent(account, number)?.ok_or_else(|| refused(40059, "invalid msg id"))?;
        let status = if row.withdrawn { "DELETED" } else { "SEND_SUCCESS" };
        Ok(json!({ "msg_id": number, "msg_status": status }))
    };
    answer(told.await)
}

async fn delete(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let deleted = async {
        let account = account(&app, &access, Limits::command).await?;
        let number = read::<About>(&body)?.number()?;
        let caller = Caller::person(account.party());
        app.commands.withdraw_broadcast(&caller, account, number).await.map_err(refusal_of)?;
        Ok(done())
    };
    answer(deleted.await)
}
