//! A person joins.

use domain::{
    DeviceId, Handle, UserEvent, UserId,
    user::{DeviceAdded, Profile, UserRegistered},
};

use crate::{Caller, CommandError, Commands, Committed, Secrets, Token, engine::begin, passwords::Passwords};

/// What it takes to join.
#[derive(Clone, Debug)]
pub struct Register {
    /// The handle to log in with.
    pub handle: String,
    /// The name others see.
    pub display_name: String,
    /// The password.
    pub password: String,
    /// What the first device is called.
    pub device_name: String,
}

impl Commands {
    /// Registers a person and logs the first device in; the actor is the new person. The handle's stream decides who gets the handle; a claim that no
    /// registration follows lapses.
    ///
    /// # Errors
    /// Fields that break their rules, [`domain::Rejection::HandleTaken`], [`CommandError::Busy`].
    pub async fn register(&self, caller: &Caller, command: Register) -> Result<Committed<UserEvent>, CommandError> {
        let begun = begin!(self, caller);
        let handle = Handle::parse(&command.handle)?;
        // A repeated request after a crash between the two steps means the same person.
        let user = UserId(begun.id.derive("user"));
        let device = DeviceId(begun.id.derive("device"));
        let registered = UserRegistered {
            handle: handle.to_string(),
            profile: Profile::named(command.display_name),
            password: String::new(),
        };
        let token_hash = Secrets::token_hash(&self.secrets.token(Token { user, device }));
        let device = DeviceAdded { device, name: command.device_name, token_hash };
        // Whatever can be refused is refused before the handle is claimed and a password hashed.
        domain::User::default().register(registered.clone(), device.clone())?;
        Passwords::check(&command.password)?;
        let holder = self.streams.handles.look(handle, |claim| claim.holder).await?;
        let holder_registered = match holder {
            Some((holder, _)) => self.streams.users.look(holder, domain::User::is_registered).await?,
            None => false,
        };
        self.streams.handles.look(handle, |claim| claim.claim(user, holder_registered, self.now())).await??;
        let registered = UserRegistered { password: self.passwords.hash(command.password).await?, ..registered };
        self.run_step(&self.streams.handles, handle, &begun, "claim", |claim, now| {
            claim.claim(user, holder_registered, now)
        })
        .await?;
        let caller = begun.acting_as(user);
        self.run(&self.streams.users, user, caller, |state, _| state.register(registered.clone(), device.clone())).await
    }
}
