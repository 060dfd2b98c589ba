//! Customer service messages: what a program writes to a follower of its own accord.

use actix_web::{HttpResponse, web};
use commands::Caller;
use domain::{
    Rejection,
    conversation::{Content, Voice},
};
use serde::Deserialize;

use super::{
    answer::{Answered, Refusal, answer, done, read, refused},
    token::{Access, account},
};
use crate::{App, query::Query};

pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/message/custom/send", web::post().to(send));
}

/// A message. Fields that are not known are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CustomMessage {
    touser: String,
    msgtype: String,
    text: Text,
    news: News,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Text {
    content: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct News {
    articles: Vec<Article>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Article {
    title: String,
    description: String,
    url: String,
}

async fn send(access: Query<Access>, body: web::Bytes, app: web::Data<App>) -> HttpResponse {
    answer(sent(&app, &access, &body).await)
}

async fn sent(app: &App, access: &Access, body: &[u8]) -> Answered {
    let account = account(app, access).await?;
    app.limits.message(&account.party())?;
    let message: CustomMessage = read(body)?;
    let content = content_of(&message)?;
    let follower = app.commands.follower(account, &message.touser).await?;
    let follower = follower.ok_or_else(|| refused(40003, "invalid openid"))?;
    let caller = Caller::person(account.party());
    app.commands.write_to_follower(&caller, account, follower, content, Voice::Program).await?;
    Ok(done())
}

fn content_of(message: &CustomMessage) -> Result<Content, Refusal> {
    match message.msgtype.as_str() {
        "text" => Ok(Content::Text { text: message.text.content.clone() }),
        // As the protocol has it today: one article a message.
        "news" => match message.news.articles.first() {
            Some(Article { title, description, url }) => {
                Ok(Content::Link { url: url.clone(), title: title.clone(), description: description.clone() })
            }
            None => Err(Rejection::InvalidField { field: "articles", rule: "must not be empty" }.into()),
        },
        _ => Err(refused(40008, "invalid message type")),
    }
}
