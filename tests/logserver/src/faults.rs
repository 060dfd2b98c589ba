//! Faults to order: what goes wrong with the calls that come next.

use std::{collections::VecDeque, str::FromStr, time::Duration};

use parking_lot::Mutex;

/// Something that goes wrong once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An append is lost on its way here: nothing is written and every connection is cut.
    CutBeforeCommit,
    /// An append is written, and every connection is cut before the answer.
    CutAfterCommit,
    /// An append is answered with UNAVAILABLE; nothing is written.
    Unavailable,
    /// An append is written and answered with UNAVAILABLE.
    UnavailableAfterCommit,
    /// An append is answered with `not-leader`, naming that port.
    NotLeader(u16),
    /// An append is never answered; nothing is written.
    Hang,
    /// An append is written and never answered.
    HangAfterCommit,
    /// A read is answered with UNAVAILABLE.
    ReadUnavailable,
    /// A read is never answered.
    ReadHang,
    /// A read ends well after that many events, however many there are.
    ReadEndsAfter(usize),
    /// All connections are cut in the middle of a read, after that many events.
    ReadCutAfter(usize),
}

impl Fault {
    fn concerns_reads(self) -> bool {
        matches!(self, Self::ReadUnavailable | Self::ReadHang | Self::ReadEndsAfter(_) | Self::ReadCutAfter(_))
    }
}

/// A name that is no fault's.
#[derive(Debug)]
pub struct UnknownFault;

impl FromStr for Fault {
    type Err = UnknownFault;

    /// Reads a fault's name with its number, such as `not-leader:2113`.
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let (name, number) = text.split_once(':').unwrap_or((text, "0"));
        let number: usize = number.parse().map_err(|_| UnknownFault)?;
        Ok(match name {
            "cut-before-commit" => Self::CutBeforeCommit,
            "cut-after-commit" => Self::CutAfterCommit,
            "unavailable" => Self::Unavailable,
            "unavailable-after-commit" => Self::UnavailableAfterCommit,
            "not-leader" => Self::NotLeader(u16::try_from(number).map_err(|_| UnknownFault)?),
            "hang" => Self::Hang,
            "hang-after-commit" => Self::HangAfterCommit,
            "read-unavailable" => Self::ReadUnavailable,
            "read-hang" => Self::ReadHang,
            "read-ends-after" => Self::ReadEndsAfter(number),
            "read-cut-after" => Self::ReadCutAfter(number),
            _ => return Err(UnknownFault),
        })
    }
}

/// What the calls did that came so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Appends, one at a time.
    pub appends: u64,
    /// Streams of appends.
    pub batch_streams: u64,
    /// Reads.
    pub reads: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Questions for what the server can do, of which there is one a client.
    pub greetings: u64,
}

#[derive(Default)]
struct Ordered {
    appends: VecDeque<Fault>,
    reads: VecDeque<Fault>,
    slow: Duration,
    conflicts_as_status: bool,
    mute: bool,
    calls: Calls,
}

/// The faults that were ordered and have not come yet, and how the server is otherwise.
#[derive(Default)]
pub struct Faults(Mutex<Ordered>);

impl Faults {
    /// Has a fault come with that many of the next calls that it concerns.
    pub fn order(&self, fault: Fault, times: usize) {
        let mut ordered = self.0.lock();
        let queue = if fault.concerns_reads() { &mut ordered.reads } else { &mut ordered.appends };
        queue.extend(std::iter::repeat_n(fault, times));
    }

    /// Forgets whatever was ordered.
    pub fn clear(&self) {
        let calls = self.calls();
        *self.0.lock() = Ordered { calls, ..Ordered::default() };
    }

    /// Has every call take that much longer.
    pub fn slow(&self, by: Duration) {
        self.0.lock().slow = by;
    }

    /// Has conflicts told as a status of the call, as batches are told them, not as a message.
    pub fn conflicts_as_status(&self, on: bool) {
        self.0.lock().conflicts_as_status = on;
    }

    /// Has new clients get no answer.
    pub fn mute(&self, on: bool) {
        self.0.lock().mute = on;
    }

    /// What came so far.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.0.lock().calls
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut Calls)) {
        count(&mut self.0.lock().calls);
    }

    pub(crate) fn next_append(&self) -> Option<Fault> {
        self.0.lock().appends.pop_front()
    }

    pub(crate) fn next_read(&self) -> Option<Fault> {
        self.0.lock().reads.pop_front()
    }

    pub(crate) fn tells_conflicts_as_status(&self) -> bool {
        self.0.lock().conflicts_as_status
    }

    pub(crate) fn is_mute(&self) -> bool {
        self.0.lock().mute
    }

    pub(crate) async fn delay(&self) {
        let slow = self.0.lock().slow;
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
    }
}
