//! What a program answers. Programs differ in order, blanks and content types, so it is read leniently.

use commands::callbacks::CallbackError;
use domain::conversation::Content;
use serde::Deserialize;

use super::envelope::Envelope;

/// Most articles of one reply.
const ARTICLES_MAX: usize = 8;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Reply {
    msg_type: String,
    content: String,
    articles: Articles,
    music: Music,
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

/// What the account says by that answer: nothing where the program only says that it has understood.
pub(super) fn contents(answer: &[u8], envelope: &Envelope) -> Result<Vec<Content>, CallbackError> {
    let text = String::from_utf8_lossy(answer);
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("success") {
        return Ok(vec![]);
    }
    let reply = read(text)?;
    // Some programs encrypt where they were told things in the clear, others answer in the clear where they were not.
    match &reply.encrypt {
        None => said(reply),
        Some(sealed) => {
            let opened = envelope.open(sealed).and_then(|opened| String::from_utf8(opened).ok());
            said(read(opened.ok_or_else(malformed)?.trim())?)
        }
    }
}

fn malformed() -> CallbackError {
    CallbackError::Failed("the answer can't be understood".to_owned())
}

fn read(text: &str) -> Result<Reply, CallbackError> {
    if !text.starts_with('<') {
        return Err(malformed());
    }
    quick_xml::de::from_str(text).map_err(|_| malformed())
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
        // Nothing is said by it: a person answers.
        "transfer_customer_service" => Ok(vec![]),
        _ => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(answer: &str) -> Result<Vec<Content>, CallbackError> {
        let callback = commands::callbacks::Callback::default();
        contents(answer.as_bytes(), &Envelope::of(&callback))
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
