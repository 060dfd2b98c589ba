//! The HTML of articles, made harmless before it is kept: whatever could run, load or send anything is left out, and so are
//! pictures from elsewhere, which would tell others who reads.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use ammonia::{Builder, UrlRelative};
use domain::MediumId;
use parking_lot::Mutex;
use uuid::Uuid;

/// What stands before the id of a picture.
const PICTURE: &str = "medium:";

/// HTML that was made harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CleanHtml {
    /// The HTML.
    pub(super) html: String,
    /// The pictures that it names.
    pub(super) pictures: BTreeSet<MediumId>,
}

/// Makes HTML harmless. Of pictures those stay whose source is `medium:` and the id of a medium.
pub(super) fn cleaned(html: &str) -> CleanHtml {
    let pictures = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&pictures);
    let html = Builder::default()
        .url_schemes(HashSet::from(["http", "https", "mailto", "medium"]))
        .url_relative(UrlRelative::Deny)
        .attribute_filter(move |element, attribute, value| match (element, attribute) {
            ("img", "src") => {
                let id = Uuid::try_parse(value.strip_prefix(PICTURE)?).ok()?;
                seen.lock().insert(MediumId(id));
                Some(Cow::Owned(format!("{PICTURE}{id}")))
            }
            // Whatever kind of address it is: nothing follows it, and nobody sees it.
            (_, "cite") => None,
            (_, "href" | "src") if value.trim_start().starts_with(PICTURE) => None,
            _ => Some(Cow::Borrowed(value)),
        })
        .clean(html)
        .to_string();
    let html = html.replace(is_unseen, "");
    let pictures = std::mem::take(&mut *pictures.lock());
    CleanHtml { html, pictures }
}

/// Whether a sign shows nothing but changes what others show: control signs, and those that turn the direction of the text.
fn is_unseen(sign: char) -> bool {
    let turns = matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (sign.is_control() && !matches!(sign, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_load_or_send_anything_is_left_out() {
        for (given, kept) in [
            ("<p>tea</p><script>alert(1)</script>", "<p>tea</p>"),
            ("<p onclick=\"alert(1)\">tea</p>", "<p>tea</p>"),
            ("<p style=\"background:url(https://spy.example)\">tea</p>", "<p>tea</p>"),
            ("<iframe src=\"https://spy.example\"></iframe>tea", "tea"),
            ("<form action=\"https://spy.example\"><input name=pin>tea</form>", "tea"),
            ("<svg><image href=\"https://spy.example\"/></svg>", ""),
            ("<a href=\"javascript:alert(1)\">tea</a>", "<a rel=\"noopener noreferrer\">tea</a>"),
            ("<a href=\"/v1/me\">tea</a>", "<a rel=\"noopener noreferrer\">tea</a>"),
            ("<a href=\"medium:x\">tea</a>", "<a rel=\"noopener noreferrer\">tea</a>"),
            ("<b>un<i>ended", "<b>un<i>ended</i></b>"),
            ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
            ("<q cite=\"javascript:alert(1)\">tea</q>", "<q>tea</q>"),
            ("<p title=\"a&#x202e;b\">\u{202e}t&#x202e;e\u{8}a\n</p>", "<p title=\"ab\">tea\n</p>"),
        ] {
            assert_eq!(cleaned(given).html, kept, "{given}");
        }
    }

    #[test]
    fn pictures_are_media_and_nothing_else() {
        let id = MediumId::new();
        let clean = cleaned(&format!("<img alt=cup src=\"medium:{id}\"><img src=\"https://spy.example/1.gif\">"));
        assert_eq!(clean.pictures, BTreeSet::from([id]));
        assert!(clean.html.contains(&format!("src=\"medium:{id}\"")), "{}", clean.html);
        assert!(!clean.html.contains("spy"), "{}", clean.html);
        assert_eq!(cleaned("<img src=\"medium:tea\">").pictures, BTreeSet::new());
    }

    #[test]
    fn what_was_made_harmless_stays_as_it_is() {
        let once =
            cleaned("<h1>Tea</h1><p>with <em>milk</em><br>and <a href=\"https://tea.example/?a=1&b=2\">more</a>");
        assert_eq!(cleaned(&once.html), once);
    }
}
