//! What a program answers. Programs differ in order, blanks and content types, so it is read leniently.

use commands::callbacks::{CallbackError, Said};
use domain::{MediumKind, conversation::Content};
use serde::Deserialize;

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
    /// The medium, by the name that the program knows it by.
    fn of(&self, kind: MediumKind) -> Result<Vec<Said>, CallbackError> {
        let media_id = self.media_id.trim().to_owned();
        if media_id.is_empty() { Err(malformed()) } else { Ok(vec![Said::Medium { kind, media_id }]) }
    }
}

/// What the account says by that answer: nothing where the program only says that it has understood. `open` opens what is
/// encrypted.
pub(super) fn contents(answer: &[u8], open: impl FnOnce(&str) -> Option<Vec<u8>>) -> Result<Vec<Said>, CallbackError> {
    // Another encoding would be said to the follower as signs of replacement.
    let text = std::str::from_utf8(answer).map_err(|_| malformed())?;
    let Some(reply) = read(text)? else { return Ok(vec![]) };
    // Some programs encrypt where they were told things in the clear, others answer in the clear where they were not.
    let Some(sealed) = &reply.encrypt else { return said(reply) };
    let opened = open(sealed).and_then(|opened| String::from_utf8(opened).ok());
    read(&opened.ok_or_else(malformed)?)?.map_or(Ok(vec![]), said)
}

fn malformed() -> CallbackError {
    CallbackError::Failed("the answer can't be understood".to_owned())
}

/// The answer; none where nothing is to be said.
fn read(text: &str) -> Result<Option<Reply>, CallbackError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() || text.eq_ignore_ascii_case("success") {
        return Ok(None);
    }
    if !text.starts_with('<') {
        return Err(malformed());
    }
    quick_xml::de::from_str(text).map(Some).map_err(|_| malformed())
}

fn said(reply: Reply) -> Result<Vec<Said>, CallbackError> {
    let link = |title, description, url| Said::Content(Content::Link { url, title, description });
    match reply.msg_type.trim() {
        "text" if reply.content.is_empty() => Ok(vec![]),
        "text" => Ok(vec![Said::Content(Content::Text { text: reply.content })]),
        "news" => {
            let articles = reply.articles.item.into_iter().take(ARTICLES_MAX);
            Ok(articles.map(|article| link(article.title, article.description, article.url)).collect())
        }
        "music" => Ok(vec![link(reply.music.title, reply.music.description, reply.music.music_url)]),
        "image" => reply.image.of(MediumKind::Picture),
        "voice" => reply.voice.of(MediumKind::Voice),
        "video" => reply.video.of(MediumKind::Video),
        // Nothing is said by it: a person answers.
        "transfer_customer_service" => Ok(vec![]),
        _ => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(answer: &str) -> Result<Vec<Said>, CallbackError> {
        contents(answer.as_bytes(), |_| None)
    }

    fn text(text: &str) -> Said {
        Said::Content(Content::Text { text: text.into() })
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
            "\u{feff}\n<?xml version=\"1.0\"?><xml><MsgType><![CDATA[ text\n]]></MsgType><Content>a &lt; b</Content></xml>",
        ];
        for answer in answers {
            assert_eq!(heard(answer).unwrap(), [text("a < b")], "{answer}");
        }
        let news = "<xml><MsgType>news</MsgType><Content></Content><ArticleCount>2</ArticleCount><Articles>\
            <item><Title>A</Title><Description></Description><PicUrl/><Url>https://a.example</Url></item>\
            <item><Title>B</Title><Url>https://b.example</Url></item></Articles></xml>";
        let said = heard(news).unwrap();
        assert!(
            matches!(&said[..], [Said::Content(Content::Link { title, .. }), Said::Content(Content::Link { url, .. })] if title == "A" && url == "https://b.example")
        );
    }

    #[test]
    fn media_are_named_by_what_the_program_knows_them_by() {
        for (sort, name, kind) in [
            ("image", "Image", MediumKind::Picture),
            ("voice", "Voice", MediumKind::Voice),
            ("video", "Video", MediumKind::Video),
        ] {
            let answer = format!(
                "<xml><MsgType>{sort}</MsgType><{name}><Title>x</Title><MediaId><![CDATA[ tea ]]></MediaId></{name}></xml>"
            );
            assert_eq!(heard(&answer).unwrap(), [Said::Medium { kind, media_id: "tea".into() }], "{sort}");
        }
        assert!(heard("<xml><MsgType>image</MsgType><Image><MediaId></MediaId></Image></xml>").is_err());
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
        let gbk = [b"<xml><MsgType>text</MsgType><Content>".as_slice(), b"\xb2\xe8", b"</Content></xml>"].concat();
        assert!(contents(&gbk, |_| None).is_err());
    }
}
