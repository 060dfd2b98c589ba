//! Customer service messages: what a program writes to a follower of its own accord.

use actix_web::{HttpResponse, web};
use commands::{Caller, callbacks::Said};
use domain::{MediumKind, Rejection, article::ArticleCard, conversation::Content};
use serde::Deserialize;

use super::{
    answer::{Answered, Refusal, answer, done, read, refused},
    articles,
    posted::Posted,
    token::{Access, account},
};
use crate::{App, limits::Limits, query::Query};

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
    image: Media,
    voice: Media,
    video: Media,
    mpnews: Media,
    mpnewsarticle: Named,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Media {
    media_id: String,
}

impl Media {
    fn of(&self, kind: MediumKind) -> Said {
        Said::Medium { kind, media_id: self.media_id.clone() }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    article_id: String,
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

async fn send(access: Query<Access>, body: Posted, app: web::Data<App>) -> HttpResponse {
    answer(sent(&app, &access, &body).await)
}

async fn sent(app: &App, access: &Access, body: &[u8]) -> Answered {
    let account = account(app, access, Limits::message).await?;
    let message: CustomMessage = read(body)?;
    let said = said_by(&message)?;
    let follower = app.commands.follower(account, &message.touser).await?;
    let follower = follower.ok_or_else(|| refused(40003, "invalid openid"))?;
    let caller = Caller::person(account.party());
    let sent = app.commands.write_as_program(&caller, account, follower, said).await;
    sent.map_err(articles::refusal_of)?;
    Ok(done())
}

/// The first of the articles that go by a name.
fn card(name: &str) -> Result<Content, Refusal> {
    let article = articles::named(name)?.first().copied().ok_or_else(|| refused(40007, "invalid media_id"))?;
    Ok(Content::Article(ArticleCard { article, front: None }))
}

fn said_by(message: &CustomMessage) -> Result<Said, Refusal> {
    let content = match message.msgtype.as_str() {
        "image" => return Ok(message.image.of(MediumKind::Picture)),
        "voice" => return Ok(message.voice.of(MediumKind::Voice)),
        "video" => return Ok(message.video.of(MediumKind::Video)),
        "text" => Ok(Content::Text { text: message.text.content.clone() }),
        // As the protocol has it today: one article a message.
        "news" => match message.news.articles.first() {
            Some(Article { title, description, url }) => {
                Ok(Content::Link { url: url.clone(), title: title.clone(), description: description.clone() })
            }
            None => Err(Rejection::InvalidField { field: "articles", rule: "must not be empty" }.into()),
        },
        // One article a message, as of `news`.
        "mpnews" => card(&message.mpnews.media_id),
        "mpnewsarticle" => card(&message.mpnewsarticle.article_id),
        _ => Err(refused(40008, "invalid message type")),
    };
    content.map(Said::Content)
}
