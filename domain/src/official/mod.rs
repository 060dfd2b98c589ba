//! Official accounts: brands and services that people follow. Whose they are, who acts for them, what people see of them.
//!
//! Who follows an account is decided in the streams of those who follow, [`crate::subscriptions`], so that an account with
//! millions of followers is no hot spot.

pub mod auto_replies;
mod developer;
mod events;
mod happening;
mod menu;
mod profile;
mod scene;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use auto_replies::AutoReplies;
pub use developer::{CallbackMode, CallbackSettings, Developer};
pub use events::{
    AccountMenuSet, AccountOperatorAdded, AccountOperatorRemoved, AccountProfileChanged, AccountRegistered,
    AccountVerificationWithdrawn, AccountVerified, AppSecretRenewed, AutoRepliesSet, CallbackKeysRenewed, CallbackSet,
    OfficialAccountEvent,
};
pub use happening::Happening;
pub use menu::{Button, ButtonKind, Menu};
pub use profile::{AccountProfile, AccountSort};
pub use scene::Scene;

use crate::{
    OfficialAccountId, UserId,
    event::{Aggregate, EventMeta},
    policy::{OfficialPolicy, Policy},
    rejection::{Rejection, check_name},
};

/// Longest name of who stands behind an account, in characters.
const SUBJECT_CHARS: usize = 100;

/// An official account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OfficialAccount {
    /// Subscription or service account.
    pub sort: AccountSort,
    /// What people see of it.
    pub profile: AccountProfile,
    owner: Option<UserId>,
    operators: BTreeSet<UserId>,
    /// Who stands behind it, where the administrator vouches for that.
    pub verified: Option<String>,
    /// Its menu.
    #[serde(default)]
    pub menu: Option<Menu>,
    /// What it answers by itself.
    #[serde(default)]
    pub auto_replies: AutoReplies,
    /// The program that it is run by.
    #[serde(default)]
    pub developer: Developer,
    /// What it takes part in conversations as: its program acts as that.
    party: Option<UserId>,
}

impl OfficialAccount {
    /// Opens the account. Where there is one already, this is a late repetition of the same command.
    ///
    /// # Errors
    /// Fields that break their rules.
    pub fn register(
        &self,
        account: OfficialAccountId,
        sort: AccountSort,
        profile: AccountProfile,
        owner: UserId,
    ) -> Result<Vec<OfficialAccountEvent>, Rejection> {
        profile.check()?;
        if self.owner.is_some() {
            return Ok(vec![]);
        }
        Ok(vec![AccountRegistered { account, sort, profile, owner }.into()])
    }

    /// Takes a new profile. A new name or brand ends the administrator's word for the old ones.
    ///
    /// # Errors
    /// Fields that break their rules; [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountNotYours`].
    pub fn change_profile(&self, by: UserId, profile: AccountProfile) -> Result<Vec<OfficialAccountEvent>, Rejection> {
        self.check_acting(by)?;
        profile.check()?;
        if profile == self.profile {
            return Ok(vec![]);
        }
        let renamed = profile.name != self.profile.name || profile.brand != self.profile.brand;
        let mut events = vec![AccountProfileChanged { profile }.into()];
        if renamed && self.verified.is_some() {
            events.push(AccountVerificationWithdrawn {}.into());
        }
        Ok(events)
    }

    /// Lets somebody act for it.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountOwnerOnly`], [`Rejection::TooManyOperators`].
    pub fn add_operator(
        &self,
        by: UserId,
        user: UserId,
        policy: &OfficialPolicy,
    ) -> Result<Vec<OfficialAccountEvent>, Rejection> {
        self.check_owner(by)?;
        if self.owner == Some(user) || self.operators.contains(&user) {
            return Ok(vec![]);
        }
        if self.operators.len() >= policy.operators_max {
            return Err(Rejection::TooManyOperators { max: policy.operators_max });
        }
        Ok(vec![AccountOperatorAdded { user }.into()])
    }

    /// Lets somebody act for it no longer; operators may go by themselves.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountOwnerOnly`], [`Rejection::AccountNotYours`].
    pub fn remove_operator(&self, by: UserId, user: UserId) -> Result<Vec<OfficialAccountEvent>, Rejection> {
        if by == user {
            self.check_acting(by)?;
        } else {
            self.check_owner(by)?;
        }
        Ok(if self.operators.contains(&user) { vec![AccountOperatorRemoved { user }.into()] } else { vec![] })
    }

    /// The administrator vouches for who stands behind it.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`]; a name that breaks its rule.
    pub fn verify(&self, subject: &str) -> Result<Vec<OfficialAccountEvent>, Rejection> {
        self.check_exists()?;
        check_name("subject", subject, SUBJECT_CHARS)?;
        if self.verified.as_deref() == Some(subject) {
            return Ok(vec![]);
        }
        Ok(vec![AccountVerified { subject: subject.to_owned() }.into()])
    }

    /// The administrator vouches no longer.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`].
    pub fn withdraw_verification(&self) -> Result<Vec<OfficialAccountEvent>, Rejection> {
        self.check_exists()?;
        Ok(if self.verified.is_some() { vec![AccountVerificationWithdrawn {}.into()] } else { vec![] })
    }

    /// Takes a new menu; none takes the present one away.
    ///
    /// # Errors
    /// A menu beyond its bounds; [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountNotYours`].
    pub fn set_menu(&self, by: UserId, menu: Option<Menu>) -> Result<Vec<OfficialAccountEvent>, Rejection> {
        self.check_acting(by)?;
        if let Some(menu) = &menu {
            menu.check()?;
        }
        Ok(if menu == self.menu { vec![] } else { vec![AccountMenuSet { menu }.into()] })
    }

    /// Takes what it is to answer by itself.
    ///
    /// # Errors
    /// Replies beyond their bounds; [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountNotYours`].
    pub fn set_auto_replies(
        &self,
        by: UserId,
        auto_replies: AutoReplies,
        policy: &Policy,
    ) -> Result<Vec<OfficialAccountEvent>, Rejection> {
        self.check_acting(by)?;
        auto_replies.check(policy)?;
        let same = auto_replies == self.auto_replies;
        Ok(if same { vec![] } else { vec![AutoRepliesSet { auto_replies }.into()] })
    }

    /// Makes the application's secret anew.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountOwnerOnly`].
    pub fn renew_app_secret(&self, by: UserId) -> Result<Vec<OfficialAccountEvent>, Rejection> {
        self.check_owner(by)?;
        Ok(vec![AppSecretRenewed { secret: self.developer.secret + 1 }.into()])
    }

    /// Has the program called there from now on, or nowhere, and then with another token and key the next time.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountOwnerOnly`]; an address that breaks its rule.
    pub fn set_callback(
        &self,
        by: UserId,
        callback: Option<CallbackSettings>,
    ) -> Result<Vec<OfficialAccountEvent>, Rejection> {
        self.check_owner(by)?;
        callback.iter().try_for_each(CallbackSettings::check)?;
        if callback == self.developer.callback {
            return Ok(vec![]);
        }
        let keys = self.developer.keys + u64::from(callback.is_none());
        Ok(vec![CallbackSet { callback, keys }.into()])
    }

    /// Makes the callback's token and key anew. What the program does not take with the new ones, it is told with the ones
    /// before for a day.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountOwnerOnly`].
    pub fn renew_callback_keys(&self, by: UserId) -> Result<Vec<OfficialAccountEvent>, Rejection> {
        self.check_owner(by)?;
        Ok(vec![CallbackKeysRenewed { keys: self.developer.keys + 1 }.into()])
    }

    /// Whose it is; nobody's while there is no such account.
    #[must_use]
    pub fn owner(&self) -> Option<UserId> {
        self.owner
    }

    /// Checks that there is such an account.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`].
    pub fn check_exists(&self) -> Result<(), Rejection> {
        self.owner.map(|_| ()).ok_or(Rejection::OfficialAccountNotFound)
    }

    /// Checks that somebody may act for it: its owner, its operators, its program.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountNotYours`].
    pub fn check_acting(&self, by: UserId) -> Result<(), Rejection> {
        let owner = self.owner.ok_or(Rejection::OfficialAccountNotFound)?;
        let acts = owner == by || self.operators.contains(&by) || self.party == Some(by);
        if acts { Ok(()) } else { Err(Rejection::AccountNotYours) }
    }

    /// Checks that it is somebody's.
    ///
    /// # Errors
    /// [`Rejection::OfficialAccountNotFound`], [`Rejection::AccountOwnerOnly`].
    pub fn check_owner(&self, by: UserId) -> Result<(), Rejection> {
        let owner = self.owner.ok_or(Rejection::OfficialAccountNotFound)?;
        if owner == by { Ok(()) } else { Err(Rejection::AccountOwnerOnly) }
    }
}

impl Aggregate for OfficialAccount {
    type Id = OfficialAccountId;
    type Event = OfficialAccountEvent;
    const CATEGORY: &'static str = "official-account";
    const SHAPE: u32 = 3;

    fn evolve(&mut self, event: &OfficialAccountEvent, meta: &EventMeta) {
        use OfficialAccountEvent as E;
        match event {
            E::AccountRegistered(registered) => {
                self.sort = registered.sort;
                self.profile.clone_from(&registered.profile);
                self.owner = Some(registered.owner);
                self.party = Some(registered.account.party());
            }
            E::AccountProfileChanged(changed) => self.profile.clone_from(&changed.profile),
            E::AccountOperatorAdded(added) => {
                self.operators.insert(added.user);
            }
            E::AccountOperatorRemoved(removed) => {
                self.operators.remove(&removed.user);
            }
            E::AccountVerified(verified) => self.verified = Some(verified.subject.clone()),
            E::AccountVerificationWithdrawn(_) => self.verified = None,
            E::AccountMenuSet(set) => self.menu.clone_from(&set.menu),
            E::AutoRepliesSet(set) => self.auto_replies.clone_from(&set.auto_replies),
            E::AppSecretRenewed(renewed) => self.developer.secret = renewed.secret,
            E::CallbackSet(set) => {
                self.developer.callback.clone_from(&set.callback);
                // Another number means that there was no callback any more.
                if self.developer.keys != set.keys {
                    self.developer.keys = set.keys;
                    self.developer.keys_renewed_at = None;
                }
            }
            E::CallbackKeysRenewed(renewed) => {
                self.developer.keys = renewed.keys;
                self.developer.keys_renewed_at = self.developer.callback.as_ref().map(|_| meta.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    fn profile(name: &str) -> AccountProfile {
        AccountProfile { name: name.into(), ..AccountProfile::default() }
    }

    fn account(owner: UserId) -> OfficialAccount {
        let state = OfficialAccount::default();
        given(state.register(OfficialAccountId::new(), AccountSort::Service, profile("Tea News"), owner).unwrap())
    }

    #[test]
    fn only_the_owner_names_operators_and_operators_may_go_by_themselves() {
        let [owner, clerk, stranger] = [0; 3].map(|_| UserId::new());
        let mut state = account(owner);
        let policy = OfficialPolicy { operators_max: 1, ..OfficialPolicy::default() };
        assert_eq!(state.add_operator(stranger, clerk, &policy), Err(Rejection::AccountOwnerOnly));
        let added = state.add_operator(owner, clerk, &policy).unwrap();
        let meta = EventMeta { actor: Some(owner), at: chrono::DateTime::UNIX_EPOCH, version: 2 };
        added.iter().for_each(|event| state.evolve(event, &meta));
        assert_eq!(state.add_operator(owner, clerk, &policy), Ok(vec![]));
        assert_eq!(state.add_operator(owner, stranger, &policy), Err(Rejection::TooManyOperators { max: 1 }));
        assert!(state.check_acting(clerk).is_ok());
        assert_eq!(state.remove_operator(stranger, clerk), Err(Rejection::AccountOwnerOnly));
        assert_eq!(state.remove_operator(clerk, clerk).unwrap().len(), 1);
    }

    #[test]
    fn another_name_ends_the_word_that_was_given_for_the_old_one() {
        let owner = UserId::new();
        let none = OfficialAccount::default();
        let registered = none.register(OfficialAccountId::new(), AccountSort::Service, profile("Tea"), owner).unwrap();
        let state: OfficialAccount =
            given([registered, vec![AccountVerified { subject: "Tea Ltd".into() }.into()]].concat());
        let about = AccountProfile { introduction: "all about tea".into(), ..profile("Tea") };
        assert_eq!(state.change_profile(owner, about).unwrap().len(), 1);
        let renamed = state.change_profile(owner, profile("Coffee")).unwrap();
        assert_eq!(renamed.last(), Some(&AccountVerificationWithdrawn {}.into()));
    }

    #[test]
    fn there_is_no_account_until_it_is_registered() {
        let state = OfficialAccount::default();
        let (nobody, id) = (UserId::new(), OfficialAccountId::new());
        assert_eq!(state.check_acting(nobody), Err(Rejection::OfficialAccountNotFound));
        assert_eq!(state.verify("Tea Ltd"), Err(Rejection::OfficialAccountNotFound));
        assert!(state.register(id, AccountSort::Service, profile(" "), nobody).is_err());
        let odd = AccountProfile { website: "javascript:alert(1)".into(), ..profile("Tea") };
        assert!(state.register(id, AccountSort::Service, odd, nobody).is_err());
    }

    #[test]
    fn the_keys_before_are_good_for_a_day_where_a_program_had_them() {
        let owner = UserId::new();
        let mut state = account(owner);
        let at = |seconds| chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds);
        let take = |state: &mut OfficialAccount, events: Vec<OfficialAccountEvent>| {
            let meta = EventMeta { actor: Some(owner), at: at(10), version: 2 };
            events.iter().for_each(|event| state.evolve(event, &meta));
        };
        let renewed = state.renew_callback_keys(owner).unwrap();
        take(&mut state, renewed);
        assert_eq!((state.developer.keys, state.developer.old_keys(at(11))), (1, None));
        let settings = CallbackSettings { url: "https://tea.example".into(), mode: CallbackMode::Safe };
        let set = state.set_callback(owner, Some(settings)).unwrap();
        take(&mut state, set);
        let renewed = state.renew_callback_keys(owner).unwrap();
        take(&mut state, renewed);
        let old = [11, 10 + 86_399, 10 + 86_400].map(|seconds| state.developer.old_keys(at(seconds)));
        assert_eq!((state.developer.keys, old), (2, [Some(1), Some(1), None]));
        let removed = state.set_callback(owner, None).unwrap();
        take(&mut state, removed);
        assert_eq!((state.developer.keys, state.developer.old_keys(at(11))), (3, None));
        assert_eq!(state.renew_callback_keys(UserId::new()), Err(Rejection::AccountOwnerOnly));
    }

    #[test]
    fn scenes_have_their_bounds() {
        for (scene, for_a_while, for_ever) in [
            (Scene::Number(0), false, false),
            (Scene::Number(100_000), true, true),
            (Scene::Number(100_001), true, false),
            (Scene::Text(String::new()), false, false),
            (Scene::Text("门口".into()), true, true),
            (Scene::Text("x".repeat(65)), false, false),
        ] {
            assert_eq!((scene.check(true).is_ok(), scene.check(false).is_ok()), (for_a_while, for_ever), "{scene:?}");
        }
    }
}
