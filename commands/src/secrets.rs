//! The server's secret and what is made with it: tokens, join codes, request fingerprints.
//!
//! Everything is a keyed BLAKE3 hash under one secret key of 32 bytes that never leaves the server, so nothing secret has
//! to be stored: a token can be made again for a repeated log-in, and the log holds only its hash.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as BASE64},
};
use chrono::{DateTime, Utc};
use domain::{
    CommandId, ConversationId, DeviceId, MediumId, MerchantId, OfficialAccountId, OrderId, PostId, UserId,
    official::Scene,
};
use uuid::Uuid;

/// The server's secret key.
#[derive(Clone)]
pub struct Secrets {
    key: [u8; 32],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

/// A device's token, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose it claims to be.
    pub user: UserId,
    /// Which device's it claims to be.
    pub device: DeviceId,
}

/// A genuine join code, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinCode {
    /// The group.
    pub group: ConversationId,
    /// Whose code it is.
    pub inviter: UserId,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// A genuine code of an official account, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SceneCode {
    /// Whose code it is.
    pub account: OfficialAccountId,
    /// What it says of where it hangs.
    pub scene: Scene,
    /// When it ends; none where it does not.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A token of an official account's program, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppToken {
    /// Whose program's.
    pub account: OfficialAccountId,
    /// Of which series.
    pub stable: bool,
    /// Its number in its series.
    pub number: u64,
    /// With which of the application's secrets it was got: where there is a later one, it is worth nothing.
    pub secret: u64,
    /// When it was issued, in seconds since 1970.
    pub issued_at: i64,
}

/// Letters and digits.
const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A link to a medium, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaTicket {
    /// The medium.
    pub medium: MediumId,
    /// In which form it is wanted; what the numbers mean is up to who gives links.
    pub form: u8,
    /// Whose link it is.
    pub viewer: UserId,
    /// Where they saw the medium.
    pub place: MediaPlace,
    /// When it ends, to the second.
    pub expires_at: DateTime<Utc>,
}

/// Where somebody sees a medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaPlace {
    /// Among their own.
    Own,
    /// In a message.
    Message(ConversationId, u64),
    /// In a post.
    Post(PostId),
    /// Above somebody's Moments.
    Cover(UserId),
    /// As the picture of somebody.
    Avatar(UserId),
    /// In a broadcast of that number.
    Broadcast(OfficialAccountId, u64),
}

const TOKEN_PREFIX: &str = "th_";
const MAC: usize = 16;

impl Secrets {
    /// Secrets under a key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The token of a device: the same whenever it is asked for.
    #[must_use]
    pub fn token(&self, token: Token) -> String {
        let mut bytes = [token.user.0.into_bytes(), token.device.0.into_bytes()].concat();
        let secret = self.hash("device token", &bytes);
        bytes.extend_from_slice(secret.as_bytes());
        format!("{TOKEN_PREFIX}{}", BASE64.encode(bytes))
    }

    /// Takes a token apart, if it is genuine. Whether the device is still logged in, the person's stream tells.
    #[must_use]
    pub fn open_token(&self, text: &str) -> Option<Token> {
        let bytes = BASE64.decode(text.strip_prefix(TOKEN_PREFIX)?).ok()?;
        let user = UserId(Uuid::from_slice(bytes.get(..16)?).ok()?);
        let device = DeviceId(Uuid::from_slice(bytes.get(16..32)?).ok()?);
        let token = Token { user, device };
        let genuine = blake3::hash(self.token(token).as_bytes()) == blake3::hash(text.as_bytes());
        genuine.then_some(token)
    }

    /// What the log keeps of a token.
    #[must_use]
    pub fn token_hash(token: &str) -> String {
        blake3::hash(token.as_bytes()).to_hex().to_string()
    }

    /// Whether a token has that hash; takes the same time whatever the answer.
    #[must_use]
    pub fn token_has_hash(token: &str, hash: &str) -> bool {
        // `blake3::Hash` compares in constant time.
        blake3::Hash::from_hex(hash).is_ok_and(|hash| hash == blake3::hash(token.as_bytes()))
    }

    /// A code that lets people into a group until a time.
    #[must_use]
    pub fn join_code(&self, code: JoinCode) -> String {
        let mut bytes = code.group.0.into_bytes().to_vec();
        bytes.extend_from_slice(code.inviter.0.as_bytes());
        bytes.extend_from_slice(&code.expires_at.timestamp().to_be_bytes());
        let mac = self.hash("join code", &bytes);
        bytes.extend(mac.as_bytes().iter().take(MAC));
        BASE64.encode(bytes)
    }

    /// Takes a join code apart, if it is genuine and its time is not over.
    #[must_use]
    pub fn open_join_code(&self, text: &str, now: DateTime<Utc>) -> Option<JoinCode> {
        let bytes = BASE64.decode(text).ok()?;
        let group = ConversationId(Uuid::from_slice(bytes.get(..16)?).ok()?);
        let inviter = UserId(Uuid::from_slice(bytes.get(16..32)?).ok()?);
        let seconds = i64::from_be_bytes(bytes.get(32..40)?.try_into().ok()?);
        let code = JoinCode { group, inviter, expires_at: DateTime::from_timestamp(seconds, 0)? };
        let genuine = blake3::hash(self.join_code(code).as_bytes()) == blake3::hash(text.as_bytes());
        (genuine && code.expires_at > now).then_some(code)
    }

    /// A code of an official account that says where it hangs.
    #[must_use]
    pub fn scene_code(&self, code: &SceneCode) -> String {
        let mut bytes = code.account.0.into_bytes().to_vec();
        let ends = code.expires_at.map_or(0, |end| end.timestamp());
        bytes.extend_from_slice(&ends.to_be_bytes());
        match &code.scene {
            Scene::Number(number) => {
                bytes.push(0);
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            Scene::Text(text) => {
                bytes.push(1);
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        let mac = self.hash("scene code", &bytes);
        let mac: Vec<u8> = mac.as_bytes().iter().copied().take(MAC).collect();
        BASE64.encode([mac, bytes].concat())
    }

    /// Takes a code of an official account apart, if it is genuine and its time is not over.
    #[must_use]
    pub fn open_scene_code(&self, text: &str, now: DateTime<Utc>) -> Option<SceneCode> {
        let bytes = BASE64.decode(text).ok()?;
        let bytes = bytes.get(MAC..)?;
        let account = OfficialAccountId(Uuid::from_slice(bytes.get(..16)?).ok()?);
        let expires_at = match i64::from_be_bytes(bytes.get(16..24)?.try_into().ok()?) {
            0 => None,
            seconds => Some(DateTime::from_timestamp(seconds, 0)?),
        };
        let scene = match bytes.get(24)? {
            0 => Scene::Number(u32::from_be_bytes(bytes.get(25..)?.try_into().ok()?)),
            1 => Scene::Text(String::from_utf8(bytes.get(25..)?.to_vec()).ok()?),
            _ => return None,
        };
        let code = SceneCode { account, scene, expires_at };
        let genuine = blake3::hash(self.scene_code(&code).as_bytes()) == blake3::hash(text.as_bytes());
        (genuine && code.expires_at.is_none_or(|end| end > now)).then_some(code)
    }

    /// What an official account knows a person by: 28 letters, digits, `_` and `-`. Keyed, so that accounts can't tell from
    /// it who the person is, or that two of their followers are the same one.
    #[must_use]
    pub fn openid(&self, account: OfficialAccountId, user: UserId) -> String {
        let hash = self.hash("openid", &[account.0.as_bytes().as_slice(), user.0.as_bytes()].concat());
        let letters = BASE64.encode(hash.as_bytes());
        std::iter::once('o').chain(letters.chars()).take(28).collect()
    }

    /// The secret of an account's application, of that generation.
    #[must_use]
    pub fn app_secret(&self, account: OfficialAccountId, generation: u64) -> String {
        hex(self.generation("app secret", account, generation).as_bytes(), 16)
    }

    /// What calls to an account's program are signed with, of that generation.
    #[must_use]
    pub fn callback_token(&self, account: OfficialAccountId, generation: u64) -> String {
        self.letters("callback token", account, generation, 32)
    }

    /// What calls to an account's program are encrypted with, of that generation: 43 letters and digits.
    #[must_use]
    pub fn callback_key(&self, account: OfficialAccountId, generation: u64) -> String {
        self.letters("callback key", account, generation, 43)
    }

    /// What calls to an account's webhook are signed with, of that generation.
    #[must_use]
    pub fn webhook_key(&self, account: OfficialAccountId, generation: u64) -> [u8; 32] {
        *self.generation("webhook key", account, generation).as_bytes()
    }

    /// The same, as Standard Webhooks has it written.
    #[must_use]
    pub fn webhook_secret(&self, account: OfficialAccountId, generation: u64) -> String {
        format!("whsec_{}", BASE64_STANDARD.encode(self.webhook_key(account, generation)))
    }

    fn generation(&self, purpose: &str, account: OfficialAccountId, generation: u64) -> blake3::Hash {
        self.hash(purpose, &[account.0.as_bytes().as_slice(), &generation.to_be_bytes()].concat())
    }

    fn letters(&self, purpose: &str, account: OfficialAccountId, generation: u64, count: usize) -> String {
        let seed = self.generation(purpose, account, generation);
        let mut bytes = vec![0; 4 * count];
        blake3::Hasher::new_keyed(seed.as_bytes()).finalize_xof().fill(&mut bytes);
        // Bytes beyond the last whole multiple are passed over, so that all letters are equally likely.
        let fair = bytes.iter().filter(|byte| usize::from(**byte) < 256 / ALPHANUMERIC.len() * ALPHANUMERIC.len());
        let letters = fair.filter_map(|byte| ALPHANUMERIC.get(usize::from(*byte) % ALPHANUMERIC.len()));
        letters.take(count).map(|letter| char::from(*letter)).collect()
    }

    /// A token for an account's program.
    #[must_use]
    pub fn app_token(&self, token: AppToken) -> String {
        let mut bytes = token.account.0.into_bytes().to_vec();
        bytes.push(u8::from(token.stable));
        bytes.extend_from_slice(&token.number.to_be_bytes());
        bytes.extend_from_slice(&token.secret.to_be_bytes());
        bytes.extend_from_slice(&token.issued_at.to_be_bytes());
        let mac = self.hash("app token", &bytes);
        bytes.extend(mac.as_bytes().iter().take(MAC));
        BASE64.encode(bytes)
    }

    /// Takes a program's token apart, if it is genuine. Whether it is still good, the account's tokens tell.
    #[must_use]
    pub fn open_app_token(&self, text: &str) -> Option<AppToken> {
        let bytes = BASE64.decode(text).ok()?;
        let token = AppToken {
            account: OfficialAccountId(Uuid::from_slice(bytes.get(..16)?).ok()?),
            stable: *bytes.get(16)? == 1,
            number: u64::from_be_bytes(bytes.get(17..25)?.try_into().ok()?),
            secret: u64::from_be_bytes(bytes.get(25..33)?.try_into().ok()?),
            issued_at: i64::from_be_bytes(bytes.get(33..41)?.try_into().ok()?),
        };
        let genuine = blake3::hash(self.app_token(token).as_bytes()) == blake3::hash(text.as_bytes());
        genuine.then_some(token)
    }

    /// The text of a link to a medium.
    #[must_use]
    pub fn media_ticket(&self, ticket: &MediaTicket) -> String {
        let (place, id, seq) = match ticket.place {
            MediaPlace::Own => (0, Uuid::nil(), 0),
            MediaPlace::Message(conversation, seq) => (1, conversation.0, seq),
            MediaPlace::Post(post) => (2, post.0, 0),
            MediaPlace::Cover(user) => (3, user.0, 0),
            MediaPlace::Avatar(user) => (4, user.0, 0),
            MediaPlace::Broadcast(account, number) => (5, account.0, number),
        };
        let mut bytes = vec![place, ticket.form];
        for id in [ticket.medium.0, ticket.viewer.0, id] {
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes.extend_from_slice(&seq.to_be_bytes());
        bytes.extend_from_slice(&ticket.expires_at.timestamp().to_be_bytes());
        let mac = self.hash("media ticket", &bytes);
        bytes.extend(mac.as_bytes().iter().take(MAC));
        BASE64.encode(bytes)
    }

    /// Takes a link to a medium apart, if it is genuine. Whether its time is over is left to be looked at.
    #[must_use]
    pub fn open_media_ticket(&self, text: &str) -> Option<MediaTicket> {
        let bytes = BASE64.decode(text).ok()?;
        let (place, form) = (*bytes.first()?, *bytes.get(1)?);
        let id = |at: usize| Uuid::from_slice(bytes.get(at..at + 16)?).ok();
        let number = |at: usize| bytes.get(at..)?.first_chunk().copied().map(u64::from_be_bytes);
        let (medium, viewer, id) = (MediumId(id(2)?), UserId(id(18)?), id(34)?);
        let place = match place {
            0 => MediaPlace::Own,
            1 => MediaPlace::Message(ConversationId(id), number(50)?),
            2 => MediaPlace::Post(PostId(id)),
            3 => MediaPlace::Cover(UserId(id)),
            4 => MediaPlace::Avatar(UserId(id)),
            5 => MediaPlace::Broadcast(OfficialAccountId(id), number(50)?),
            _ => return None,
        };
        let expires_at = DateTime::from_timestamp(number(58)?.cast_signed(), 0)?;
        let ticket = MediaTicket { medium, form, viewer, place, expires_at };
        let genuine = blake3::hash(self.media_ticket(&ticket).as_bytes()) == blake3::hash(text.as_bytes());
        genuine.then_some(ticket)
    }

    /// What is hashed and kept instead of a PIN: mixed with the server's secret, since all the PINs there are could be
    /// tried on a verifier that was stolen without it.
    #[must_use]
    pub fn peppered_pin(&self, user: UserId, pin: &str) -> String {
        self.hash("pin", &[user.0.as_bytes().as_slice(), pin.as_bytes()].concat()).to_hex().to_string()
    }

    /// The authorization that a command gives: the same for a repeated command, and not to be guessed from its key.
    #[must_use]
    pub fn authorization(&self, command: CommandId) -> Uuid {
        self.id("authorization", command.0.as_bytes())
    }

    /// The id of the order that a merchant gives a number: the same whenever the number comes again. Keyed, since whoever
    /// knows an order's id may see what is to be paid, and merchants' numbers are easily guessed.
    #[must_use]
    pub fn order(&self, merchant: MerchantId, out_trade_no: &str) -> OrderId {
        let named = [merchant.0.as_bytes().as_slice(), out_trade_no.as_bytes()].concat();
        OrderId(self.id("order", &named))
    }

    /// The code that a payer shows, of 18 digits: the same for a repeated command.
    #[must_use]
    pub fn pay_code(&self, command: CommandId) -> String {
        let hash = self.hash("pay code", command.0.as_bytes());
        let number = hash.as_bytes().first_chunk().copied().map_or(0, u128::from_be_bytes);
        format!("{}{:016}", 10 + number % 5, number / 5 % 10_u128.pow(16))
    }

    /// What the log keeps of a code that a payer shows. Keyed, since all the codes there are could be tried.
    #[must_use]
    pub fn pay_code_hash(&self, code: &str) -> String {
        self.hash("pay code hash", code.as_bytes()).to_hex().to_string()
    }

    fn id(&self, purpose: &str, bytes: &[u8]) -> Uuid {
        let mut id = [0; 16];
        self.hash(purpose, bytes).as_bytes().iter().zip(&mut id).for_each(|(from, to)| *to = *from);
        Uuid::new_v8(id)
    }

    /// Tells requests with the same idempotency key apart. Keyed, since a request may hold a password.
    #[must_use]
    pub fn fingerprint(&self, method: &str, path: &str, body: &[u8]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [b"fingerprint".as_slice(), method.as_bytes(), path.as_bytes(), body] {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let mut fingerprint = [0; 16];
        hasher.finalize_xof().fill(&mut fingerprint);
        fingerprint
    }

    fn hash(&self, purpose: &str, bytes: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(purpose.as_bytes());
        hasher.update(&[0]);
        hasher.update(bytes);
        hasher.finalize()
    }
}

/// That many bytes in hexadecimal digits.
fn hex(bytes: &[u8], count: usize) -> String {
    bytes.iter().take(count).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_token_is_taken_apart_only_when_genuine_and_known_by_its_hash() {
        let (secrets, token) = (Secrets::new([1; 32]), Token { user: UserId::new(), device: DeviceId::new() });
        let text = secrets.token(token);
        let short: String = text.chars().take(20).collect();
        assert_eq!(secrets.open_token(&text), Some(token));
        assert!(Secrets::token_has_hash(&text, &Secrets::token_hash(&text)));
        let forged = Secrets::new([2; 32]).token(token);
        assert!(!Secrets::token_has_hash(&forged, &Secrets::token_hash(&text)));
        assert_eq!(secrets.open_token(&forged), None);
        for bad in ["", "th_", "th_????", text.trim_start_matches('t'), &short, &format!("{text}AAAA")] {
            assert_eq!(secrets.open_token(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_join_code_opens_only_when_genuine_and_in_time() {
        let (secrets, now) = (Secrets::new([1; 32]), Utc::now());
        let expires_at = DateTime::from_timestamp(now.timestamp() + 60, 0).unwrap();
        let code = JoinCode { group: ConversationId::new(), inviter: UserId::new(), expires_at };
        let text = secrets.join_code(code);
        assert_eq!(secrets.open_join_code(&text, now), Some(code));
        assert_eq!(secrets.open_join_code(&text, now + TimeDelta::seconds(61)), None);
        assert_eq!(Secrets::new([2; 32]).open_join_code(&text, now), None);
        assert_eq!(secrets.open_join_code("AAAA", now), None);
    }

    #[test]
    fn a_code_with_a_scene_opens_only_when_genuine_and_in_time() {
        let (secrets, now) = (Secrets::new([1; 32]), Utc::now());
        let end = DateTime::from_timestamp(now.timestamp() + 60, 0).unwrap();
        let account = OfficialAccountId::new();
        for (scene, expires_at) in
            [(Scene::Number(7), Some(end)), (Scene::Text("门口".into()), None), (Scene::Text("7".into()), Some(end))]
        {
            let code = SceneCode { account, scene, expires_at };
            let text = secrets.scene_code(&code);
            assert_eq!(secrets.open_scene_code(&text, now), Some(code));
            assert_eq!(secrets.open_scene_code(&text, end).is_some(), expires_at.is_none());
            assert_eq!(Secrets::new([2; 32]).open_scene_code(&text, now), None);
            assert_eq!(secrets.open_scene_code(&format!("{text}A"), now), None);
        }
        assert_eq!(secrets.open_scene_code("AAAA", now), None);
    }

    #[test]
    fn an_openid_is_of_one_account_and_looks_like_one() {
        let secrets = Secrets::new([1; 32]);
        let (user, [one, other]) = (UserId::new(), [0; 2].map(|_| OfficialAccountId::new()));
        let openid = secrets.openid(one, user);
        assert_eq!(openid, secrets.openid(one, user));
        assert_ne!(openid, secrets.openid(other, user));
        assert!(openid.len() == 28 && openid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
    }

    #[test]
    fn what_programs_prove_themselves_with_has_the_form_that_they_expect() {
        let (secrets, account) = (Secrets::new([1; 32]), OfficialAccountId::new());
        let lengths = [
            account.app_id().len(),
            account.original_id().len(),
            secrets.app_secret(account, 1).len(),
            secrets.callback_token(account, 1).len(),
            secrets.callback_key(account, 1).len(),
        ];
        assert_eq!(lengths, [18, 15, 32, 32, 43]);
        assert_ne!(secrets.app_secret(account, 1), secrets.app_secret(account, 2));
        assert_ne!(secrets.callback_key(account, 1), Secrets::new([2; 32]).callback_key(account, 1));
        assert!(secrets.callback_key(account, 1).bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let token = AppToken { account, stable: true, number: 7, secret: 2, issued_at: 1_700_000_000 };
        let text = secrets.app_token(token);
        assert_eq!(secrets.open_app_token(&text), Some(token));
        assert_eq!(Secrets::new([2; 32]).open_app_token(&text), None);
        for forged in ["", "AAAA", &text.to_lowercase(), &format!("{text}A")] {
            assert_eq!(secrets.open_app_token(forged), None, "{forged}");
        }
    }

    #[test]
    fn a_link_to_a_medium_is_good_as_it_was_given_and_not_otherwise() {
        let secrets = Secrets::new([1; 32]);
        let expires_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (medium, viewer) = (MediumId::new(), UserId::new());
        let places = [
            MediaPlace::Own,
            MediaPlace::Message(ConversationId::new(), 7),
            MediaPlace::Post(PostId::new()),
            MediaPlace::Cover(UserId::new()),
            MediaPlace::Avatar(UserId::new()),
        ];
        for place in places {
            let ticket = MediaTicket { medium, form: 2, viewer, place, expires_at };
            let text = secrets.media_ticket(&ticket);
            assert_eq!(secrets.open_media_ticket(&text), Some(ticket));
            assert_eq!(Secrets::new([2; 32]).open_media_ticket(&text), None);
            for at in 0..text.len() {
                let mut changed = text.clone().into_bytes();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(secrets.open_media_ticket(&changed), None, "{at}");
                assert_eq!(secrets.open_media_ticket(text.get(..at).unwrap()), None, "{at}");
            }
        }
    }

    #[test]
    fn the_parts_of_a_request_can_not_be_shifted_in_its_fingerprint() {
        let secrets = Secrets::new([1; 32]);
        assert_ne!(secrets.fingerprint("PUT", "/a", b"b"), secrets.fingerprint("PUT", "/", b"ab"));
    }
}
