//! What an account's program proves itself with, and how it is found.

use chrono::{DateTime, Utc};
use domain::{
    OfficialAccountEvent, OfficialAccountId, Rejection, UserId,
    app_tokens::TokenState,
    official::{CallbackMode, CallbackSettings, Developer},
};

use crate::{
    Caller, CommandError, Commands, Committed,
    callbacks::{Callback, CallbackKeys},
    engine::{Begun, begin},
    secrets::AppToken,
};

/// A token that a program got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token.
    pub token: String,
    /// For how many seconds it is good.
    pub seconds: i64,
}

/// Why a program's token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadToken {
    /// It is not genuine.
    Forged,
    /// Another one was issued since, or the secret that it was got with is worth nothing any more.
    Replaced,
    /// Its time is over.
    Expired,
}

impl Commands {
    /// Makes the secret of an account's application anew; the old one is worth nothing from then on, and neither is any
    /// token that was got with it.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountOwnerOnly`].
    pub async fn renew_app_secret(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
    ) -> Result<Committed<OfficialAccountEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.official_accounts, account, begun, |state, _| state.renew_app_secret(by)).await
    }

    /// Makes token and key of an account's callback anew. For a day, what the program does not take with the new ones it is
    /// told with the ones before.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountOwnerOnly`].
    pub async fn renew_callback_keys(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
    ) -> Result<Committed<OfficialAccountEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        self.run(&self.streams.official_accounts, account, begun, |state, _| state.renew_callback_keys(by)).await
    }

    /// Has an account's program called there from now on, once it has shown that it is the account's; or nowhere, and then
    /// with another token and key the next time.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountOwnerOnly`]; [`Rejection::CallbackRefused`] where the
    /// program does not answer as it should.
    pub async fn set_callback(
        &self,
        caller: &Caller,
        account: OfficialAccountId,
        settings: Option<CallbackSettings>,
    ) -> Result<Committed<OfficialAccountEvent>, CommandError> {
        let by = caller.user()?;
        let begun = begin!(self, caller);
        let developer = self
            .streams
            .official_accounts
            .look(account, |state| state.set_callback(by, settings.clone()).map(|_| state.developer.clone()));
        let developer = developer.await??;
        if let Some(settings) = &settings {
            let callback = self.callback_with(account, settings, &developer);
            let now = self.now().timestamp();
            let mut greeted = self.callbacks.greet(&callback, now).await;
            // It may not know the new keys yet.
            if greeted.is_err() && callback.other_keys.is_some() {
                greeted = self.callbacks.greet(&callback.with_other_keys(), now).await.or(greeted);
            }
            greeted.map_err(|error| Rejection::CallbackRefused { reason: error.to_string() })?;
        }
        self.run(&self.streams.official_accounts, account, begun, |state, _| state.set_callback(by, settings.clone()))
            .await
    }

    /// How an account's program is called, for the account's owner, without an address where it is not; and until when the
    /// keys before are good as well.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountOwnerOnly`].
    pub async fn callback_of(
        &self,
        by: UserId,
        account: OfficialAccountId,
    ) -> Result<(Callback, Option<DateTime<Utc>>), CommandError> {
        let developer = self
            .streams
            .official_accounts
            .look(account, |state| state.check_owner(by).map(|()| state.developer.clone()));
        let developer = developer.await??;
        let none = || CallbackSettings { url: String::new(), mode: CallbackMode::default() };
        let settings = developer.callback.clone().unwrap_or_else(none);
        Ok((self.callback_with(account, &settings, &developer), developer.old_keys_until()))
    }

    /// A callback with the secrets that are good at present.
    pub(super) fn callback_with(
        &self,
        account: OfficialAccountId,
        settings: &CallbackSettings,
        developer: &Developer,
    ) -> Callback {
        let keys = |generation| CallbackKeys {
            token: self.secrets.callback_token(account, generation),
            aes_key: self.secrets.callback_key(account, generation),
        };
        Callback {
            url: settings.url.clone(),
            keys: keys(developer.keys),
            other_keys: developer.old_keys(self.now()).map(keys),
            mode: settings.mode,
            proven: false,
            app_id: account.app_id(),
            original_id: account.original_id(),
        }
    }

    /// Issues a token to an account's program, which shows the application's secret; none where that is another.
    ///
    /// # Errors
    /// Those of any command.
    pub async fn issue_app_token(
        &self,
        account: OfficialAccountId,
        shown: &str,
        (stable, insist): (bool, bool),
    ) -> Result<Option<IssuedToken>, CommandError> {
        let shown = blake3::hash(shown.as_bytes());
        let is_shown = |secret: u64| {
            let genuine = self.secrets.app_secret(account, secret);
            // `blake3::Hash` compares in constant time.
            secret > 0 && blake3::hash(genuine.as_bytes()) == shown
        };
        // It may have been made anew through another node a moment ago.
        let genuine =
            self.streams.official_accounts.look_twice(account, |state| is_shown(state.developer.secret)).await?;
        let secret = self.streams.official_accounts.look(account, |state| state.developer.secret).await?;
        if !genuine || !is_shown(secret) {
            return Ok(None);
        }
        let begun = Begun::unkeyed(&Caller::SERVER);
        self.run(&self.streams.app_tokens, account, begun, |state, now| Ok(state.issue(stable, insist, now))).await?;
        let latest = self.streams.app_tokens.look(account, |state| state.latest(stable)).await?;
        let issued_at = latest.issued_at.unwrap_or_default().timestamp();
        let token = AppToken { account, stable, number: latest.number, secret, issued_at };
        let token = self.secrets.app_token(token);
        Ok(Some(IssuedToken { token, seconds: latest.seconds_left(self.now()) }))
    }

    /// The account whose program shows that token.
    ///
    /// # Errors
    /// When the stream can't be read; within, why the token is not taken.
    pub async fn account_of_token(&self, text: &str) -> Result<Result<OfficialAccountId, BadToken>, CommandError> {
        let Some(token) = self.secrets.open_app_token(text) else { return Ok(Err(BadToken::Forged)) };
        if !self.streams.official_accounts.look(token.account, |state| state.developer.secret <= token.secret).await? {
            return Ok(Err(BadToken::Replaced));
        }
        let issued_at = DateTime::from_timestamp(token.issued_at, 0).unwrap_or_default();
        let now = self.now();
        let state = self
            .streams
            .app_tokens
            .look(token.account, |state| state.state_of(token.stable, token.number, issued_at, now));
        Ok(match state.await? {
            TokenState::Good => Ok(token.account),
            TokenState::Replaced => Err(BadToken::Replaced),
            TokenState::Expired => Err(BadToken::Expired),
        })
    }
}
