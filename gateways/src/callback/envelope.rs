//! Encryption: AES-256-CBC, the first half of the key as the initial vector, padded to 32 bytes; within, 16 random bytes, the
//! length, the text and the application's id.

use aes::Aes256;
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};
use commands::callbacks::CallbackKeys;

/// What a text is padded to a multiple of.
const BLOCK: usize = 32;
/// The random bytes at the beginning.
const SALT: usize = 16;

/// The key has 43 letters, whose last one carries bits of no byte: programs ignore them, and so is done here.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Seals and opens what goes between the server and one program.
pub(super) struct Envelope {
    key: [u8; 32],
    app_id: String,
}

impl Envelope {
    /// With the key of a callback of that application; a key that is none opens nothing.
    pub(super) fn of(keys: &CallbackKeys, app_id: &str) -> Self {
        let key = KEY_BASE64.decode(&keys.aes_key).ok().and_then(|key| key.try_into().ok()).unwrap_or_default();
        Self { key, app_id: app_id.to_owned() }
    }

    fn iv(&self) -> [u8; 16] {
        self.key.first_chunk().copied().unwrap_or_default()
    }

    /// A text, sealed.
    pub(super) fn seal(&self, text: &[u8]) -> String {
        let mut bytes = rand::random::<[u8; SALT]>().to_vec();
        bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(text);
        bytes.extend_from_slice(self.app_id.as_bytes());
        let padding = BLOCK - bytes.len() % BLOCK;
        bytes.extend(std::iter::repeat_n(u8::try_from(padding).unwrap_or_default(), padding));
        let sealed = cbc::Encryptor::<Aes256>::new(&self.key.into(), &self.iv().into());
        BASE64_STANDARD.encode(sealed.encrypt_padded_vec::<NoPadding>(&bytes))
    }

    /// What was sealed; none where it was not, with this key and for this application.
    pub(super) fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let sealed = BASE64_STANDARD.decode(sealed.trim()).ok()?;
        let opened = cbc::Decryptor::<Aes256>::new(&self.key.into(), &self.iv().into());
        let bytes = opened.decrypt_padded_vec::<NoPadding>(&sealed).ok()?;
        let padding = usize::from(*bytes.last()?);
        let bytes = bytes.get(..bytes.len().checked_sub(padding)?)?;
        let length = bytes.get(SALT..)?.first_chunk().copied().map(u32::from_be_bytes)?;
        let end = SALT + 4 + usize::try_from(length).ok()?;
        let text = bytes.get(SALT + 4..end)?;
        (bytes.get(end..)? == self.app_id.as_bytes()).then(|| text.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(key: u8, app_id: &str) -> Envelope {
        Envelope { key: [key; 32], app_id: app_id.to_owned() }
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_for_the_same_application_only() {
        for text in ["", "<xml></xml>", "茶", &"x".repeat(31), &"x".repeat(1_000)] {
            let sealed = envelope(1, "wx1").seal(text.as_bytes());
            assert_eq!(envelope(1, "wx1").open(&sealed).as_deref(), Some(text.as_bytes()));
            assert_eq!(envelope(2, "wx1").open(&sealed), None);
            assert_eq!(envelope(1, "wx2").open(&sealed), None);
        }
        for wrong in ["", "AAAA", "?", &"A".repeat(64)] {
            assert_eq!(envelope(1, "wx1").open(wrong), None, "{wrong}");
        }
    }
}
