//! The people of a bench: made by the same commands that the API offers, before the measured server starts.

use commands::{
    Caller, CommandError, CommandKey, Commands, Token, contacts::RequestFriend, conversations::CreateGroup,
    people::Register,
};
use domain::{CommandId, ConversationId, DeviceId, HoldId, UserEvent, UserId, friendship::Source};
use futures::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::market::{self, Payer, Shop};
use crate::{error::Error, house::House, settings::Settings};

/// Commands under way at the same time.
pub(super) const AT_ONCE: usize = 128;

/// Somebody who can call.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) user: UserId,
    pub(super) device: DeviceId,
    pub(super) token: String,
}

impl Person {
    /// As commands know them.
    pub(super) fn caller(&self) -> Caller {
        Caller { user: Some(self.user), device: Some(self.device), key: None }
    }
}

/// Two people who talk to each other.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) conversation: ConversationId,
    pub(super) one: Person,
    pub(super) other: Person,
}

/// People who talk in a group.
#[derive(Clone, Debug)]
pub(super) struct Circle {
    pub(super) conversation: ConversationId,
    pub(super) members: Vec<Person>,
}

/// How many people there are to be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Census {
    /// Pairs of friends.
    pub(super) pairs: usize,
    /// Members of one group; 0 for no group.
    pub(super) circle: usize,
    /// People who know nobody.
    pub(super) loners: usize,
    /// People with money.
    pub(super) payers: usize,
    /// Shops, each with an owner of its own.
    pub(super) shops: usize,
    /// Red packets of the group, which its members send in turn.
    pub(super) packets: usize,
}

/// The people, and who knows whom.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) pairs: Vec<Pair>,
    pub(super) circle: Option<Circle>,
    pub(super) loners: Vec<Person>,
    pub(super) payers: Vec<Payer>,
    pub(super) shops: Vec<Shop>,
    pub(super) packets: Vec<HoldId>,
}

/// Makes people in a data directory that no server has open.
///
/// # Errors
/// When a command is refused.
pub(super) fn people(settings: &Settings, census: Census) -> Result<World, Error> {
    // A thread of its own, since the caller runs on a runtime already.
    let made = std::thread::scope(|scope| scope.spawn(|| settle(settings, census)).join());
    made.unwrap_or_else(|_| Err(Error::Failed("the people: the thread that makes them panicked".to_owned())))
}

fn settle(settings: &Settings, census: Census) -> Result<World, Error> {
    let house = House::open(settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Error::failed("the runtime", error))?;
    // Where the log is on a cluster, commands wait until what they wrote was heard.
    let hearing = runtime.spawn(house.commands.clone().hear_others());
    let world = runtime.block_on(make(&house, census));
    hearing.abort();
    drop(runtime);
    house.close();
    world.map_err(|error| Error::failed("the people", error))
}

async fn make(house: &House, census: Census) -> Result<World, CommandError> {
    let commands: &Commands = &house.commands;
    let Census { pairs, circle, loners, payers, shops, packets } = census;
    let count = pairs * 2 + circle + loners + payers + shops;
    let mut all: Vec<Person> =
        stream::iter(0..count).map(|number| register(commands, number)).buffered(AT_ONCE).try_collect().await?;
    let owners = all.split_off(count - shops);
    let rich = all.split_off(pairs * 2 + circle + loners);
    let loners = all.split_off(pairs * 2 + circle);
    let members = all.split_off(pairs * 2);
    let pairs = all.chunks_exact(2).filter_map(|two| match two {
        [one, other] => Some(befriend(commands, one.clone(), other.clone())),
        _ => None,
    });
    let pairs = stream::iter(pairs).buffered(AT_ONCE).try_collect().await?;
    let circle = match members.split_first() {
        Some((owner, friends)) => Some(gather(commands, owner, friends).await?),
        None => None,
    };
    let payers = market::payers(house, rich).await?;
    let shops = market::shops(commands, owners).await?;
    let packets = match &circle {
        Some(circle) if packets > 0 => market::packets(house, circle, packets).await?,
        _ => vec![],
    };
    Ok(World { pairs, circle, loners, payers, shops, packets })
}

async fn register(commands: &Commands, number: usize) -> Result<Person, CommandError> {
    let key = CommandKey { id: CommandId::keyed(Uuid::nil(), &format!("person {number}")), fingerprint: [0; 16] };
    let registration = Register {
        handle: format!("person{number}"),
        display_name: format!("Person {number}"),
        password: "a password".to_owned(),
        device_name: "bench".to_owned(),
    };
    let registered = commands.register(&Caller { key: Some(key), ..Caller::SERVER }, registration).await?;
    let user = UserId(key.id.derive("user"));
    let device = registered.events.iter().find_map(|(_, event)| match event {
        UserEvent::DeviceAdded(added) => Some(added.device),
        _ => None,
    });
    let device = device.ok_or_else(|| CommandError::Internal("a registration without a device".to_owned()))?;
    Ok(Person { user, device, token: commands.secrets.token(Token { user, device }) })
}

async fn befriend(commands: &Commands, one: Person, other: Person) -> Result<Pair, CommandError> {
    let request = RequestFriend { to: other.user, greeting: String::new(), source: Source::Search };
    commands.request_friend(&Caller::person(one.user), request).await?;
    commands.accept_friend(&Caller::person(other.user), one.user).await?;
    Ok(Pair { conversation: ConversationId::direct(one.user, other.user), one, other })
}

async fn gather(commands: &Commands, owner: &Person, friends: &[Person]) -> Result<Circle, CommandError> {
    let befriended = friends.iter().map(|friend| befriend(commands, owner.clone(), friend.clone()));
    stream::iter(befriended).buffered(AT_ONCE).try_collect::<Vec<_>>().await?;
    let members = friends.iter().map(|friend| friend.user).collect();
    let founding = CreateGroup { name: "Circle".to_owned(), members };
    let (conversation, _) = commands.create_group(&Caller::person(owner.user), founding).await?;
    let members = std::iter::once(owner).chain(friends).cloned().collect();
    Ok(Circle { conversation, members })
}
