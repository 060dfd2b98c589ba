//! The sample community of `teahouse serve --demo`: eight regulars of a teahouse, what they are to each other, and what
//! they said. Everything in it is done by the same commands that the API offers.

use std::{collections::HashMap, fmt};

use commands::{
    Caller, CommandError, CommandKey, Commands, contacts::RequestFriend, conversations::CreateGroup, people::Register,
    wallet::CardToLink,
};
use domain::{
    CommandId, ConversationId, Rejection, UserEvent, UserId, WalletEvent,
    conversation::{Content, messages::Draft},
    friendship::Source,
};
use ledger::Money;
use uuid::Uuid;

use crate::{error::Error, stickers::SAMPLE_PACK};

/// The password of everybody in the sample community.
const PASSWORD: &str = "oolong-at-four";

/// Handle and name of each person.
const PEOPLE: [(&str, &str); 8] = [
    ("mei", "Mei 梅"),
    ("lin", "Lin 林"),
    ("arjun", "Arjun"),
    ("sofia", "Sofía"),
    ("tomas", "Tomáš"),
    ("yuki", "Yuki 雪"),
    ("amara", "Amara"),
    ("oskar", "Oskar"),
];

/// The PIN of everybody in the sample community who has a wallet.
const PIN: &str = "135790";
/// Who has a wallet, with the card that money comes from. The sandbox bank knows these numbers.
const WALLETS: [(&str, &str, &str); 3] = [
    ("mei", "Mei Lin", "6200000000000005"),
    ("lin", "Lin Wei", "6200000000000013"),
    ("arjun", "Arjun Rao", "6200000000000021"),
];
/// What each of them fetched from it, in cents.
const FIRST_TOP_UP_MINOR: i128 = 200_000;

/// Who asked whom to be friends, and with which words.
const FRIENDS: [(&str, &str, &str); 9] = [
    ("mei", "lin", "Hello, I run the teahouse on the corner."),
    ("mei", "arjun", "You left your umbrella here."),
    ("mei", "sofia", "We met at the tasting."),
    ("mei", "tomas", "Your cups have arrived."),
    ("mei", "yuki", "雪さん、こんにちは"),
    ("lin", "arjun", "The chess player?"),
    ("lin", "amara", "From the Sunday market."),
    ("sofia", "tomas", "Hi!"),
    ("yuki", "oskar", "Hello from the pottery class."),
];

/// A friend request that nobody has answered yet.
const WAITING: (&str, &str, &str) = ("oskar", "mei", "Yuki told me about your oolong.");

/// What Mei and Lin said to each other.
const DIRECT: [(&str, &str); 7] = [
    ("mei", "The new spring tea is here. 明前龙井，很香。"),
    ("lin", "太好了！给我留一斤。"),
    ("mei", "Of course. Shall I send it, or will you come by?"),
    ("lin", "I will come on Saturday, around four."),
    ("mei", "我们星期六见"),
    ("lin", "Can I bring my sister? She only drinks pu-erh."),
    ("mei", "She will be converted by the second cup."),
];

/// Who is in the group, its owner first.
const GROUP: [&str; 6] = ["mei", "lin", "arjun", "sofia", "tomas", "yuki"];
const GROUP_NAME: &str = "Saturday tasting 周六品茶";
const ANNOUNCEMENT: &str = "Saturday at four, upstairs. Bring your own cup.";

/// What was said in the group.
const GROUP_TALK: [(&str, &str); 8] = [
    ("mei", "Welcome, everybody. This Saturday: three oolongs, side by side."),
    ("arjun", "Which ones?"),
    ("mei", "铁观音, 大红袍 and a Dong Ding from last winter."),
    ("sofia", "I can bring almond biscuits."),
    ("tomas", "And I bring cups, six of them, glazed this morning."),
    ("yuki", "楽しみにしています"),
    ("lin", "大红袍 is my favourite. I will be early."),
    ("arjun", "Save me the seat by the window, please."),
];

/// The sample community, once it is there.
pub(crate) struct Community;

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handles: Vec<&str> = PEOPLE.iter().map(|(handle, _)| *handle).collect();
        writeln!(f, "The sample community is in: {}.", handles.join(", "))?;
        writeln!(f, "Each of them logs in with the password {PASSWORD:?}.")?;
        let rich: Vec<&str> = WALLETS.iter().map(|(handle, ..)| *handle).collect();
        write!(f, "Wallets have {}, with the PIN {PIN:?} and cards of a bank that plays along.", rich.join(", "))
    }
}

/// Brings the sample community in, unless it is there. Every command carries a key, so that a beginning which was
/// interrupted is gone on with and nothing is said twice.
///
/// # Errors
/// When a command is refused.
pub(crate) async fn settle(commands: &Commands) -> Result<Community, Error> {
    let mut settlers = Settlers { commands, ids: HashMap::new() };
    match settlers.settle().await {
        // After some days keys are forgotten; who is there then has been there.
        Ok(()) | Err(CommandError::Rejected(Rejection::HandleTaken)) => Ok(Community),
        Err(error) => Err(Error::failed("the sample community", error)),
    }
}

struct Settlers<'a> {
    commands: &'a Commands,
    ids: HashMap<&'static str, UserId>,
}

impl Settlers<'_> {
    async fn settle(&mut self) -> Result<(), CommandError> {
        for (handle, name) in PEOPLE {
            let user = self.register(handle, name).await?;
            self.ids.insert(handle, user);
        }
        for (from, to, greeting) in FRIENDS {
            self.befriend(from, to, greeting).await?;
        }
        let (from, to, greeting) = WAITING;
        self.ask(from, to, greeting).await?;
        let direct = ConversationId::direct(self.id("mei")?, self.id("lin")?);
        for (number, (by, text)) in DIRECT.iter().enumerate() {
            self.say(&format!("direct {number}"), by, direct, Content::Text { text: (*text).to_owned() }).await?;
        }
        let cup = Content::Sticker { pack: SAMPLE_PACK, sticker: "cheers".to_owned() };
        self.say("direct sticker", "lin", direct, cup).await?;
        self.gather().await?;
        self.fill_purses().await
    }

    /// Wallets, with money from cards.
    async fn fill_purses(&self) -> Result<(), CommandError> {
        let amount = Money::from_minor(FIRST_TOP_UP_MINOR, self.commands.policy.money.currency);
        let amount = amount.map_err(Rejection::from_money)?;
        for (by, holder, number) in WALLETS {
            let card =
                CardToLink { holder: holder.to_owned(), number: number.to_owned(), bank: "Corner Bank".to_owned() };
            self.commands.open_wallet(&self.caller(by, "wallet")?, PIN.to_owned()).await?;
            let linked = match self.commands.link_card(&self.caller(by, "card")?, card).await {
                // A server with a bank of its own has cards of its own.
                Err(CommandError::NotConnected(_) | CommandError::GatewaySilent(_)) => continue,
                Err(CommandError::Rejected(Rejection::CardRefused { .. })) => continue,
                linked => linked?,
            };
            let card = linked.events.iter().find_map(|(_, event)| match event {
                WalletEvent::CardLinked(linked) => Some(linked.card),
                _ => None,
            });
            let card = card.ok_or(Rejection::CardNotFound)?;
            let asked = self.commands.request_top_up(&self.caller(by, "top-up")?, card, amount).await?;
            for (_, event) in &asked.events {
                if let WalletEvent::TopUpRequested(requested) = event {
                    self.commands.settle_top_up(self.id(by)?, requested.top_up).await?;
                }
            }
        }
        Ok(())
    }

    /// The group, and what was said there.
    async fn gather(&self) -> Result<(), CommandError> {
        let [owner, members @ ..] = GROUP;
        let members = members.iter().map(|handle| self.id(handle)).collect::<Result<_, _>>()?;
        let founding = CreateGroup { name: GROUP_NAME.to_owned(), members };
        let (group, _) = self.commands.create_group(&self.caller(owner, "group")?, founding).await?;
        for (number, (by, text)) in GROUP_TALK.iter().enumerate() {
            self.say(&format!("group {number}"), by, group, Content::Text { text: (*text).to_owned() }).await?;
        }
        let answer = Draft {
            content: Content::Text { text: "It is yours.".to_owned() },
            reply_to: Some(GROUP_TALK.len() as u64),
            mentions: vec![self.id("arjun")?],
            mention_all: false,
        };
        self.commands.send_message(&self.caller(owner, "group answer")?, group, answer).await?;
        let place = Content::Location {
            latitude: 30.2295,
            longitude: 120.1200,
            title: "The teahouse".to_owned(),
            address: "Upstairs, by the window".to_owned(),
        };
        self.say("group place", owner, group, place).await?;
        self.commands.announce(&self.caller(owner, "announcement")?, group, ANNOUNCEMENT.to_owned()).await?;
        self.commands.pat(&self.caller("sofia", "pat")?, group, self.id("tomas")?).await?;
        Ok(())
    }

    async fn register(&self, handle: &str, name: &str) -> Result<UserId, CommandError> {
        let caller = Caller { key: Some(key(handle)), ..Caller::SERVER };
        let registration = Register {
            handle: handle.to_owned(),
            display_name: name.to_owned(),
            password: PASSWORD.to_owned(),
            device_name: "sample".to_owned(),
        };
        let registered = self.commands.register(&caller, registration).await?;
        let device = registered.events.iter().find_map(|(_, event)| match event {
            UserEvent::DeviceAdded(added) => Some(added.device),
            _ => None,
        });
        let user = UserId(key(handle).id.derive("user"));
        // The device that every registration logs in is nobody's here.
        if let Some(device) = device {
            let caller = Caller { key: Some(key(&format!("device of {handle}"))), ..Caller::person(user) };
            self.commands.revoke_device(&caller, device).await?;
        }
        Ok(user)
    }

    async fn befriend(&self, from: &'static str, to: &'static str, greeting: &str) -> Result<(), CommandError> {
        self.ask(from, to, greeting).await?;
        let caller = self.caller(to, &format!("accept {from}"))?;
        self.commands.accept_friend(&caller, self.id(from)?).await?;
        Ok(())
    }

    async fn ask(&self, from: &'static str, to: &'static str, greeting: &str) -> Result<(), CommandError> {
        let request = RequestFriend { to: self.id(to)?, greeting: greeting.to_owned(), source: Source::Search };
        self.commands.request_friend(&self.caller(from, &format!("ask {to}"))?, request).await?;
        Ok(())
    }

    async fn say(
        &self,
        what: &str,
        by: &str,
        conversation: ConversationId,
        content: Content,
    ) -> Result<(), CommandError> {
        let draft = Draft { content, reply_to: None, mentions: vec![], mention_all: false };
        self.commands.send_message(&self.caller(by, what)?, conversation, draft).await?;
        Ok(())
    }

    fn id(&self, handle: &str) -> Result<UserId, CommandError> {
        let id = self.ids.get(handle).copied();
        id.ok_or_else(|| CommandError::Internal(format!("{handle} is not in the sample community")))
    }

    fn caller(&self, by: &str, what: &str) -> Result<Caller, CommandError> {
        Ok(Caller { key: Some(key(&format!("{by}: {what}"))), ..Caller::person(self.id(by)?) })
    }
}

/// The key of one thing that the sample community does.
fn key(what: &str) -> CommandKey {
    CommandKey { id: CommandId::keyed(Uuid::nil(), &format!("sample community: {what}")), fingerprint: [0; 16] }
}

#[cfg(test)]
mod tests {
    use domain::Policy;

    use super::*;
    use crate::{house::House, settings::Settings, stickers::publish_sample_pack};

    fn settings(data: &std::path::Path) -> Settings {
        let mut settings = Settings { data: data.to_owned(), policy: Policy::default(), ..Settings::default() };
        settings.commands.passwords.memory_kib = 8;
        settings.commands.passwords.passes = 1;
        settings
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_sample_community_settles_once_whatever_interrupts_it() {
        let dir = tempfile::tempdir().unwrap();
        let house = House::open(&settings(dir.path())).unwrap();
        publish_sample_pack(&house.commands).await.unwrap();
        let interrupted = Settlers { commands: &house.commands, ids: HashMap::new() };
        interrupted.register("mei", "Mei 梅").await.unwrap();
        settle(&house.commands).await.unwrap();
        let settled = house.log.last_position();
        settle(&house.commands).await.unwrap();
        publish_sample_pack(&house.commands).await.unwrap();
        assert_eq!(house.log.last_position(), settled);
        let view = house.read_models.chat.at_least(settled, std::time::Duration::from_secs(60)).await.unwrap();
        let mei = interrupted.register("mei", "Mei 梅").await.unwrap();
        assert_eq!(view.conversations_of(mei).len(), 2);
        tokio::task::spawn_blocking(move || house.close()).await.unwrap();
    }
}
