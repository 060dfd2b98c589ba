//! What a program is told, as XML.

use commands::callbacks::{Callback, Told, Word};
use domain::MediumKind;

/// The document that a program gets. `public_url` is where it finds this server.
pub(super) fn xml_of(callback: &Callback, told: &Told, public_url: &str) -> String {
    let mut xml = Xml::begun();
    xml.text("ToUserName", &callback.original_id);
    xml.text("FromUserName", &told.openid);
    xml.number("CreateTime", told.at.timestamp());
    match &told.word {
        Word::Text { text } => {
            xml.text("MsgType", "text");
            xml.text("Content", text);
        }
        Word::Location { latitude, longitude, label } => {
            xml.text("MsgType", "location");
            xml.number("Location_X", latitude);
            xml.number("Location_Y", longitude);
            xml.number("Scale", 15);
            xml.text("Label", label);
        }
        Word::Link { title, description, url } => {
            xml.text("MsgType", "link");
            xml.text("Title", title);
            xml.text("Description", description);
            xml.text("Url", url);
        }
        Word::Medium { kind, media_id, format } => {
            let (kind, thumb) = match kind {
                MediumKind::Voice => ("voice", false),
                MediumKind::Video => ("video", true),
                MediumKind::Picture | MediumKind::File => ("image", false),
            };
            xml.text("MsgType", kind);
            xml.text("MediaId", media_id);
            match kind {
                "voice" => xml.text("Format", format),
                "image" => xml.text("PicUrl", &format!("{public_url}/v1/blobs/{media_id}")),
                _ => {}
            }
            if thumb {
                xml.text("ThumbMediaId", media_id);
            }
        }
        Word::Subscribe { scene, ticket } => {
            let key = scene.as_ref().map(|scene| format!("qrscene_{scene}")).unwrap_or_default();
            xml.event("subscribe", &key);
            ticket.iter().for_each(|ticket| xml.text("Ticket", ticket));
        }
        Word::Unsubscribe => xml.event("unsubscribe", ""),
        Word::Scan { scene, ticket } => {
            xml.event("SCAN", scene);
            xml.text("Ticket", ticket);
        }
        Word::Menu { event, key } => xml.event(event, key),
        Word::Broadcast { number, followers } => {
            xml.text("MsgType", "event");
            xml.text("Event", "MASSSENDJOBFINISH");
            xml.number("MsgID", number);
            xml.text("Status", "send success");
            for count in ["TotalCount", "FilterCount", "SentCount"] {
                xml.number(count, followers);
            }
            xml.number("ErrorCount", 0);
        }
    }
    if let Some(id) = told.message_id {
        xml.number("MsgId", id);
    }
    xml.ended()
}

/// The document around an encrypted one; in the compatible mode both stand in it.
pub(super) fn envelope_xml(callback: &Callback, encrypted: &str, plain: Option<&str>) -> String {
    let sealed = format!("<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>");
    match plain.and_then(|plain| plain.strip_suffix("</xml>")) {
        Some(plain) => format!("{plain}{sealed}"),
        None => format!("<xml><ToUserName><![CDATA[{}]]></ToUserName>{sealed}", callback.original_id),
    }
}

struct Xml(String);

impl Xml {
    fn begun() -> Self {
        Self("<xml>".to_owned())
    }

    fn text(&mut self, name: &str, text: &str) {
        // The end of a section can't stand within one; between two of them it can.
        let text = text.replace("]]>", "]]]]><![CDATA[>");
        self.0.push_str(&format!("<{name}><![CDATA[{text}]]></{name}>"));
    }

    fn number(&mut self, name: &str, number: impl std::fmt::Display) {
        self.0.push_str(&format!("<{name}>{number}</{name}>"));
    }

    fn event(&mut self, event: &str, key: &str) {
        self.text("MsgType", "event");
        self.text("Event", event);
        self.text("EventKey", key);
    }

    fn ended(self) -> String {
        self.0 + "</xml>"
    }
}
