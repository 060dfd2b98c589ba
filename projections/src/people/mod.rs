//! People: profiles, devices, contacts, friend requests, and one person's own notes on others.
//!
//! Profiles and devices are read from disk; who is what to whom is held in memory, where deciders and other queries ask
//! for it all the time.
//!
//! # Layout
//! - this file: the fold.
//! - `relations`: who is what to whom, in memory; `rows`: all of it on disk.
//! - [`view`]: the questions; [`answers`]: what they are answered with; [`relationships`]: who is what to whom, for Moments.

pub mod answers;
mod relations;
pub mod relationships;
mod rows;
pub mod view;

use std::{collections::HashMap, path::Path, sync::Arc};

use domain::{DomainEvent, UserEvent, UserId};
use eventlog::Position;
use fjall::OwnedWriteBatch as WriteBatch;

pub use answers::{ContactRow, DeviceRow, PersonRow, RequestDirection, RequestRow, TagRow};
pub use relationships::Relationships;
pub use view::{PeopleView, Person};

use crate::{
    Fact, Projection, ProjectionError,
    rows::{RowStore, to_json},
};
use rows::{DeviceRecord, PersonRecord, Tables, pair_key};

/// Folds people.
pub struct PeopleProjection {
    store: RowStore,
    tables: Tables,
    view: Arc<PeopleView>,
}

/// What a batch changes about persons, on top of what is on disk.
struct Persons<'a> {
    tables: &'a Tables,
    changed: HashMap<UserId, PersonRecord>,
}

impl Persons<'_> {
    /// Changes a person, if there is one.
    fn change(&mut self, user: UserId, change: impl FnOnce(&mut PersonRecord)) -> Result<(), ProjectionError> {
        if !self.changed.contains_key(&user) {
            let Some(stored) = self.tables.person(user)? else { return Ok(()) };
            self.changed.insert(user, stored);
        }
        if let Some(person) = self.changed.get_mut(&user) {
            change(person);
        }
        Ok(())
    }

    fn take(
        &mut self,
        user: UserId,
        event: &UserEvent,
        fact: &Fact,
        batch: &mut WriteBatch,
    ) -> Result<(), ProjectionError> {
        match event {
            UserEvent::UserRegistered(registered) if registered.handle.is_empty() => {
                return Err(fact.poison("a handle is empty"));
            }
            UserEvent::UserRegistered(registered) => {
                let person = PersonRecord {
                    handle: registered.handle.clone(),
                    profile: registered.profile.clone(),
                    privacy: domain::user::Privacy::default(),
                    registered_at: fact.at(),
                };
                batch.insert(&self.tables.handles, registered.handle.as_str(), *user.0.as_bytes());
                self.changed.insert(user, person);
            }
            UserEvent::DeviceAdded(added) => {
                let device = DeviceRecord { name: added.name.clone(), added_at: fact.at() };
                batch.insert(&self.tables.devices, pair_key(user.0, added.device.0), to_json(&device)?);
            }
            UserEvent::DeviceRevoked(revoked) => {
                batch.remove(&self.tables.devices, pair_key(user.0, revoked.device.0));
            }
            UserEvent::ProfileChanged(changed) => {
                self.change(user, |person| person.profile.clone_from(&changed.profile))?;
            }
            UserEvent::PrivacyChanged(changed) => self.change(user, |person| person.privacy = changed.privacy)?,
            UserEvent::PasswordChanged(_) => {}
        }
        Ok(())
    }
}

impl PeopleProjection {
    fn take_in(&self, batch: &[Arc<Fact>], rows: &mut WriteBatch) -> Result<(), ProjectionError> {
        let mut persons = Persons { tables: &self.tables, changed: HashMap::new() };
        let mut relations = self.view.relations.write();
        for fact in batch.iter().filter(|fact| matters(fact)) {
            match fact.decoded()? {
                DomainEvent::User(event) => persons.take(user_of(fact, "user")?, event, fact, rows)?,
                DomainEvent::Contacts(event) => {
                    relations.take_contacts(user_of(fact, "contacts")?, event, &fact.meta());
                }
                DomainEvent::Friendship(event) => relations.take_friendship(fact.pair()?, event, &fact.meta()),
                _ => {}
            }
        }
        self.tables.write(&mut relations, rows)?;
        for (user, person) in &persons.changed {
            rows.insert(&self.tables.persons, *user.0.as_bytes(), to_json(person)?);
        }
        Ok(())
    }
}

fn matters(fact: &Fact) -> bool {
    let stream = fact.record.stream();
    ["user-", "contacts-", "friendship-"].iter().any(|category| stream.starts_with(category))
}

fn user_of(fact: &Fact, category: &str) -> Result<UserId, ProjectionError> {
    fact.stream_id(category).map(UserId).ok_or_else(|| fact.poison("the stream names no person"))
}

impl Projection for PeopleProjection {
    const NAME: &'static str = "people";
    const VERSION: u32 = 2;
    type View = PeopleView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let store = RowStore::open(dir, Self::NAME)?;
        let tables = Tables::open(&store)?;
        let view = Arc::new(PeopleView::new(tables.clone(), tables.load()?));
        Ok(Self { store, tables, view })
    }

    fn view(&self) -> Arc<PeopleView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.store.checkpoint()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let mut rows = self.store.batch();
        self.take_in(batch, &mut rows)?;
        self.store.commit(rows, last)
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        self.store.flush()
    }
}
