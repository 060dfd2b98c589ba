//! One person's part in one conversation.

use chrono::{DateTime, Utc};

use super::bytes::{Fields, put_number, put_text};

/// What an open stay has for an end.
const OPEN: u64 = u64::MAX;

/// A time that somebody was in a conversation, in versions and message numbers of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    /// The version of the event that brought them in: the first that they see.
    pub(super) from: u64,
    /// The last message before they came: the ones above it they see.
    pub(super) seq_before: u64,
    /// The version of the event that took them out: the last that they see.
    to: u64,
    /// The last message that they see.
    seq_to: u64,
}

impl Stay {
    /// A stay that lasts.
    pub(super) fn begun(from: u64, seq_before: u64) -> Self {
        Self { from, seq_before, to: OPEN, seq_to: OPEN }
    }

    /// Whether it lasts.
    pub(super) fn is_open(self) -> bool {
        self.to == OPEN
    }

    /// Its last version, where the conversation is at `version`.
    pub(super) fn last_version(self, version: u64) -> u64 {
        self.to.min(version)
    }

    /// Its last message, where the conversation is at message `seq`.
    pub(super) fn last_seq(self, seq: u64) -> u64 {
        self.seq_to.min(seq)
    }

    /// Whether the event of that version lies in it.
    pub(super) fn has_version(self, version: u64) -> bool {
        (self.from..=self.to).contains(&version)
    }

    /// Whether the message of that number lies in it.
    pub(super) fn has_seq(self, seq: u64) -> bool {
        self.seq_before < seq && seq <= self.seq_to
    }
}

/// What a person is in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// Their place among those who came by the same event.
    pub(super) rank: u32,
    /// When they came, in microseconds since 1970.
    pub(super) joined_micros: i64,
    /// The name they go by in this group; empty for none.
    pub(super) nickname: String,
    /// Whether they may not speak, and until when.
    pub(super) silenced: Option<Option<DateTime<Utc>>>,
    /// What the group was called when they went: they do not learn later names.
    pub(super) name_at_end: String,
}

/// One person's part in one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    /// The latest stay.
    pub(super) stay: Stay,
    /// Stays before it, oldest first.
    pub(super) earlier: Box<[Stay]>,
    /// The last message they sent.
    pub(super) sent: u64,
    /// The last message that any of their devices showed.
    pub(super) read: u64,
    /// The last message that called on them by name.
    pub(super) mention: u64,
    /// One more than the last message when they took the conversation off their list; zero when they did not.
    pub(super) hidden: u64,
    /// The last message of the history that they cleared.
    pub(super) cleared: u64,
    /// The position at which they cleared it: of what stood behind that message, the notices up to here are gone too.
    pub(super) cleared_at: u64,
    /// Kept at the top of the list.
    pub(super) pinned: bool,
    /// Does not notify.
    pub(super) muted: bool,
    /// Does not notify because the official account that it is with was muted.
    pub(super) account_muted: bool,
    /// Whether single messages were deleted: only then `deleted` has rows to look for.
    pub(super) deletions: bool,
    /// What they are in the group; none in a direct conversation.
    pub(super) part: Option<Box<Part>>,
}

impl Seat {
    /// The seat of somebody who just came.
    pub(super) fn taken(stay: Stay, part: Option<Part>) -> Self {
        Self {
            stay,
            earlier: Box::default(),
            sent: 0,
            read: 0,
            mention: 0,
            hidden: 0,
            cleared: 0,
            cleared_at: 0,
            pinned: false,
            muted: false,
            account_muted: false,
            deletions: false,
            part: part.map(Box::new),
        }
    }

    /// They come again. Who went muted is muted still.
    pub(super) fn retake(&mut self, stay: Stay, part: Part) {
        let silenced = self.part.as_ref().and_then(|part| part.silenced);
        let part = Part { silenced, ..part };
        let ended = std::mem::replace(&mut self.stay, stay);
        self.earlier = self.earlier.iter().copied().chain([ended]).collect();
        self.part = Some(Box::new(part));
    }

    /// They go with the event of `version`, when the last message was `seq` and the group was called `name`.
    pub(super) fn leave(&mut self, version: u64, seq: u64, name: &str) {
        if self.stay.is_open() {
            self.stay.to = version;
            self.stay.seq_to = seq;
            if let Some(part) = &mut self.part {
                part.name_at_end = name.to_owned();
            }
        }
    }

    /// Whether it does not notify, for whatever reason.
    pub(super) fn is_muted(&self) -> bool {
        self.muted || self.account_muted
    }

    /// All stays, oldest first.
    pub(super) fn stays(&self) -> impl DoubleEndedIterator<Item = Stay> {
        self.earlier.iter().copied().chain([self.stay])
    }

    /// The last message that needs no more looking at.
    pub(super) fn seen(&self) -> u64 {
        self.read.max(self.sent).max(self.stay.seq_before).max(self.cleared)
    }

    /// How many messages wait, where the conversation is at message `seq`.
    pub(super) fn unread(&self, seq: u64) -> u64 {
        self.stay.last_seq(seq).saturating_sub(self.seen())
    }

    /// Whether it was taken off the list and nothing was said since, where the conversation is at message `seq`.
    pub(super) fn is_hidden(&self, seq: u64) -> bool {
        self.stay.last_seq(seq) < self.hidden
    }

    /// The row as `seats` stores it: one byte of flags, six numbers, the number of stays, four numbers each, then in
    /// groups the part: rank, time of joining (8 bytes), nickname, silence (a byte: none, without end, or with 8 bytes of
    /// end), name at the end.
    pub(super) fn encode(&self) -> Vec<u8> {
        let flags = [self.pinned, self.muted, self.deletions, self.part.is_some(), self.account_muted];
        let mut row = Vec::with_capacity(64);
        row.push(flags.iter().rev().fold(0, |byte, flag| byte << 1 | u8::from(*flag)));
        for number in [self.sent, self.read, self.mention, self.hidden, self.cleared, self.cleared_at] {
            put_number(&mut row, number);
        }
        put_number(&mut row, self.earlier.len() as u64 + 1);
        for stay in self.stays() {
            // Adding one turns the open end into zero: one byte for the usual case.
            for number in [stay.from, stay.seq_before, stay.to.wrapping_add(1), stay.seq_to.wrapping_add(1)] {
                put_number(&mut row, number);
            }
        }
        if let Some(part) = &self.part {
            part.encode(&mut row);
        }
        row
    }

    /// Reads a stored row.
    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let mut fields = Fields::of(row);
        let flags = fields.byte()?;
        let mut numbers = [0; 6];
        for number in &mut numbers {
            *number = fields.number()?;
        }
        let [sent, read, mention, hidden, cleared, cleared_at] = numbers;
        let count = fields.number()?;
        let mut stays = (0..count).map(|_| decode_stay(&mut fields)).collect::<Option<Vec<_>>>()?;
        let stay = stays.pop()?;
        let part = if flags & 8 == 0 { None } else { Some(Box::new(Part::decode(&mut fields)?)) };
        fields.end()?;
        Some(Self {
            stay,
            earlier: stays.into(),
            sent,
            read,
            mention,
            hidden,
            cleared,
            cleared_at,
            pinned: flags & 1 != 0,
            muted: flags & 2 != 0,
            account_muted: flags & 16 != 0,
            deletions: flags & 4 != 0,
            part,
        })
    }
}

fn decode_stay(fields: &mut Fields<'_>) -> Option<Stay> {
    Some(Stay {
        from: fields.number()?,
        seq_before: fields.number()?,
        to: fields.number()?.wrapping_sub(1),
        seq_to: fields.number()?.wrapping_sub(1),
    })
}

impl Part {
    fn encode(&self, row: &mut Vec<u8>) {
        put_number(row, u64::from(self.rank));
        row.extend_from_slice(&self.joined_micros.to_be_bytes());
        put_text(row, &self.nickname);
        match self.silenced {
            None => row.push(0),
            Some(None) => row.push(1),
            Some(Some(until)) => {
                row.push(2);
                row.extend_from_slice(&until.timestamp_micros().to_be_bytes());
            }
        }
        put_text(row, &self.name_at_end);
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            rank: u32::try_from(fields.number()?).ok()?,
            joined_micros: i64::from_be_bytes(fields.array()?),
            nickname: fields.text()?.to_owned(),
            silenced: match fields.byte()? {
                0 => None,
                1 => Some(None),
                _ => Some(Some(DateTime::from_timestamp_micros(i64::from_be_bytes(fields.array()?))?)),
            },
            name_at_end: fields.text()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_comes_back_from_its_row() {
        let until = DateTime::from_timestamp_micros(1_700_000_000_000_001);
        let part = Part { rank: 3, nickname: "小明".into(), silenced: Some(until), ..Part::default() };
        let mut seat = Seat::taken(Stay::begun(1, 0), Some(part.clone()));
        seat.leave(9, 7, "tea");
        seat.retake(Stay::begun(12, 8), Part { silenced: Some(None), ..part });
        (seat.read, seat.cleared, seat.muted, seat.deletions) = (300, u64::MAX, true, true);
        assert_eq!(Seat::decode(&seat.encode()), Some(seat));
        let quiet = Seat { account_muted: true, ..Seat::taken(Stay::begun(1, 0), None) };
        assert_eq!(Seat::decode(&quiet.encode()), Some(quiet));
        let plain = Seat::taken(Stay::begun(1, 0), None);
        assert_eq!(Seat::decode(&plain.encode()), Some(plain));
    }

    #[test]
    fn a_second_leave_changes_nothing() {
        let mut seat = Seat::taken(Stay::begun(1, 0), Some(Part::default()));
        seat.leave(5, 3, "tea");
        let left = seat.clone();
        seat.leave(6, 4, "coffee");
        assert_eq!(seat, left);
    }
}
