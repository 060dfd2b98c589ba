//! What a program answers. Programs differ in order, blanks and content types, so it is read leniently.

use commands::callbacks::CallbackError;
use domain::{MediumId, conversation::Content, medium::Carried};
use serde::Deserialize;
use uuid::Uuid;

/// Most articles of one reply.
const ARTICLES_MAX: usize = 8;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Reply {
    msg_type: String,
    content: String,
    articles: Articles,
    music: Music,
    image: Media,
    voice: Media,
    video: Media,
    encrypt: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Articles {
    item: Vec<Article>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Article {
    title: String,
    description: String,
    url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Music {
    title: String,
    description: String,
    music_url: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Media {
    media_id: String,
}

impl Media {
    /// The medium, which the program brought before.
    fn carried(&self) -> Result<Carried, CallbackError> {
        let id = Uuid::try_parse(self.media_id.trim()).map_err(|_| malformed())?;
        Ok(Carried { medium: MediumId(id), facts: None })
    }
}

/// What the account says by that answer: nothing where the program only says that it has understood. `open` opens what is
/// encrypted.
pub(super) fn contents(
    answer: &[u8],
    open: impl FnOnce(&str) -> Option<Vec<u8>>,
) -> Result<Vec<Content>, CallbackError> {
    let text = String::from_utf8_lossy(answer);
    let Some(reply) = read(text.trim())? else { return Ok(vec![]) };
    // Some programs encrypt where they were told things in the clear, others answer in the clear where they were not.
    let Some(sealed) = &reply.encrypt else { return said(reply) };
    let opened = open(sealed).and_then(|opened| String::from_utf8(opened).ok());
    read(opened.ok_or_else(malformed)?.trim())?.map_or(Ok(vec![]), said)
}

fn malformed() -> CallbackError {
    CallbackError::Failed("the answer can't be understood".to_owned())
}

/// The answer; none where nothing is to be said.
fn read(text: &str) -> Result<Option<Reply>, CallbackError> {
    if text.is_empty() || text.eq_ignore_ascii_case("success") {
        return Ok(None);
    }
    if !text.starts_with('<') {
        return Err(malformed());
    }
    quick_xml::de::from_str(text).map(Some).map_err(|_| malformed())
}

fn said(reply: Reply) -> Result<Vec<Content>, CallbackError> {
    let link = |title: String, description: String, url: String| Content::Link { url, title, description };
    match reply.msg_type.as_str() {
        "text" if reply.content.is_empty() => Ok(vec![]),
        "text" => Ok(vec![Content::Text { text: reply.content }]),
        "news" => {
            let articles = reply.articles.item.into_iter().take(ARTICLES_MAX);
            Ok(articles.map(|article| link(article.title, article.description, article.url)).collect())
        }
        "music" => Ok(vec![link(reply.music.title, reply.music.description, reply.music.music_url)]),
        "image" => Ok(vec![Content::Picture(reply.image.carried()?)]),
        "voice" => Ok(vec![Content::Voice(reply.voice.carried()?)]),
        "video" => Ok(vec![Content::Video(reply.video.carried()?)]),
        // Nothing is said by it: a person answers.
        "transfer_customer_service" => Ok(vec![]),
        _ => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(answer: &str) -> Result<Vec<Content>, CallbackError> {
        contents(answer.as_bytes(), |_| None)
    }

    fn text(text: &str) -> Content {
        Content::Text { text: text.into() }
    }

    #[test]
    fn an_empty_answer_or_success_says_nothing() {
        for answer in ["", " \n", "success", "<xml><MsgType>transfer_customer_service</MsgType></xml>"] {
            assert_eq!(heard(answer).unwrap(), vec![], "{answer}");
        }
    }

    #[test]
    fn an_empty_answer_or_success_says_nothing_encrypted_either() {
        let opened = |text: &str| contents(b"<xml><Encrypt>sealed</Encrypt></xml>", |_| Some(text.as_bytes().to_vec()));
        for answer in ["", " \n", "success"] {
            assert_eq!(opened(answer).unwrap(), vec![], "{answer}");
        }
        assert!(opened("hello").is_err());
    }

    #[test]
    fn answers_are_read_in_any_order_and_with_any_blanks() {
        let answers = [
            "<xml><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[a < b]]></Content></xml>",
            "\n  <xml>\n<Content><![CDATA[a < b]]></Content>\n <CreateTime>1700000000000</CreateTime><MsgType>text</MsgType></xml>\n",
            "<xml><MsgType>text</MsgType><FuncFlag>0</FuncFlag><Content>a &lt; b</Content></xml>",
        ];
        for answer in answers {
            assert_eq!(heard(answer).unwrap(), [text("a < b")], "{answer}");
        }
        let news = "<xml><MsgType>news</MsgType><Content></Content><ArticleCount>2</ArticleCount><Articles>\
            <item><Title>A</Title><Description></Description><PicUrl/><Url>https://a.example</Url></item>\
            <item><Title>B</Title><Url>https://b.example</Url></item></Articles></xml>";
        let said = heard(news).unwrap();
        assert!(
            matches!(&said[..], [Content::Link { title, .. }, Content::Link { url, .. }] if title == "A" && url == "https://b.example")
        );
    }

    #[test]
    fn media_are_named_by_what_they_were_given_when_they_were_brought() {
        let id = MediumId::new();
        let carried = || Carried { medium: id, facts: None };
        for (kind, name, content) in [
            ("image", "Image", Content::Picture(carried())),
            ("voice", "Voice", Content::Voice(carried())),
            ("video", "Video", Content::Video(carried())),
        ] {
            let answer = format!(
                "<xml><MsgType>{kind}</MsgType><{name}><Title>x</Title><MediaId><![CDATA[{id}]]></MediaId></{name}></xml>"
            );
            assert_eq!(heard(&answer).unwrap(), [content], "{kind}");
        }
        assert!(heard("<xml><MsgType>image</MsgType><Image><MediaId>tea</MediaId></Image></xml>").is_err());
    }

    #[test]
    fn what_can_not_be_understood_is_no_answer() {
        for answer in [
            "{\"a\":1}",
            "hello",
            "<xml>",
            "<xml><MsgType>nothing</MsgType></xml>",
            "<xml><Encrypt>AAAA</Encrypt></xml>",
        ] {
            assert!(heard(answer).is_err(), "{answer}");
        }
    }
}
