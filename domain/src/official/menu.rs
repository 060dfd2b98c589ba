//! The menu of an official account: up to three buttons, each with up to five below it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rejection::{Rejection, check_name, check_web_address};

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ButtonKind {
    /// Tells the account its `key`.
    Click,
    /// Opens its `url`.
    View,
    /// Has the person read a code, and tells the account its `key` and what the code said.
    ScancodePush,
    /// The same; the person waits for the account's answer.
    ScancodeWaitmsg,
    /// Has the person take a picture.
    PicSysphoto,
    /// Has the person take or choose a picture.
    PicPhotoOrAlbum,
    /// Has the person choose pictures.
    PicWeixin,
    /// Has the person choose a place.
    LocationSelect,
}

/// A button of a menu: with buttons below it, or with something that it does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Button {
    /// What stands on it: at most 16 bytes of UTF-8, below another button 60.
    pub name: String,
    /// What it does; absent where there are buttons below it.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ButtonKind>,
    /// What the account is told, at most 128 bytes; for all kinds but `view`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// What is opened, at most 1,024 bytes; for `view`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Up to five buttons below it, which have none below them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub sub_button: Vec<Button>,
}

/// A menu.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Menu {
    /// One to three buttons.
    pub button: Vec<Button>,
}

/// Most buttons in the bar, and most below one of them.
const BAR_MAX: usize = 3;
const BELOW_MAX: usize = 5;
/// Longest names, keys and addresses, in bytes.
const NAME_BYTES: usize = 16;
const NAME_BELOW_BYTES: usize = 60;
const KEY_BYTES: usize = 128;
const URL_BYTES: usize = 1_024;

fn invalid(field: &'static str, rule: &'static str) -> Rejection {
    Rejection::InvalidField { field, rule }
}

impl Menu {
    /// Checks it.
    ///
    /// # Errors
    /// [`Rejection::InvalidField`], [`Rejection::TooLong`].
    pub fn check(&self) -> Result<(), Rejection> {
        if self.button.is_empty() || self.button.len() > BAR_MAX {
            return Err(invalid("button", "a menu has 1 to 3 buttons"));
        }
        for button in &self.button {
            button.check(NAME_BYTES)?;
            if button.sub_button.len() > BELOW_MAX {
                return Err(invalid("sub_button", "at most 5 buttons stand below one"));
            }
            for below in &button.sub_button {
                below.check(NAME_BELOW_BYTES)?;
                if !below.sub_button.is_empty() {
                    return Err(invalid("sub_button", "a button below another one has none below it"));
                }
            }
        }
        Ok(())
    }

    /// The button at a place: in the bar, and below that one.
    #[must_use]
    pub fn at(&self, bar: usize, below: Option<usize>) -> Option<&Button> {
        let button = self.button.get(bar)?;
        match below {
            Some(below) => button.sub_button.get(below),
            None => Some(button).filter(|button| button.sub_button.is_empty()),
        }
    }
}

impl Button {
    fn check(&self, name_bytes: usize) -> Result<(), Rejection> {
        check_name("name", &self.name, name_bytes)?;
        for (field, text, max) in
            [("name", &self.name, name_bytes), ("key", &self.key, KEY_BYTES), ("url", &self.url, URL_BYTES)]
        {
            if text.len() > max {
                return Err(Rejection::TooLong { field, max, unit: "bytes" });
            }
        }
        match self.kind {
            _ if !self.sub_button.is_empty() => Ok(()),
            None => Err(invalid("type", "a button does something or has buttons below it")),
            Some(ButtonKind::View) => check_web_address("url", &self.url, URL_BYTES),
            Some(_) if self.key.is_empty() => Err(invalid("key", "must not be empty")),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn button(name: &str) -> Button {
        Button { name: name.into(), kind: Some(ButtonKind::Click), key: "K".into(), ..Button::default() }
    }

    fn menu(bar: usize, below: usize) -> Menu {
        let top = Button { sub_button: vec![button("below"); below], ..button("top") };
        Menu { button: vec![top; bar] }
    }

    #[test]
    fn a_menu_is_three_by_five_at_most() {
        for (bar, below, fits) in [(1, 0, true), (3, 5, true), (0, 0, false), (4, 0, false), (1, 6, false)] {
            assert_eq!(menu(bar, below).check().is_ok(), fits, "{bar} by {below}");
        }
        let deep = Button { sub_button: vec![Button { sub_button: vec![button("c")], ..button("b") }], ..button("a") };
        assert!(Menu { button: vec![deep] }.check().is_err());
    }

    #[test]
    fn a_button_says_what_it_does_within_its_bounds() {
        let view = |url: &str| Button { kind: Some(ButtonKind::View), url: url.into(), ..button("v") };
        for (button, fits) in [
            (button("0123456789abcdef"), true),
            (button("0123456789abcdefg"), false),
            (button("茶茶茶茶茶"), true),
            (button("茶茶茶茶茶茶"), false),
            (Button { key: String::new(), ..button("k") }, false),
            (Button { key: "k".repeat(129), ..button("k") }, false),
            (Button { kind: None, ..button("k") }, false),
            (view("https://example.org"), true),
            (view("javascript:alert(1)"), false),
            (view(""), false),
        ] {
            assert_eq!(Menu { button: vec![button.clone()] }.check().is_ok(), fits, "{button:?}");
        }
    }

    #[test]
    fn a_button_is_found_by_its_place() {
        let menu = menu(2, 2);
        assert!(menu.at(1, Some(1)).is_some());
        assert!(menu.at(1, Some(2)).is_none());
        assert!(menu.at(1, None).is_none(), "it only opens what is below it");
        assert!(Menu { button: vec![button("a")] }.at(0, None).is_some());
    }
}
