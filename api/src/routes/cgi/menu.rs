//! The menu, and what an account answers by itself.

use actix_web::{HttpResponse, web};
use commands::{Caller, CommandError};
use domain::{
    Rejection,
    conversation::Content,
    official::{Button, ButtonKind, Menu},
};
use serde::{
    Deserialize,
    de::{IntoDeserializer, value::Error as ValueError},
};
use serde_json::{Value, json};

use super::{
    answer::{Answered, Refusal, answer, done, read, refused},
    posted::Posted,
    token::{Access, account},
};
use crate::{App, limits::Limits, query::Query};

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/menu/create", web::post().to(create)).route("/menu/get", web::get().to(get));
    config.route("/menu/delete", web::get().to(delete));
    config.route("/get_current_autoreply_info", web::get().to(auto_replies));
}

/// A menu as programs send it. Fields that are not known are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SentMenu {
    button: Vec<SentButton>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SentButton {
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    key: String,
    url: String,
    sub_button: Vec<SentButton>,
}

impl SentButton {
    fn button(self) -> Result<Button, Refusal> {
        let Self { name, kind, key, url, sub_button } = self;
        let kind = kind.filter(|kind| !kind.is_empty()).map(|kind| ButtonKind::deserialize(kind.into_deserializer()));
        let kind = kind.transpose().map_err(|_: ValueError| refused(40017, "invalid button type"))?;
        let sub_button = sub_button.into_iter().map(Self::button).collect::<Result<_, _>>()?;
        Ok(Button { name, kind, key, url, sub_button })
    }
}

async fn create(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    let created = async {
        let account = account(&app, &access, Limits::command).await?;
        let sent: SentMenu = read(&body)?;
        let menu = Menu { button: sent.button.into_iter().map(SentButton::button).collect::<Result<_, _>>()? };
        let caller = Caller::person(account.party());
        app.commands.set_account_menu(&caller, account, Some(menu)).await.map_err(menu_refusal)?;
        Ok(done())
    };
    answer(created.await)
}

/// The code that tells what is wrong with a menu.
fn menu_refusal(error: CommandError) -> Refusal {
    let code = match &error {
        CommandError::Rejected(Rejection::InvalidField { field, .. } | Rejection::TooLong { field, .. }) => {
            match *field {
                "button" => 40016,
                "type" => 40017,
                "name" => 40018,
                "key" => 40019,
                "url" => 40020,
                "sub_button" => 40023,
                _ => 40015,
            }
        }
        _ => return error.into(),
    };
    Refusal { code, words: error.to_string() }
}

async fn get(access: Query<Access>, app: web::Data<App>) -> HttpResponse {
    answer(menu(&app, &access).await)
}

async fn menu(app: &App, access: &Access) -> Answered {
    let account = account(app, access, Limits::query).await?;
    let view = app.fresh(&app.read_models.official, eventlog::Position::START).await?;
    match &view.settings(account).menu {
        Some(menu) => Ok(json!({ "menu": menu })),
        None => Err(refused(46003, "menu no exist")),
    }
}

async fn delete(access: Query<Access>, app: web::Data<App>) -> HttpResponse {
    let deleted = async {
        let account = account(&app, &access, Limits::command).await?;
        app.commands.set_account_menu(&Caller::person(account.party()), account, None).await?;
        Ok(done())
    };
    answer(deleted.await)
}

async fn auto_replies(access: Query<Access>, app: web::Data<App>) -> HttpResponse {
    answer(current_replies(&app, &access).await)
}

async fn current_replies(app: &App, access: &Access) -> Answered {
    let account = account(app, access, Limits::query).await?;
    let view = app.fresh(&app.read_models.official, eventlog::Position::START).await?;
    let settings = view.settings(account);
    let replies = &settings.auto_replies;
    let rules: Vec<Value> = replies
        .rules
        .iter()
        .map(|rule| {
            let keyword = |keyword: &domain::official::auto_replies::Keyword| {
                json!({ "type": "text", "match_mode": keyword.mode, "content": keyword.text })
            };
            json!({
                "rule_name": rule.name,
                "reply_mode": rule.mode,
                "keyword_list_info": rule.keywords.iter().map(keyword).collect::<Vec<_>>(),
                "reply_list_info": rule.replies.iter().map(reply).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut info = json!({
        "is_add_friend_reply_open": u8::from(replies.welcome.is_some()),
        "is_autoreply_open": u8::from(replies.default.is_some()),
        "keyword_autoreply_info": { "list": rules },
    });
    for (name, content) in
        [("add_friend_autoreply_info", &replies.welcome), ("message_default_autoreply_info", &replies.default)]
    {
        if let (Some(content), Some(info)) = (content, info.as_object_mut()) {
            info.insert(name.to_owned(), reply(content));
        }
    }
    Ok(info)
}

fn reply(content: &Content) -> Value {
    match content {
        Content::Text { text } => json!({ "type": "text", "content": text }),
        other => json!({ "type": "news", "content": other.words() }),
    }
}
