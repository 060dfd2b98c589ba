//! People who bring pictures, and make stickers of them.

use domain::{
    MediumId, MediumKind, UserId,
    medium::{Carried, MediaKept, MediaUploaded, MediumFacts},
};
use rand::{RngExt, seq::IndexedRandom};

use super::History;

impl History {
    /// A picture that somebody brought.
    pub(super) fn own_picture(&self, me: UserId) -> Option<Carried> {
        let own = self.brought.iter().find(|(owner, _)| *owner == me);
        own.map(|(_, medium)| Carried { medium: *medium, facts: None })
    }

    /// Somebody brings a picture, keeps one for a while longer, or one is discarded.
    pub(super) fn bring(&mut self, me: UserId) {
        let policy = self.policy.media.clone();
        let (id, event) = match self.brought.choose(&mut self.rng).copied() {
            Some((owner, medium)) if self.rng.random_bool(0.3) => {
                let state = self.media.state(medium);
                let gone = state.discard(&policy, self.writer.now);
                let kept = state.uploaded().filter(|_| gone.is_empty()).map(|_| MediaKept {}.into());
                (medium, gone.into_iter().chain(kept).map(|event| (owner, event)).collect::<Vec<_>>())
            }
            _ => {
                let medium = MediumId(self.id());
                self.brought.push((me, medium));
                let (bytes, hash) = (self.rng.random_range(1..5), format!("{:064x}", self.rng.random_range(0..3)));
                let facts = MediumFacts { content_type: "image/png".into(), bytes, ..MediumFacts::default() };
                let new = MediaUploaded { kind: MediumKind::Picture, hash, facts };
                let events = self.media.state(medium).upload(new, 0, &policy).unwrap();
                (medium, events.into_iter().map(|event| (me, event)).collect())
            }
        };
        for (actor, event) in event {
            self.media.put(&self.writer, &mut self.rng, id, Some(actor), &[event]);
        }
    }

    /// Somebody makes a sticker of a picture, or puts one of their stickers elsewhere.
    pub(super) fn collect(&mut self, me: UserId) {
        let collection = self.collections.state(me);
        let mine: Vec<MediumId> =
            self.brought.iter().filter(|(owner, _)| *owner == me).map(|(_, medium)| *medium).collect();
        let Some(medium) = mine.choose(&mut self.rng).copied() else { return };
        let events = match self.rng.random_range(0..6) {
            0..3 => {
                let hash = self.media.state(medium).uploaded().map(|uploaded| uploaded.hash.clone());
                let Some(hash) = hash else { return };
                collection.collect(Carried { medium, facts: None }, &hash, &self.policy.media)
            }
            3..5 => collection.move_to_front(medium),
            _ => collection.remove(medium),
        };
        self.collections.put(&self.writer, &mut self.rng, me, Some(me), &events.unwrap_or_default());
    }
}
