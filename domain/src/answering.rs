//! Answering: what of a follower's doings an official account has answered. One stream per conversation, so that an account
//! that hears from a million people at once is no hot spot, and beside the conversation, which is for both sides to read.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    ConversationId,
    event::{Aggregate, EventMeta, event_family},
};

/// The account's program is about to be told of something: written before it is, so that it is never told too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerSought {
    /// The event that is to be answered.
    pub trigger: Uuid,
    /// How often the program has been told by then, this time included.
    pub times: u32,
}

/// How something came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerOutcome {
    /// It was answered, or nothing was to be said.
    Answered,
    /// The program did not answer, or not in a way that can be understood.
    Failed,
}

/// Nothing more is to be done about something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerGiven {
    /// The event that was to be answered.
    pub trigger: Uuid,
    /// How it came to an end.
    pub outcome: AnswerOutcome,
}

event_family! {
    /// Events of an `answers-` stream.
    AnsweringEvent {
        "answer.sought" => AnswerSought,
        "answer.given" => AnswerGiven,
    }
}

/// Of how many events it is remembered that they were answered.
const DONE_MAX: usize = 64;

/// What of a follower's doings was answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Answering {
    /// What the program was told of and has not answered: how often.
    sought: BTreeMap<Uuid, u32>,
    done: VecDeque<Uuid>,
}

impl Answering {
    /// How often the program was told of an event.
    #[must_use]
    pub fn times(&self, trigger: Uuid) -> u32 {
        self.sought.get(&trigger).copied().unwrap_or(0)
    }

    /// The program is about to be told of an event: nothing comes of it where that is done, or was done so often already.
    #[must_use]
    pub fn seek(&self, trigger: Uuid, times_max: u32) -> Vec<AnsweringEvent> {
        let times = self.times(trigger) + 1;
        if self.done.contains(&trigger) || times > times_max {
            return vec![];
        }
        vec![AnswerSought { trigger, times }.into()]
    }

    /// Nothing more is to be done about an event.
    #[must_use]
    pub fn give(&self, trigger: Uuid, outcome: AnswerOutcome) -> Vec<AnsweringEvent> {
        if self.done.contains(&trigger) { vec![] } else { vec![AnswerGiven { trigger, outcome }.into()] }
    }
}

impl Aggregate for Answering {
    type Id = ConversationId;
    type Event = AnsweringEvent;
    const CATEGORY: &'static str = "answers";

    fn evolve(&mut self, event: &AnsweringEvent, _meta: &EventMeta) {
        match event {
            AnsweringEvent::AnswerSought(sought) => {
                self.sought.insert(sought.trigger, sought.times);
            }
            AnsweringEvent::AnswerGiven(given) => {
                self.sought.remove(&given.trigger);
                self.done.push_back(given.trigger);
                if self.done.len() > DONE_MAX {
                    self.done.pop_front();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    #[test]
    fn a_program_is_told_of_an_event_so_often_at_most_and_not_at_all_once_it_is_done() {
        let trigger = Uuid::from_u128(7);
        let mut past = vec![];
        for times in 1..=3 {
            let events = given::<Answering>(past.clone()).seek(trigger, 3);
            assert_eq!(events, [AnswerSought { trigger, times }.into()]);
            past.extend(events);
        }
        assert_eq!(given::<Answering>(past.clone()).seek(trigger, 3), vec![]);
        past.extend(given::<Answering>(past.clone()).give(trigger, AnswerOutcome::Failed));
        let state: Answering = given(past);
        assert_eq!((state.seek(trigger, 9), state.give(trigger, AnswerOutcome::Answered)), (vec![], vec![]));
    }
}
