//! People: registration, devices, password, profile and privacy.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    DeviceId, UserId,
    event::{Aggregate, EventMeta, event_family},
    medium::Carried,
    policy::Policy,
    rejection::{Rejection, check_line, check_name},
};

/// What others see of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// The name shown, 1 to 30 characters.
    pub display_name: String,
    /// A line about oneself, at most 100 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Where one lives, at most 50 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// What follows when somebody pats this person, at most 20 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pat_suffix: String,
    /// A picture of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<Carried>,
}

impl Profile {
    /// A profile of just a name.
    #[must_use]
    pub fn named(display_name: impl Into<String>) -> Self {
        Self { display_name: display_name.into(), ..Self::default() }
    }

    fn check(&self) -> Result<(), Rejection> {
        check_name("display_name", &self.display_name, 30)?;
        check_line("about", &self.about, 100)?;
        check_line("region", &self.region, 50)?;
        check_line("pat_suffix", &self.pat_suffix, 20)
    }
}

/// Whose friend requests reach a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhoMayAdd {
    /// Anyone who finds them.
    #[default]
    Anyone,
    /// Only members of a group that both are in.
    GroupMembers,
    /// Nobody.
    Nobody,
}

/// How a person may be found and added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// Whether a search for the exact handle finds them.
    pub findable: bool,
    /// Whose friend requests reach them.
    pub who_may_add: WhoMayAdd,
}

impl Default for Privacy {
    fn default() -> Self {
        Self { findable: true, who_may_add: WhoMayAdd::Anyone }
    }
}

/// A person joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRegistered {
    /// The handle they log in with.
    pub handle: String,
    /// What others see.
    pub profile: Profile,
    /// Argon2id verifier of the password, as a PHC string.
    pub password: String,
}

/// A device was logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAdded {
    /// The device.
    pub device: DeviceId,
    /// Its name, chosen by the person.
    pub name: String,
    /// BLAKE3 hash of its token, in hex.
    pub token_hash: String,
}

/// A device was logged out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRevoked {
    /// The device.
    pub device: DeviceId,
}

/// The password was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordChanged {
    /// Argon2id verifier of the new password.
    pub password: String,
}

/// The profile was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileChanged {
    /// The whole new profile.
    pub profile: Profile,
}

/// The privacy settings were changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivacyChanged {
    /// The whole new settings.
    pub privacy: Privacy,
}

event_family! {
    /// Events of a `user-` stream.
    UserEvent {
        "user.registered" => UserRegistered,
        "device.added" => DeviceAdded,
        "device.revoked" => DeviceRevoked,
        "password.changed" => PasswordChanged,
        "profile.changed" => ProfileChanged,
        "privacy.changed" => PrivacyChanged,
    }
}

/// A device that is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// BLAKE3 hash of its token, in hex.
    pub token_hash: String,
}

/// A person.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct User {
    /// The handle; none until registered.
    pub handle: Option<String>,
    /// What others see.
    pub profile: Profile,
    /// How they are found and added.
    pub privacy: Privacy,
    /// Argon2id verifier of the password.
    pub password: String,
    /// Logged-in devices, oldest first.
    pub devices: Vec<Device>,
}

impl User {
    /// Whether this person exists.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.handle.is_some()
    }

    /// The device, if it is logged in.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == id)
    }

    /// Joins, with a first device.
    ///
    /// # Errors
    /// Fields that break their rules; [`Rejection::HandleTaken`] when registered already.
    pub fn register(&self, registered: UserRegistered, device: DeviceAdded) -> Result<Vec<UserEvent>, Rejection> {
        if self.is_registered() {
            return Err(Rejection::HandleTaken);
        }
        registered.profile.check()?;
        check_name("device_name", &device.name, 50)?;
        Ok(vec![registered.into(), device.into()])
    }

    /// Logs a device in; beyond the limit the oldest is logged out.
    ///
    /// # Errors
    /// A device name that breaks its rule.
    pub fn add_device(&self, device: DeviceAdded, policy: &Policy) -> Result<Vec<UserEvent>, Rejection> {
        check_name("device_name", &device.name, 50)?;
        let beyond = (self.devices.len() + 1).saturating_sub(policy.devices_max);
        let ended = self.devices.iter().take(beyond);
        let mut events: Vec<UserEvent> = ended.map(|old| DeviceRevoked { device: old.id }.into()).collect();
        events.push(device.into());
        Ok(events)
    }

    /// Logs a device out.
    ///
    /// # Errors
    /// [`Rejection::DeviceNotFound`].
    pub fn revoke_device(&self, device: DeviceId) -> Result<Vec<UserEvent>, Rejection> {
        self.device(device).ok_or(Rejection::DeviceNotFound)?;
        Ok(vec![DeviceRevoked { device }.into()])
    }

    /// Takes a new password and logs every other device out.
    #[must_use]
    pub fn change_password(&self, password: String, keep: DeviceId) -> Vec<UserEvent> {
        let others = self.devices.iter().filter(|device| device.id != keep);
        let mut events: Vec<UserEvent> = vec![PasswordChanged { password }.into()];
        events.extend(others.map(|other| UserEvent::from(DeviceRevoked { device: other.id })));
        events
    }

    /// Takes a new profile.
    ///
    /// # Errors
    /// Fields that break their rules.
    pub fn change_profile(&self, profile: Profile) -> Result<Vec<UserEvent>, Rejection> {
        profile.check()?;
        if profile == self.profile {
            return Ok(vec![]);
        }
        Ok(vec![ProfileChanged { profile }.into()])
    }

    /// Takes new privacy settings.
    #[must_use]
    pub fn change_privacy(&self, privacy: Privacy) -> Vec<UserEvent> {
        if privacy == self.privacy {
            return vec![];
        }
        vec![PrivacyChanged { privacy }.into()]
    }
}

impl Aggregate for User {
    type Id = UserId;
    type Event = UserEvent;
    const CATEGORY: &'static str = "user";

    fn evolve(&mut self, event: &UserEvent, _meta: &EventMeta) {
        match event {
            UserEvent::UserRegistered(registered) => {
                self.handle = Some(registered.handle.clone());
                self.profile = registered.profile.clone();
                self.password.clone_from(&registered.password);
            }
            UserEvent::DeviceAdded(added) => {
                self.devices.push(Device { id: added.device, token_hash: added.token_hash.clone() });
            }
            UserEvent::DeviceRevoked(revoked) => self.devices.retain(|device| device.id != revoked.device),
            UserEvent::PasswordChanged(changed) => self.password.clone_from(&changed.password),
            UserEvent::ProfileChanged(changed) => self.profile = changed.profile.clone(),
            UserEvent::PrivacyChanged(changed) => self.privacy = changed.privacy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn device() -> DeviceAdded {
        DeviceAdded { device: DeviceId::new(), name: "phone".into(), token_hash: "00".into() }
    }

    fn registered() -> UserRegistered {
        UserRegistered { handle: "ann".into(), profile: Profile::named("Ann"), password: "$argon2id$".into() }
    }

    #[test]
    fn a_person_registers_once() {
        let events = User::default().register(registered(), device()).unwrap();
        let user = given::<User>(events);
        assert!(user.is_registered());
        assert_eq!(user.register(registered(), device()), Err(Rejection::HandleTaken));
    }

    #[test]
    fn a_nameless_profile_is_refused() {
        let nameless = UserRegistered { profile: Profile::named(" "), ..registered() };
        assert!(User::default().register(nameless, device()).is_err());
    }

    #[test]
    fn a_log_in_beyond_the_limit_ends_the_oldest_device() {
        let policy = Policy { devices_max: 2, ..Policy::default() };
        let (one, two, three) = (device(), device(), device());
        let user = given::<User>(vec![registered().into(), one.clone().into(), two.clone().into()]);
        let events = user.add_device(three.clone(), &policy).unwrap();
        assert_eq!(events, vec![DeviceRevoked { device: one.device }.into(), three.into()]);
    }

    #[test]
    fn a_new_password_logs_the_other_devices_out() {
        let (one, two) = (device(), device());
        let user = given::<User>(vec![registered().into(), one.clone().into(), two.clone().into()]);
        let events = user.change_password("new".into(), two.device);
        assert_eq!(events.last(), Some(&DeviceRevoked { device: one.device }.into()));
        assert_eq!(events.len(), 2);
    }

    #[test]
    fn an_unknown_device_is_not_revoked() {
        let user = given::<User>(vec![registered().into()]);
        assert_eq!(user.revoke_device(DeviceId::new()), Err(Rejection::DeviceNotFound));
    }
}
