//! Taking events in.

use std::collections::{BTreeMap, HashMap};

use domain::{
    BroadcastsEvent, DomainEvent, FollowerNotesEvent, FollowerTagsEvent, OfficialAccountId,
    broadcasts::{BroadcastAddressed, BroadcastSent},
    follower_notes::{FollowerNoted, FollowerTagNamed},
};
use fjall::OwnedWriteBatch as WriteBatch;

use super::{
    BroadcastsView, NotesRow, SentRow, TagRow,
    rows::{Tables, Tags},
    view::Entry,
};
use crate::{Fact, ProjectionError};

/// Whether events of that type can change anything here.
pub(super) fn matters(event_type: &str) -> bool {
    event_type.starts_with("broadcast.") || event_type.starts_with("follower-tag.") || event_type == "follower.noted"
}

/// What a batch changes.
#[derive(Default)]
pub(super) struct Changes {
    sent: BTreeMap<(OfficialAccountId, u64), SentRow>,
    tags: HashMap<OfficialAccountId, Tags>,
    notes: HashMap<(OfficialAccountId, String), NotesRow>,
    /// Whether somebody has a tag: the last word of the batch.
    tagged: HashMap<(OfficialAccountId, u32, String), bool>,
    addressed: Vec<BroadcastAddressed>,
}

impl Changes {
    /// Takes an event in.
    pub(super) fn take(&mut self, view: &BroadcastsView, tables: &Tables, fact: &Fact) -> Result<(), ProjectionError> {
        match fact.decoded()? {
            DomainEvent::Broadcasts(BroadcastsEvent::BroadcastAddressed(addressed)) => {
                self.addressed.push(addressed.clone());
                Ok(())
            }
            DomainEvent::Broadcasts(BroadcastsEvent::BroadcastSent(sent)) => {
                let BroadcastSent { account, number, contents, audience, day, reader_month_max, .. } = sent.clone();
                let (position, at) = (fact.position().0, fact.at());
                let row = SentRow { position, at, contents, audience, day, reader_month_max, withdrawn: false };
                self.sent.insert((account, number), row);
                Ok(())
            }
            DomainEvent::Broadcasts(BroadcastsEvent::BroadcastWithdrawn(withdrawn)) => {
                let place = (withdrawn.account, withdrawn.number);
                let row = match self.sent.get(&place) {
                    Some(row) => Some(row.clone()),
                    None => tables.sent(place.0, place.1)?,
                };
                let row = row.ok_or_else(|| fact.poison("a broadcast that was not sent"))?;
                self.sent.insert(place, SentRow { withdrawn: true, ..row });
                Ok(())
            }
            DomainEvent::FollowerTags(event) => {
                let account = fact.stream_id("follower-tags").map(OfficialAccountId);
                let account = account.ok_or_else(|| fact.poison("the stream names no official account"))?;
                let tags = self.tags_of(view, account);
                match event {
                    FollowerTagsEvent::FollowerTagNamed(FollowerTagNamed { tag, name }) => {
                        let row = tags.entry(*tag).or_insert(TagRow { name: String::new(), followers: 0 });
                        row.name.clone_from(name);
                    }
                    FollowerTagsEvent::FollowerTagDeleted(deleted) => {
                        tags.remove(&deleted.tag);
                    }
                }
                Ok(())
            }
            DomainEvent::FollowerNotes(FollowerNotesEvent::FollowerNoted(noted)) => {
                self.take_notes(view, tables, fact, noted)
            }
            _ => Ok(()),
        }
    }

    fn take_notes(
        &mut self,
        view: &BroadcastsView,
        tables: &Tables,
        fact: &Fact,
        noted: &FollowerNoted,
    ) -> Result<(), ProjectionError> {
        let FollowerNoted { account, openid, remark, tags } = noted;
        let key = (*account, openid.clone());
        let before = match self.notes.get(&key) {
            Some(row) => row.clone(),
            None => tables.notes(*account, openid)?.unwrap_or_default(),
        };
        for tag in before.tags.symmetric_difference(tags) {
            let has = tags.contains(tag);
            self.tagged.insert((*account, *tag, openid.clone()), has);
            // A tag that is no more counts nobody.
            if let Some(row) = self.tags_of(view, *account).get_mut(tag) {
                row.followers = if has { row.followers + 1 } else { row.followers.saturating_sub(1) };
            }
        }
        let mut after = NotesRow { remark: remark.clone(), ..before };
        after.take(tags, fact.at());
        self.notes.insert(key, after);
        Ok(())
    }

    fn tags_of(&mut self, view: &BroadcastsView, account: OfficialAccountId) -> &mut Tags {
        self.tags.entry(account).or_insert_with(|| view.tags(account))
    }

    /// Puts the changes into a batch of rows.
    pub(super) fn write(&self, tables: &Tables, rows: &mut WriteBatch) -> Result<(), ProjectionError> {
        for (place, row) in &self.sent {
            tables.write_sent(*place, row, rows)?;
        }
        for BroadcastAddressed { account, number, openids } in &self.addressed {
            openids.iter().for_each(|openid| tables.write_addressed((*account, *number), openid, rows));
        }
        for (account, tags) in &self.tags {
            tables.write_tags(*account, tags, rows)?;
        }
        for ((account, openid), row) in &self.notes {
            tables.write_notes((*account, openid), row, rows)?;
        }
        for ((account, tag, openid), has) in &self.tagged {
            tables.write_tagged((*account, *tag, openid), *has, rows);
        }
        Ok(())
    }

    /// Shows the changes in what is held in memory.
    pub(super) fn show(self, view: &BroadcastsView) {
        if !self.sent.is_empty() {
            let mut entries = view.entries.write();
            for ((account, number), row) in &self.sent {
                entries.entry(*account).or_default().insert(*number, Entry::of(row));
            }
        }
        if !self.tags.is_empty() {
            view.tags.write().extend(self.tags);
        }
    }
}
