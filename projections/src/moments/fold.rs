//! What each event changes.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Aggregate, Circle, DomainEvent, PostEvent, PostId, UserId,
    moments::post::{CommentAdded, PostPublished},
};
use fjall::OwnedWriteBatch as WriteBatch;

use super::{
    index::Placed,
    rows::{Deed, Own, Pointer, PostRow, Said, Table, What, below_key, deed_key, person_key},
    staged::Staged,
    tidings::Tiding,
};
use crate::{
    Fact, ProjectionError,
    rows::{from_json, id_at, number, number_at, to_json},
};

/// Whether events of that type change anything here: a cheap look that decodes nothing.
pub(super) fn matters(event_type: &str) -> bool {
    event_type.starts_with("post.") || event_type.starts_with("moments.")
}

/// What a batch changes in memory, once its rows are on disk.
#[derive(Default)]
pub(super) struct News {
    /// Posts that were published, with their authors.
    pub(super) published: Vec<(UserId, Placed)>,
    /// Author and position of posts that were deleted.
    pub(super) deleted: Vec<(UserId, u64)>,
    /// Settings and marks as they are now.
    pub(super) circles: BTreeMap<UserId, Circle>,
    /// What somebody may have to be told of.
    pub(super) tidings: Vec<Tiding>,
    /// Positions of posts that something happened to.
    pub(super) touched: BTreeSet<u64>,
}

/// What a batch changes.
pub(super) struct Changes<'a> {
    staged: Staged<'a>,
    news: News,
}

/// A post that something happens to.
struct Target {
    position: u64,
    author: UserId,
}

impl<'a> Changes<'a> {
    pub(super) fn over(staged: Staged<'a>) -> Self {
        Self { staged, news: News::default() }
    }

    /// Takes an event in.
    pub(super) fn take(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        match fact.decoded()? {
            DomainEvent::Post(event) => {
                let post = fact.stream_id("post").map(PostId).ok_or_else(|| fact.poison("the stream names no post"))?;
                // The server itself posts and says nothing.
                let Some(actor) = fact.actor() else { return Ok(()) };
                match event {
                    PostEvent::PostPublished(published) => self.publish(post, actor, published, fact),
                    _ => self.take_below(post, actor, event, fact),
                }
            }
            DomainEvent::Circle(event) => {
                let user = fact.stream_id("moments").map(UserId);
                let user = user.ok_or_else(|| fact.poison("the stream names no person"))?;
                let mut circle = self.circle(user)?;
                circle.evolve(event, &fact.meta());
                self.staged.put(Table::Circles, user.0.as_bytes().to_vec(), to_json(&circle)?);
                self.news.circles.insert(user, circle);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Puts all of it into a batch of rows, and says what else is new.
    pub(super) fn write(self, batch: &mut WriteBatch) -> Result<News, ProjectionError> {
        self.staged.write(batch)?;
        Ok(self.news)
    }

    fn circle(&self, user: UserId) -> Result<Circle, ProjectionError> {
        let stored = self.staged.get(Table::Circles, user.0.as_bytes())?;
        stored.map_or(Ok(Circle::default()), |value| from_json("circles", &value))
    }

    fn target(&self, post: PostId) -> Result<Option<Target>, ProjectionError> {
        let Some(value) = self.staged.get(Table::PostIds, post.0.as_bytes())? else { return Ok(None) };
        let parts = number(&value).zip(id_at(&value, 8));
        let (position, author) = parts.ok_or(Table::PostIds.damaged())?;
        Ok(Some(Target { position, author: UserId(author) }))
    }

    fn publish(
        &mut self,
        post: PostId,
        author: UserId,
        published: &PostPublished,
        fact: &Fact,
    ) -> Result<(), ProjectionError> {
        if self.target(post)?.is_some() {
            return Ok(());
        }
        let position = fact.position().0;
        let row = PostRow { post, author, at: fact.at(), draft: published.draft.clone() };
        let place = [position.to_be_bytes().as_slice(), author.0.as_bytes()].concat();
        self.staged.put(Table::Posts, position.to_be_bytes().to_vec(), to_json(&row)?);
        self.staged.put(Table::PostIds, post.0.as_bytes().to_vec(), place);
        let at_micros = row.at.timestamp_micros();
        self.staged.put(Table::Albums, person_key(author, position), at_micros.to_be_bytes().to_vec());
        self.news.published.push((author, Placed { position, at_micros }));
        let reminded: Vec<UserId> = reminded(&row).collect();
        if !reminded.is_empty() {
            let pointer = Pointer { post: position, what: What::Reminder };
            self.tell(Tiding { position, pointer, actor: author, version: fact.record.version(), about: reminded });
        }
        Ok(())
    }

    /// Takes in what happens to a post that is there; what happens to any other is passed over.
    fn take_below(
        &mut self,
        post: PostId,
        actor: UserId,
        event: &PostEvent,
        fact: &Fact,
    ) -> Result<(), ProjectionError> {
        let Some(target) = self.target(post)? else { return Ok(()) };
        self.news.touched.insert(target.position);
        match event {
            PostEvent::PostPublished(_) => Ok(()),
            PostEvent::PostDeleted(_) => self.delete(post, &target),
            PostEvent::PostLiked(_) => self.like(&target, actor, fact),
            PostEvent::LikeTakenBack(_) => {
                let key = below_key(target.position, actor.0);
                let Some(like) = self.position_at(Table::Likers, &key)? else { return Ok(()) };
                self.remove_like(&target, actor, like);
                Ok(())
            }
            PostEvent::CommentAdded(added) => self.comment(&target, actor, added, fact),
            PostEvent::CommentDeleted(deleted) => {
                let key = below_key(target.position, deleted.comment.0);
                let Some(comment) = self.position_at(Table::CommentIds, &key)? else { return Ok(()) };
                let row = self.staged.get(Table::Comments, &deed_key(target.position, comment))?;
                let deed = row.as_deref().and_then(|row| Deed::read(row).zip(Said::read(row)));
                let (deed, said) = deed.ok_or(Table::Comments.damaged())?;
                self.remove_comment(&target, deed.actor, &said, comment);
                Ok(())
            }
        }
    }

    fn like(&mut self, target: &Target, actor: UserId, fact: &Fact) -> Result<(), ProjectionError> {
        let liker = below_key(target.position, actor.0);
        if self.staged.get(Table::Likers, &liker)?.is_some() {
            return Ok(());
        }
        let (position, deed) = (fact.position().0, deed_of(actor, fact));
        self.note(target, deed, None, position, What::Like);
        self.staged.put(Table::Likes, deed_key(target.position, position), deed.to_bytes());
        self.staged.put(Table::Likers, liker, position.to_be_bytes().to_vec());
        Ok(())
    }

    fn comment(
        &mut self,
        target: &Target,
        actor: UserId,
        added: &CommentAdded,
        fact: &Fact,
    ) -> Result<(), ProjectionError> {
        let CommentAdded { comment, text, reply_to } = added.clone();
        let id = below_key(target.position, comment.0);
        if self.staged.get(Table::CommentIds, &id)?.is_some() {
            return Ok(());
        }
        let (position, deed) = (fact.position().0, deed_of(actor, fact));
        self.note(target, deed, reply_to.map(|reply| reply.author), position, What::Comment);
        let row = Said { comment, text, reply_to }.to_bytes(deed)?;
        self.staged.put(Table::Comments, deed_key(target.position, position), row);
        self.staged.put(Table::CommentIds, id, position.to_be_bytes().to_vec());
        Ok(())
    }

    /// Takes a post away with all that was said of it and all notices of it.
    fn delete(&mut self, post: PostId, target: &Target) -> Result<(), ProjectionError> {
        let Target { position, author } = *target;
        let row = self.staged.get(Table::Posts, &position.to_be_bytes())?.ok_or(Table::Posts.damaged())?;
        let row: PostRow = from_json("posts", &row)?;
        reminded(&row).for_each(|user| self.staged.remove(Table::Notices, person_key(user, position)));
        self.staged.remove(Table::Posts, position.to_be_bytes().to_vec());
        self.staged.remove(Table::PostIds, post.0.as_bytes().to_vec());
        self.staged.remove(Table::Albums, person_key(author, position));
        self.news.deleted.push((author, position));
        for (key, value) in self.staged.range(Table::Likes, all_below(position))? {
            let parts = number_at(&key, 8).zip(Deed::read(&value));
            let (like, deed) = parts.ok_or(Table::Likes.damaged())?;
            self.remove_like(target, deed.actor, like);
        }
        for (key, value) in self.staged.range(Table::Comments, all_below(position))? {
            let parts = number_at(&key, 8).zip(Deed::read(&value)).zip(Said::read(&value));
            let ((comment, deed), said) = parts.ok_or(Table::Comments.damaged())?;
            self.remove_comment(target, deed.actor, &said, comment);
        }
        Ok(())
    }

    fn remove_like(&mut self, target: &Target, actor: UserId, like: u64) {
        self.staged.remove(Table::Likes, deed_key(target.position, like));
        self.staged.remove(Table::Likers, below_key(target.position, actor.0));
        self.forget(target, actor, None, like);
    }

    fn remove_comment(&mut self, target: &Target, actor: UserId, said: &Said, comment: u64) {
        self.staged.remove(Table::Comments, deed_key(target.position, comment));
        self.staged.remove(Table::CommentIds, below_key(target.position, said.comment.0));
        self.forget(target, actor, said.reply_to.map(|reply| reply.author), comment);
    }

    /// Notes who did something and whom it is about: the author, and who is answered. Whether they see it is judged when
    /// they look, and so is who else is told of it: no like may cost more the more people like a post.
    fn note(&mut self, target: &Target, deed: Deed, answered: Option<UserId>, position: u64, what: What) {
        let pointer = Pointer { post: target.position, what };
        let own = Own { pointer, version: deed.version };
        self.staged.put(Table::Interactions, person_key(deed.actor, position), own.to_bytes());
        let about = concerned(target, deed.actor, answered).collect();
        self.tell(Tiding { position, pointer, actor: deed.actor, version: deed.version, about });
    }

    fn tell(&mut self, tiding: Tiding) {
        for user in &tiding.about {
            self.staged.put(Table::Notices, person_key(*user, tiding.position), tiding.pointer.to_bytes());
        }
        self.news.tidings.push(tiding);
    }

    /// Undoes what [`Self::note`] has noted.
    fn forget(&mut self, target: &Target, actor: UserId, answered: Option<UserId>, position: u64) {
        self.staged.remove(Table::Interactions, person_key(actor, position));
        for user in concerned(target, actor, answered) {
            self.staged.remove(Table::Notices, person_key(user, position));
        }
    }

    fn position_at(&self, table: Table, key: &[u8]) -> Result<Option<u64>, ProjectionError> {
        let value = self.staged.get(table, key)?;
        value.map(|value| number(&value).ok_or(table.damaged())).transpose()
    }
}

fn deed_of(actor: UserId, fact: &Fact) -> Deed {
    Deed { actor, at: fact.at(), version: fact.record.version() }
}

fn all_below(post: u64) -> (Vec<u8>, Vec<u8>) {
    (deed_key(post, 0), deed_key(post, u64::MAX))
}

/// Whom a post reminds, besides its author.
fn reminded(row: &PostRow) -> impl Iterator<Item = UserId> {
    row.draft.remind.iter().copied().filter(|user| *user != row.author)
}

/// Whom something below a post is about: its author, and who is answered. Nobody is told of what they did themselves.
fn concerned(target: &Target, actor: UserId, answered: Option<UserId>) -> impl Iterator<Item = UserId> {
    let answered = answered.filter(|answered| *answered != target.author);
    std::iter::once(target.author).chain(answered).filter(move |user| *user != actor)
}
