//! The hub: which devices are connected, and what waits to be pushed to them.
//!
//! An entry is rendered once and shared by everybody it goes to. Each device has a queue of shared frames, bounded in
//! bytes; a device that does not keep up is cut off and catches up with `GET /v1/sync`. Nothing here is durable, nothing
//! is lost with it: the log has everything, and positions tell a device where it was.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use commands::{people::Session, ports::Presence};
use domain::{BroadcastsEvent, ConversationId, DeviceId, DomainEvent, UserEvent, UserId};
use eventlog::Position;
use parking_lot::{Condvar, Mutex};
use projections::{
    Fact, ProjectionError,
    chat::{Audience, ChatView},
    moments::{MomentsView, Tiding},
    runtime::{Lagging, Slot},
};
use tokio::sync::Notify;

use crate::{broadcasting::Sent, notices::Announcements};

/// Why the server ends a connection. The numbers are WebSocket close codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The server stops.
    Stopping,
    /// The same device connected again.
    Replaced,
    /// The device did not keep up; it should catch up and come back.
    TooSlow,
    /// The device was logged out.
    LoggedOut,
    /// The device says that it has what this log has not come to.
    Ahead,
}

impl Cut {
    /// The close code.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Stopping => 1001,
            Self::Replaced => 4001,
            Self::TooSlow => 4008,
            Self::LoggedOut => 4003,
            Self::Ahead => 4009,
        }
    }

    /// The reason in words.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Stopping => "the server is stopping",
            Self::Replaced => "this device connected again",
            Self::TooSlow => "too slow: catch up with /v1/sync and connect again",
            Self::LoggedOut => "this device was logged out",
            Self::Ahead => "position-ahead: the log ends before that position; read the lists anew",
        }
    }
}

/// Something on its way to a device.
#[derive(Clone, Debug)]
pub enum Frame {
    /// An entry as JSON, and its position.
    Entry(u64, Bytes),
    /// A whole message as JSON: what is not in the log, such as "typing".
    Passing(Bytes),
}

impl Frame {
    fn len(&self) -> usize {
        match self {
            Self::Entry(_, json) | Self::Passing(json) => json.len(),
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
    cut: Option<Cut>,
}

/// One connected device.
#[derive(Debug)]
pub struct Connection {
    /// Whose.
    pub session: Session,
    /// Entries up to this position were before the connection: the device gets them by catching up.
    pub since: Position,
    queue: Mutex<Queue>,
    bytes_max: usize,
    /// Wakes the task that sends.
    pub wake: Notify,
}

impl Connection {
    fn push(&self, frame: Frame) {
        let mut queue = self.queue.lock();
        if queue.cut.is_some() {
            return;
        }
        queue.bytes += frame.len();
        queue.frames.push_back(frame);
        if queue.bytes > self.bytes_max {
            *queue = Queue { cut: Some(Cut::TooSlow), ..Queue::default() };
        }
        drop(queue);
        self.wake.notify_one();
    }

    /// As [`Self::push`], for what somebody else sends: it does not get a device cut that is slow.
    fn push_if_room(&self, frame: Frame) -> bool {
        let mut queue = self.queue.lock();
        if queue.cut.is_some() || queue.bytes + frame.len() > self.bytes_max / 2 {
            return false;
        }
        queue.bytes += frame.len();
        queue.frames.push_back(frame);
        drop(queue);
        self.wake.notify_one();
        true
    }

    fn cut(&self, cut: Cut) {
        let mut queue = self.queue.lock();
        if queue.cut.is_none() {
            *queue = Queue { cut: Some(cut), ..Queue::default() };
        }
        drop(queue);
        self.wake.notify_one();
    }

    /// Everything that waits, or why the connection ends.
    ///
    /// # Errors
    /// The reason to end it.
    pub fn take(&self) -> Result<VecDeque<Frame>, Cut> {
        let mut queue = self.queue.lock();
        if let Some(cut) = queue.cut {
            return Err(cut);
        }
        queue.bytes = 0;
        Ok(std::mem::take(&mut queue.frames))
    }
}

#[derive(Debug, Default)]
struct Connections {
    of: HashMap<UserId, Vec<Arc<Connection>>>,
    /// Everything up to this position has been given to whoever was connected.
    published: Position,
}

/// The connected devices.
#[derive(Debug)]
pub struct Hub {
    connections: Mutex<Connections>,
    /// Told when the read model has pushed what had to wait for it.
    caught_up: Condvar,
    count: AtomicU64,
    bytes_max: usize,
    /// How far devices said they are, for those that come back without saying it.
    acknowledged: Mutex<lru::LruCache<DeviceId, Position>>,
    /// Notices of Moments that may have to be pushed.
    pub(crate) announcements: Announcements,
    /// Broadcasts of official accounts that have to be pushed.
    pub(crate) broadcasts: Announcements<Sent>,
}

/// After this time a stopped read model is noticed by who waits for it.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Of how many devices it is remembered how far they are.
const ACKNOWLEDGED: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN.saturating_add(100_000 - 1);

impl Hub {
    /// A hub whose devices may each have that many bytes waiting.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self {
            connections: Mutex::default(),
            caught_up: Condvar::new(),
            count: AtomicU64::new(0),
            bytes_max,
            acknowledged: Mutex::new(lru::LruCache::new(ACKNOWLEDGED)),
            announcements: Announcements::default(),
            broadcasts: Announcements::default(),
        }
    }

    /// Connects a device, which finds everything up to `applied` in the read model; an older connection of the same
    /// device ends.
    #[must_use]
    pub fn connect(&self, session: Session, applied: Position) -> Arc<Connection> {
        let mut connections = self.connections.lock();
        let connection = Arc::new(Connection {
            session,
            // After a start nothing is pushed until something happens, and yet there is something to catch up on.
            since: connections.published.max(applied),
            queue: Mutex::default(),
            bytes_max: self.bytes_max,
            wake: Notify::new(),
        });
        let of_user = connections.of.entry(session.user).or_default();
        of_user.retain(|other| {
            let same = other.session.device == session.device;
            if same {
                other.cut(Cut::Replaced);
                self.count.fetch_sub(1, Ordering::Relaxed);
            }
            !same
        });
        of_user.push(connection.clone());
        of_user.shrink_to_fit();
        self.count.fetch_add(1, Ordering::Relaxed);
        connection
    }

    /// Forgets a connection that ended.
    pub fn disconnect(&self, connection: &Arc<Connection>) {
        let mut connections = self.connections.lock();
        let user = connection.session.user;
        let Some(of_user) = connections.of.get_mut(&user) else { return };
        let before = of_user.len();
        of_user.retain(|other| !Arc::ptr_eq(other, connection));
        let ended = (before - of_user.len()) as u64;
        if of_user.is_empty() {
            connections.of.remove(&user);
        }
        self.count.fetch_sub(ended, Ordering::Relaxed);
    }

    /// Ends every connection.
    pub fn stop(&self) {
        let connections = self.connections.lock();
        connections.of.values().flatten().for_each(|connection| connection.cut(Cut::Stopping));
    }

    /// How many devices are connected.
    #[must_use]
    pub fn connected(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Notes how far a device said it is.
    pub fn acknowledge(&self, device: DeviceId, position: Position) {
        let mut acknowledged = self.acknowledged.lock();
        let known = acknowledged.get(&device).copied().unwrap_or_default();
        acknowledged.put(device, known.max(position));
    }

    /// How far a device said it is.
    #[must_use]
    pub fn acknowledged(&self, device: DeviceId) -> Option<Position> {
        self.acknowledged.lock().get(&device).copied()
    }

    /// Pushes what of a batch, which the chat read model has taken in, was not pushed ahead. Called in the order of the
    /// log, by one thread.
    pub fn publish(&self, view: &ChatView, facts: &[Arc<Fact>]) {
        // Held for the whole batch, so that a device connects before or after it and never in the middle.
        let mut connections = self.connections.lock();
        for fact in facts {
            self.publish_next(&mut connections, view, fact, |fact| view.audience(fact).map(Some));
        }
        drop(connections);
        self.caught_up.notify_all();
    }

    /// Pushes a batch as soon as it is in the log: a message does not wait for rows that may have to wait for a disk.
    /// Where the read model must say first to whom an event goes, waits until it has pushed that itself. Called in the
    /// order of the log, by one thread.
    pub fn publish_ahead(&self, chat: &Slot<ChatView>, facts: &[Arc<Fact>]) {
        let mut connections = self.connections.lock();
        for fact in facts {
            loop {
                match chat.now() {
                    Ok(view) => {
                        if self.publish_next(&mut connections, &view, fact, |fact| view.audience_ahead(fact)) {
                            break;
                        }
                    }
                    // When it has stopped nothing can be relied on. While it is not live it has this event still to
                    // come; if it were passed over here, a later one could be pushed first.
                    Err(Lagging::Stopped { .. }) => return,
                    Err(_) => {}
                }
                self.caught_up.wait_for(&mut connections, LOOK_AGAIN);
            }
        }
    }

    /// Pushes an event, unless it was pushed before. False where it is not known yet to whom.
    fn publish_next(
        &self,
        connections: &mut Connections,
        view: &ChatView,
        fact: &Fact,
        audience: impl Fn(&Fact) -> Result<Option<Audience>, ProjectionError>,
    ) -> bool {
        if fact.position() <= connections.published {
            return true;
        }
        // Asked also while nobody is connected: who comes a moment later must not be pushed to by what the read model
        // knew before an event that was passed over. What can't be read stops the read model, and pushing with it.
        let Ok(Some(audience)) = audience(fact) else { return false };
        if !connections.of.is_empty() {
            Self::publish_to(connections, view, fact, audience);
        }
        connections.published = fact.position();
        true
    }

    fn publish_to(connections: &Connections, view: &ChatView, fact: &Fact, audience: Audience) {
        let frame = std::cell::LazyCell::new(|| {
            let entry = view.push_entry(fact).ok()??;
            let json = serde_json::to_vec(&entry).ok()?;
            Some(Frame::Entry(entry.position, Bytes::from(json)))
        });
        let push = |user: &UserId| {
            let of_user = connections.of.get(user).into_iter().flatten();
            for connection in of_user.filter(|connection| connection.since < fact.position()) {
                if let Some(frame) = &*frame {
                    connection.push(frame.clone());
                }
            }
        };
        match audience {
            Audience::Nobody => {}
            Audience::Users(users) => users.iter().for_each(push),
            Audience::Members(conversation) => view.members(conversation).iter().for_each(push),
        }
        if let Ok(DomainEvent::User(UserEvent::DeviceRevoked(revoked))) = fact.event() {
            let user = fact.meta().actor;
            let of_user = user.and_then(|user| connections.of.get(&user)).into_iter().flatten();
            let revoked = of_user.filter(|connection| connection.session.device == revoked.device);
            revoked.for_each(|connection| connection.cut(Cut::LoggedOut));
        }
    }

    /// Tells a person's devices that somebody is typing to them. It is not kept anywhere.
    pub fn typing(&self, to: UserId, from: UserId, conversation: ConversationId) {
        self.tell(to, &serde_json::json!({ "type": "typing", "conversation": conversation, "user": from }));
    }

    /// Sends a person's devices a message that is not part of catching up.
    pub(crate) fn tell(&self, to: UserId, message: &serde_json::Value) {
        let frame = Frame::Passing(Bytes::from(message.to_string()));
        let connections = self.connections.lock();
        connections.of.get(&to).into_iter().flatten().for_each(|connection| connection.push(frame.clone()));
    }

    /// Sends the devices of some people a message that is not part of catching up.
    pub(crate) fn tell_all(&self, to: &[UserId], message: &serde_json::Value) {
        let frame = Frame::Passing(Bytes::from(message.to_string()));
        let connections = self.connections.lock();
        let of_all = to.iter().filter_map(|user| connections.of.get(user)).flatten();
        of_all.for_each(|connection| connection.push(frame.clone()));
    }

    /// Everybody who has a device connected.
    pub(crate) fn people(&self) -> Vec<UserId> {
        self.connections.lock().of.keys().copied().collect()
    }

    /// Those of some people who have a device connected.
    pub(crate) fn present(&self, mut people: BTreeSet<UserId>) -> BTreeSet<UserId> {
        let connections = self.connections.lock();
        people.retain(|user| connections.of.contains_key(user));
        people
    }

    /// Sends one device a message that is not part of catching up; tells whether there was room for it.
    pub(crate) fn tell_device(&self, user: UserId, device: DeviceId, message: &serde_json::Value) -> bool {
        let frame = Frame::Passing(Bytes::from(message.to_string()));
        let connections = self.connections.lock();
        let mut of_user = connections.of.get(&user).into_iter().flatten();
        of_user.find(|one| one.session.device == device).is_some_and(|connection| connection.push_if_room(frame))
    }

    /// Notes which broadcasts are among facts that their read model has taken in.
    pub fn announce_broadcasts(&self, facts: &[Arc<Fact>]) {
        if self.connected() == 0 {
            return;
        }
        let sent = |fact: &Arc<Fact>| match fact.event() {
            Ok(DomainEvent::Broadcasts(BroadcastsEvent::BroadcastSent(sent))) => Some((sent.account, sent.number)),
            _ => None,
        };
        self.broadcasts.put(facts.iter().filter(|fact| fact.event_type() == "broadcast.sent").filter_map(sent));
    }

    /// Notes what connected people may have to be told of facts that the Moments read model has taken in.
    pub fn announce(&self, view: &MomentsView, facts: &[Arc<Fact>]) {
        let Some(first) = facts.first() else { return };
        if self.connected() == 0 {
            return;
        }
        let is_new = |tiding: &Tiding| tiding.position() >= first.position();
        self.announcements.put(view.fresh_tidings().into_iter().filter(is_new));
    }
}

impl Presence for Hub {
    fn is_connected(&self, user: UserId, device: DeviceId) -> bool {
        let connections = self.connections.lock();
        connections.of.get(&user).is_some_and(|of_user| of_user.iter().any(|one| one.session.device == device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session { user: UserId::new(), device: DeviceId::new() }
    }

    #[test]
    fn a_device_that_connects_before_anything_was_pushed_catches_up_on_what_the_read_model_has() {
        let hub = Hub::new(1_000);
        assert_eq!(hub.connect(session(), Position(7)).since, Position(7));
        hub.connections.lock().published = Position(9);
        assert_eq!(hub.connect(session(), Position(7)).since, Position(9));
    }

    #[test]
    fn a_device_that_connects_again_ends_its_older_connection() {
        let hub = Hub::new(1_000);
        let session = session();
        let first = hub.connect(session, Position::START);
        let second = hub.connect(session, Position::START);
        assert_eq!(first.take().unwrap_err(), Cut::Replaced);
        assert!(second.take().unwrap().is_empty());
        assert_eq!(hub.connected(), 1);
        hub.disconnect(&first);
        assert_eq!(hub.connected(), 1);
        hub.disconnect(&second);
        assert_eq!(hub.connected(), 0);
    }

    #[test]
    fn a_device_that_does_not_keep_up_is_cut_and_its_queue_is_freed() {
        let hub = Hub::new(300);
        let (slow, other) = (session(), UserId::new());
        let connection = hub.connect(slow, Position::START);
        for _ in 0..10 {
            hub.typing(slow.user, other, ConversationId::new());
        }
        assert_eq!(connection.take().unwrap_err(), Cut::TooSlow);
        assert_eq!(connection.queue.lock().frames.capacity(), 0);
    }

    #[test]
    fn what_is_for_one_device_reaches_that_one_and_does_not_get_it_cut() {
        let hub = Hub::new(300);
        let one = session();
        let other = Session { device: DeviceId::new(), ..one };
        let [first, second] = [one, other].map(|session| hub.connect(session, Position::START));
        let message = serde_json::json!("x".repeat(60));
        let told: Vec<bool> = (0..4).map(|_| hub.tell_device(one.user, one.device, &message)).collect();
        assert_eq!(told, [true, true, false, false]);
        assert_eq!((first.take().unwrap().len(), second.take().unwrap().len()), (2, 0));
        assert!(!hub.tell_device(UserId::new(), one.device, &message));
    }

    #[test]
    fn an_acknowledgement_never_goes_back() {
        let hub = Hub::new(1);
        let device = DeviceId::new();
        hub.acknowledge(device, Position(9));
        hub.acknowledge(device, Position(5));
        assert_eq!(hub.acknowledged(device), Some(Position(9)));
    }
}
