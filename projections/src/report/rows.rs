//! How counts are laid out on disk. All numbers are big-endian.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `days` | user, year (u16), day of the year from 1 (u16) | per kind that was sent: its code (u8), count (u32) |
//! | `hours` | user, year (u16) | for each of 24 hours: count (u32) |
//! | `conversations` | user, year (u16), conversation | count (u32) |
//! | `calls` | user, year (u16) | count (u32), seconds (u64) |

use domain::{ConversationId, UserId, conversation::ContentKind};
use uuid::Uuid;

/// Kinds of contents there are.
pub(super) const KINDS: usize = ContentKind::ALL.len();
/// Hours of a day.
pub(super) const HOURS: usize = 24;

/// Messages of a day by kind, in the order of [`ContentKind::ALL`].
pub(super) type ByKind = [u32; KINDS];
/// Messages of a year by the hour of the day.
pub(super) type ByHour = [u32; HOURS];

/// The calls of a year in which somebody talked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Talked {
    /// How many.
    pub(super) calls: u32,
    /// For how long in all.
    pub(super) seconds: u64,
}

impl Talked {
    /// Adds what else they talked.
    pub(super) fn add(&mut self, more: Talked) {
        self.calls = self.calls.saturating_add(more.calls);
        self.seconds = self.seconds.saturating_add(more.seconds);
    }
}

/// The place of a kind in [`ByKind`], which is also its code on disk.
pub(super) fn kind_index(kind: ContentKind) -> usize {
    ContentKind::ALL.iter().position(|known| *known == kind).unwrap_or_default()
}

/// What the keys of a person's rows begin with.
pub(super) fn user_prefix(user: UserId) -> [u8; 16] {
    user.0.into_bytes()
}

/// What the keys of a person's rows of a year begin with; the whole key in `hours` and `calls`.
pub(super) fn year_key(user: UserId, year: u16) -> Vec<u8> {
    [user.0.as_bytes().as_slice(), &year.to_be_bytes()].concat()
}

/// A key in `days`.
pub(super) fn day_key(user: UserId, year: u16, day: u16) -> Vec<u8> {
    [user.0.as_bytes().as_slice(), &year.to_be_bytes(), &day.to_be_bytes()].concat()
}

/// A key in `conversations`.
pub(super) fn conversation_key(user: UserId, year: u16, conversation: ConversationId) -> Vec<u8> {
    [user.0.as_bytes().as_slice(), &year.to_be_bytes(), conversation.0.as_bytes()].concat()
}

/// Year and day in a key of `days`.
pub(super) fn day_of(key: &[u8]) -> Option<(u16, u16)> {
    let (year, day) = key.get(16..)?.split_first_chunk()?;
    Some((u16::from_be_bytes(*year), u16::from_be_bytes(*day.first_chunk()?)))
}

/// The conversation in a key of `conversations`.
pub(super) fn conversation_of(key: &[u8]) -> Option<ConversationId> {
    let id = key.get(18..)?.first_chunk()?;
    Some(ConversationId(Uuid::from_bytes(*id)))
}

/// A value in `days`.
pub(super) fn by_kind_bytes(counts: &ByKind) -> Vec<u8> {
    let sent = (0_u8..).zip(counts).filter(|(_, count)| **count > 0);
    sent.flat_map(|(code, count)| std::iter::once(code).chain(count.to_be_bytes())).collect()
}

/// Reads a value in `days`.
pub(super) fn read_by_kind(bytes: &[u8]) -> Option<ByKind> {
    let mut counts = [0; KINDS];
    let (entries, rest) = bytes.as_chunks::<5>();
    for [code, count @ ..] in entries {
        *counts.get_mut(usize::from(*code))? = u32::from_be_bytes(*count);
    }
    rest.is_empty().then_some(counts)
}

/// A value in `hours`.
pub(super) fn by_hour_bytes(counts: &ByHour) -> Vec<u8> {
    counts.iter().flat_map(|count| count.to_be_bytes()).collect()
}

/// Reads a value in `hours`.
pub(super) fn read_by_hour(bytes: &[u8]) -> Option<ByHour> {
    let (counts, rest) = bytes.as_chunks::<4>();
    let counts: ByHour = counts.iter().map(|count| u32::from_be_bytes(*count)).collect::<Vec<_>>().try_into().ok()?;
    rest.is_empty().then_some(counts)
}

/// Reads a value in `conversations`.
pub(super) fn read_count(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// A value in `calls`.
pub(super) fn talked_bytes(talked: Talked) -> Vec<u8> {
    [talked.calls.to_be_bytes().as_slice(), &talked.seconds.to_be_bytes()].concat()
}

/// Reads a value in `calls`.
pub(super) fn read_talked(bytes: &[u8]) -> Option<Talked> {
    let (calls, seconds) = bytes.split_first_chunk()?;
    Some(Talked { calls: u32::from_be_bytes(*calls), seconds: u64::from_be_bytes(seconds.try_into().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_they_were_written() {
        let mut by_kind = [0; KINDS];
        (by_kind[0], by_kind[4]) = (7, u32::MAX);
        assert_eq!(by_kind_bytes(&by_kind).len(), 10);
        assert_eq!(read_by_kind(&by_kind_bytes(&by_kind)), Some(by_kind));
        let mut by_hour = [0; HOURS];
        by_hour[23] = 9;
        assert_eq!(read_by_hour(&by_hour_bytes(&by_hour)), Some(by_hour));
        let talked = Talked { calls: 3, seconds: u64::MAX };
        assert_eq!(read_talked(&talked_bytes(talked)), Some(talked));
        assert_eq!(read_talked(&talked_bytes(talked)[1..]), None);
    }

    #[test]
    fn bytes_of_another_length_or_kind_are_refused() {
        assert_eq!(read_by_kind(&[0, 0, 0, 0]), None);
        assert_eq!(read_by_kind(&[200, 0, 0, 0, 1]), None);
        assert_eq!(read_by_hour(&[0; 95]), None);
        assert_eq!(read_count(&[0; 3]), None);
    }

    #[test]
    fn days_sort_by_user_then_year_then_day() {
        let (one, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let keys = [day_key(one, 2025, 300), day_key(one, 2026, 9), day_key(one, 2026, 10), day_key(other, 2000, 1)];
        assert!(keys.is_sorted());
        assert_eq!(day_of(&keys[1]), Some((2026, 9)));
    }
}
