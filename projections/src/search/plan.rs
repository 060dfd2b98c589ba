//! A query made ready: what the index is asked, and what each candidate is checked against.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::{ConversationId, conversation::ContentKind};
use tantivy::{
    Searcher, SegmentReader, Term,
    query::{BooleanQuery, EnableScoring, Occur, PhraseQuery, Query as IndexQuery, TermQuery, Weight},
    schema::IndexRecordOption,
};

use super::{
    document::{Fields, id_key, kind_code, number_term},
    query::{Query, SearchError, TEXT_CHARS_MAX},
    tokens::phrases,
};
use crate::chat::VisiblePart;

/// Up to this many conversations, their lists of messages always lead the search.
const FEW_CONVERSATIONS: usize = 4;

/// What the index is asked for one query.
pub(super) struct Plan {
    fields: Fields,
    /// Clauses that a message must meet besides being in a visible conversation.
    clauses: Vec<Clause>,
    /// Whether a message of any kind but text is ruled out.
    texts_only: bool,
    /// The conversations to search, by their keys.
    visible: HashMap<u64, VisiblePart>,
    /// Sent at this time or later, in microseconds.
    pub(super) from: i64,
    /// Sent before this time, in microseconds.
    pub(super) to: i64,
}

/// One term, or several side by side.
struct Clause(Vec<Term>);

impl Clause {
    fn query(&self) -> Box<dyn IndexQuery> {
        match self.0.as_slice() {
            [term] => term_query(term.clone()),
            terms => Box::new(PhraseQuery::new(terms.to_vec())),
        }
    }
}

fn term_query(term: Term) -> Box<dyn IndexQuery> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

impl Plan {
    /// The plan of a query; none where nothing can be found.
    pub(super) fn of(query: &Query, fields: Fields) -> Result<Option<Self>, SearchError> {
        if query.text.chars().count() > TEXT_CHARS_MAX {
            return Err(SearchError::TooLong);
        }
        let phrases = phrases(&query.text);
        let wanted = |visible: &&VisiblePart| query.conversation.is_none_or(|only| visible.conversation == only);
        let visible: HashMap<u64, VisiblePart> = query
            .visible
            .iter()
            .filter(wanted)
            .map(|visible| (id_key(visible.conversation.0), visible.clone()))
            .collect();
        let asks_for_nothing = phrases.is_empty() && !query.text.trim().is_empty();
        if asks_for_nothing || visible.is_empty() {
            return Ok(None);
        }
        let words = |phrase: Vec<String>| {
            Clause(phrase.iter().map(|token| Term::from_field_text(fields.words, token)).collect())
        };
        let sender = query.sender.map(|sender| number_term(fields.sender, id_key(sender.0)));
        let kind = query.kind.and_then(kind_code).map(|kind| number_term(fields.kind, kind));
        let others = sender.into_iter().chain(kind).map(|term| Clause(vec![term]));
        let texts_only = query.kind == Some(ContentKind::Text);
        let clauses = phrases.into_iter().map(words).chain(others).collect();
        let micros = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_micros());
        let (from, to) = (micros(query.from).unwrap_or(i64::MIN), micros(query.to).unwrap_or(i64::MAX));
        Ok(Some(Self { fields, clauses, texts_only, visible, from, to }))
    }

    /// The conversation with this key, if it is to be searched and shows its message `seq`.
    pub(super) fn shows(&self, conversation: u64, seq: u64) -> Option<ConversationId> {
        let visible = self.visible.get(&conversation)?;
        let (first, last) = *visible.spans.get(visible.spans.partition_point(|(_, last)| *last < seq))?;
        (first..=last).contains(&seq).then_some(visible.conversation)
    }

    /// What finds a segment's candidates: messages that meet every clause, and perhaps are in a visible conversation.
    pub(super) fn candidates(
        &self,
        searcher: &Searcher,
        segment: &SegmentReader,
    ) -> Result<Box<dyn Weight>, SearchError> {
        let mut clauses: Vec<(Occur, Box<dyn IndexQuery>)> =
            self.clauses.iter().map(|clause| (Occur::Must, clause.query())).collect();
        if self.conversations_lead(segment)? {
            clauses.push((Occur::Must, self.in_visible()));
        }
        if self.texts_only {
            let others = ContentKind::ALL.into_iter().filter_map(kind_code);
            let other = |kind| (Occur::MustNot, term_query(number_term(self.fields.kind, kind)));
            clauses.extend(others.map(other));
        }
        Ok(BooleanQuery::new(clauses).weight(EnableScoring::disabled_from_searcher(searcher))?)
    }

    /// Whether the visible conversations have fewer messages in this segment than meet the rarest clause. If not, it is
    /// cheaper to look up each candidate's conversation.
    fn conversations_lead(&self, segment: &SegmentReader) -> Result<bool, SearchError> {
        let count = |term: &Term| Ok::<u64, SearchError>(segment.inverted_index(term.field())?.doc_freq(term)?.into());
        let mut rarest = u64::MAX;
        for term in self.clauses.iter().flat_map(|clause| &clause.0) {
            rarest = rarest.min(count(term)?);
        }
        if self.visible.len() <= FEW_CONVERSATIONS || rarest == u64::MAX {
            return Ok(true);
        }
        let mut messages = 0;
        for conversation in self.visible.keys() {
            messages += count(&number_term(self.fields.conversation, *conversation))?;
            if messages >= rarest {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn in_visible(&self) -> Box<dyn IndexQuery> {
        let term = |key: &u64| term_query(number_term(self.fields.conversation, *key));
        Box::new(BooleanQuery::union(self.visible.keys().map(term).collect()))
    }
}
