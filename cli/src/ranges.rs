//! From where to where each number among the settings goes: what is beyond would stop the server later, or hurt it.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::settings::{Settings, SettingsError};

/// Ten years, in seconds.
const YEARS: i64 = 10 * 366 * 24 * 3600;
/// More than that many of anything nobody has.
const MANY: i64 = 1_000_000;
/// More money than that nobody moves at once.
const MONEY: i64 = 1_000_000_000_000;

/// Settings that are numbers, the least and the most that each may be. `*` stands for any place in a list.
const RANGES: &[(&str, i64, i64)] = &[
    ("log_cache_bytes", 0, 1 << 40),
    ("api.workers", 0, 1_024),
    ("api.body_bytes_max", 16 * 1024, 16 * 1024 * 1024),
    ("api.body_seconds", 1, 3_600),
    ("api.connections_max", 1, MANY),
    ("api.read_wait_ms", 0, 600_000),
    ("api.stop_seconds", 0, 3_600),
    ("api.push_bytes_max", 4 * 1024, 1 << 30),
    ("api.socket_idle_seconds", 2, 24 * 3600),
    ("api.rates.*", 0, MANY),
    ("ice.turn_seconds", 60, 30 * 24 * 3600),
    ("sfu.devices_max", 1, 1_000),
    ("sfu.kilobits_max", 64, MANY),
    ("sfu.silent_seconds", 1, 3600),
    ("policy.recall_seconds", 0, YEARS),
    ("policy.re_edit_seconds", 0, YEARS),
    ("policy.group_members_max", 3, 100_000),
    ("policy.invite_freely_up_to", 0, MANY),
    ("policy.join_by_code_up_to", 0, MANY),
    ("policy.join_code_seconds", 1, YEARS),
    ("policy.rename_freely_up_to", 0, MANY),
    ("policy.group_admins_max", 0, MANY),
    ("policy.read_receipts_up_to", 0, MANY),
    ("policy.invitation_seconds", 0, YEARS),
    ("policy.group_pending_max", 0, MANY),
    ("policy.announcement_chars", 1, 10_000),
    ("policy.message_bytes", 1, 48 * 1024),
    ("policy.mentions_max", 0, 1_000),
    ("policy.forward_max", 1, 1_000),
    ("policy.friends_max", 0, MANY),
    ("policy.full_friends_max", 0, MANY),
    ("policy.friend_requests_max", 0, MANY),
    ("policy.friend_request_seconds", 0, YEARS),
    ("policy.remark_bytes", 1, 1_000),
    ("policy.tags_max", 0, 10_000),
    ("policy.blocked_max", 0, MANY),
    ("policy.devices_max", 1, 1_000),
    ("policy.moments.text_chars", 1, 10_000),
    ("policy.moments.comment_chars", 1, 10_000),
    ("policy.moments.pictures_max", 0, 100),
    ("policy.moments.remind_max", 0, 500),
    ("policy.moments.audience_max", 1, 1_000),
    ("policy.moments.comments_max", 0, MANY),
    ("policy.moments.stranger_posts", 0, 1_000),
    ("policy.official.operators_max", 0, MANY),
    ("policy.official.followed_max", 0, MANY),
    ("policy.official.*_seconds", 1, YEARS),
    ("policy.official.replies_max", 0, 16),
    ("policy.official.greetings_max", 0, 16),
    ("policy.official.article_bytes", 1, 60 * 1024),
    ("policy.official.day_offset_minutes", -24 * 60, 24 * 60),
    ("policy.official.broadcasts_*_max", 0, 1_000),
    ("policy.official.tag_broadcasts_day_max", 0, 1_000),
    ("policy.official.follower_tags_max", 0, 1_000),
    ("policy.official.tags_per_follower_max", 0, 1_000),
    ("policy.calls.*_seconds", 1, 24 * 3600),
    ("policy.calls.group_max", 2, 32),
    ("policy.calls.mesh_max", 1, 32),
    ("policy.media.picture_bytes", 1_024, 1 << 30),
    ("policy.media.picture_pixels", 1, 1_000_000_000),
    ("policy.media.voice_bytes", 1_024, 64 * 1024 * 1024),
    ("policy.media.voice_seconds", 1, 24 * 3600),
    ("policy.media.video_bytes", 1_024, 1 << 34),
    ("policy.media.video_seconds", 1, 24 * 3600),
    ("policy.media.file_bytes", 1_024, 1 << 34),
    ("policy.media.quota_bytes", 0, 1 << 50),
    ("policy.media.sticker_bytes", 1_024, 1 << 30),
    ("policy.media.stickers_max", 1, 10_000),
    ("policy.media.file_recall_seconds", 0, YEARS),
    ("policy.media.unnamed_seconds", 3600, YEARS),
    ("policy.media.uploads_max", 1, 1_000),
    ("policy.media.upload_seconds", 60, YEARS),
    ("policy.media.link_seconds", 1, 30 * 24 * 3600),
    ("policy.money.day_offset_minutes", -14 * 60, 14 * 60),
    ("policy.money.pin_tries", 1, 100),
    ("policy.money.*_seconds", 1, YEARS),
    ("policy.money.arrival_seconds.*", 0, YEARS),
    ("policy.money.*_max", 1, MANY),
    ("policy.money.tiers.*.cards", 0, 1_000),
    ("policy.money.withdrawal_rate", 0, 1),
    ("policy.money.withdrawal_fee_min", 0, MONEY),
    ("policy.money.merchant_withdrawal_rate", 0, 1),
    ("policy.money.withdrawal_free", 0, MONEY),
    ("commands.cached_streams", 16, 100 * MANY),
    ("media.uploads_max", 1, 10_000),
    ("media.picture_memory_bytes", 64 * 1024 * 1024, 1 << 40),
    ("media.waiting_max", 1, MANY),
    ("media.s3.connect_timeout_ms", 1, 600_000),
    ("media.s3.timeout_ms", 1, 600_000),
    ("commands.passwords.memory_kib", 8, 4 * 1024 * 1024),
    ("commands.passwords.passes", 1, 1_000),
    ("commands.passwords.at_once", 1, 1_024),
    ("commands.passwords.waiting_max", 0, MANY),
    ("cluster.nodes", 1, 1_000),
    ("cluster.patience_ms", 100, 60_000),
    ("cluster.lease_seconds", 3, 3_600),
    ("*.connect_timeout_ms", 1, 600_000),
    ("*.timeout_ms", 1, 600_000),
    ("*.answer_bytes_max", 1_024, 1 << 30),
    ("*.calls_max", 1, 10_000),
];

/// Checks every number among the settings.
///
/// # Errors
/// The first one out of its range.
pub(crate) fn check(settings: &Settings) -> Result<(), SettingsError> {
    let written = serde_json::to_value(settings).map_err(|error| SettingsError::Unwritable(error.to_string()))?;
    let mut checked = Ok(());
    walk(&written, &mut String::new(), &mut |setting, number| {
        if checked.is_ok() {
            checked = check_number(setting, number);
        }
    });
    checked
}

fn check_number(setting: &str, number: Decimal) -> Result<(), SettingsError> {
    let out = |least: String, most: i64| {
        let (setting, value) = (setting.to_owned(), number.to_string());
        Err(SettingsError::OutOfRange { setting, value, least, most })
    };
    match RANGES.iter().find(|(name, ..)| names(name, setting)) {
        Some((_, least, most)) if number < (*least).into() || number > (*most).into() => out(least.to_string(), *most),
        Some(_) => Ok(()),
        // What is left are amounts of money, above zero.
        None if number <= Decimal::ZERO || number > MONEY.into() => out("more than 0".to_owned(), MONEY),
        None => Ok(()),
    }
}

/// Whether a name in the table, with at most one `*` a part, is that of a setting.
fn names(name: &str, setting: &str) -> bool {
    let (mut parts, mut found) = (name.split('.'), setting.split('.'));
    loop {
        match (parts.next(), found.next()) {
            (None, None) => return true,
            (Some(part), Some(found)) => match part.split_once('*') {
                Some((before, after)) if found.starts_with(before) && found.ends_with(after) => {}
                None if part == found => {}
                _ => return false,
            },
            _ => return false,
        }
    }
}

/// Tells each number, and each amount written as text, with its name.
fn walk(value: &Value, name: &mut String, tell: &mut dyn FnMut(&str, Decimal)) {
    let mut into = |part: &str, value: &Value, name: &mut String| {
        let length = name.len();
        if length > 0 {
            name.push('.');
        }
        name.push_str(part);
        walk(value, name, tell);
        name.truncate(length);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(part, value)| into(part, value, name)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| into(&index.to_string(), value, name));
        }
        // A number beyond what a decimal holds is beyond every range as well.
        Value::Number(number) => tell(name, number.to_string().parse().unwrap_or(Decimal::MAX)),
        Value::String(text) if name.starts_with("policy.") => {
            if let Ok(amount) = text.parse() {
                tell(name, amount);
            }
        }
        Value::String(_) | Value::Bool(_) | Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_their_ranges_and_every_range_is_of_a_setting() {
        let settings = Settings {
            bank: Some(Default::default()),
            biller: Some(Default::default()),
            media: media::MediaOptions { s3: Some(Default::default()), ..Default::default() },
            ..Settings::default()
        };
        assert!(check(&settings).is_ok());
        let mut settings_named = vec![];
        walk(&serde_json::to_value(&settings).unwrap(), &mut String::new(), &mut |name, _| {
            settings_named.push(name.to_owned());
        });
        for (name, ..) in RANGES {
            assert!(settings_named.iter().any(|setting| names(name, setting)), "{name}");
        }
        let unnamed = settings_named.iter().filter(|setting| !RANGES.iter().any(|(name, ..)| names(name, setting)));
        for setting in unnamed {
            assert!(setting.starts_with("policy.money."), "{setting} has no range");
        }
    }

    #[test]
    fn what_is_out_of_range_is_named_with_its_range() {
        let refused = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            check(&settings).unwrap_err().to_string()
        };
        let recall = refused(|settings| settings.policy.recall_seconds = -1);
        assert_eq!(recall, "the setting policy.recall_seconds is -1, out of its range: 0 to 316224000");
        assert!(
            refused(|settings| settings.policy.friend_request_seconds = i64::MAX).contains("friend_request_seconds")
        );
        assert!(refused(|settings| settings.api.body_bytes_max = 0).contains("api.body_bytes_max"));
        assert!(refused(|settings| settings.api.connections_max = 0).contains("api.connections_max"));
        assert!(refused(|settings| settings.commands.passwords.passes = 0).contains("commands.passwords.passes"));
        assert!(refused(|settings| settings.commands.passwords.at_once = 0).contains("commands.passwords.at_once"));
        assert!(refused(|settings| settings.policy.money.payment = Decimal::ZERO).contains("policy.money.payment"));
        let tier = refused(|settings| settings.policy.money.tiers.iter_mut().for_each(|t| t.day = Some((-1).into())));
        assert!(tier.contains("policy.money.tiers.0.day is -1"), "{tier}");
    }
}
