//! The fold: messages and recalls into the index.

use std::{path::Path, sync::Arc};

use domain::{ConversationEvent, ConversationId, DomainEvent};
use eventlog::Position;
use tantivy::TantivyError;

use super::{
    document::{Entry, Fields, Message},
    index::MessageIndex,
    query::SearchError,
    rows,
    view::SearchView,
};
use crate::runtime::{Fact, Projection, ProjectionError, Rows};

/// A batch of more facts than this is one of many: the projection catches up and nobody waits for it.
const CATCH_UP_BATCH: usize = 2_000;
/// Documents that wait at most for a commit while new events come in as they happen: keeps a commit within tens of
/// milliseconds.
const LIVE_DOCUMENTS: usize = 20_000;
/// Documents that wait at most for a commit while catching up: what a restart would have to take in again.
const CATCH_UP_DOCUMENTS: usize = 1_000_000;
/// Positions that the checkpoint may lag while nothing comes that is indexed.
const CHECKPOINT_LAG: u64 = 100_000;

/// Indexes what people say.
pub struct SearchProjection {
    index: Arc<MessageIndex>,
    view: Arc<SearchView>,
}

impl Projection for SearchProjection {
    const NAME: &'static str = "search";
    const VERSION: u32 = 2;
    type View = SearchView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let index = Arc::new(MessageIndex::open(dir)?);
        let view = Arc::new(SearchView::new(index.clone()));
        Ok(Self { index, view })
    }

    fn view(&self) -> Arc<SearchView> {
        self.view.clone()
    }

    fn checkpoint(&self) -> Position {
        self.index.committed()
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let Some(last) = batch.last().map(|fact| fact.position()) else { return Ok(()) };
        let fields = self.index.fields;
        // All are read before the first is written: a poison event leaves nothing half taken in.
        let documents = batch.iter().filter_map(|fact| document(fields, fact).transpose());
        let documents = documents.collect::<Result<Vec<_>, _>>()?;
        let waiting = self.index.append(documents, last)?;
        let enough = if batch.len() > CATCH_UP_BATCH { CATCH_UP_DOCUMENTS } else { LIVE_DOCUMENTS };
        let idle_lag = waiting == 0 && last.0.saturating_sub(self.index.committed().0) >= CHECKPOINT_LAG;
        if waiting >= enough || idle_lag {
            self.index.commit()?;
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<(), ProjectionError> {
        Ok(self.view.refresh()?)
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        Ok(self.index.commit()?)
    }

    fn rows(dir: &Path) -> Result<Rows, ProjectionError> {
        rows::all(dir)
    }
}

/// What the index keeps of an event, if anything.
fn document(fields: Fields, fact: &Fact) -> Result<Option<Entry>, ProjectionError> {
    if !matches!(fact.event_type(), "message.sent" | "message.recalled") {
        return Ok(None);
    }
    let DomainEvent::Conversation(event) = fact.decoded()? else { return Ok(None) };
    let Some(conversation) = fact.stream_id("conversation").map(ConversationId) else {
        return Err(fact.poison("a message outside of a conversation's stream"));
    };
    let (position, at) = (fact.position(), fact.at());
    Ok(match event {
        ConversationEvent::MessageSent(sent) => Some(fields.message(Message {
            position,
            conversation,
            seq: sent.seq,
            at,
            sender: fact.actor(),
            kind: sent.content.kind(),
            words: sent.content.words(),
        })),
        ConversationEvent::MessageRecalled(recalled) => Some(fields.recall(position, conversation, recalled.seq, at)),
        _ => None,
    })
}

impl From<TantivyError> for ProjectionError {
    fn from(error: TantivyError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<SearchError> for ProjectionError {
    fn from(error: SearchError) -> Self {
        Self::Storage(error.to_string())
    }
}
