//! Who of an account's followers is answered next.

use std::collections::{HashSet, VecDeque};

use domain::UserId;

use crate::ports::ToAnswer;

/// The line in which an account's followers stand. What one of them did is answered in its order, one thing after the
/// other; each time around the line everybody has one turn, so that who says much holds up nobody.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Who is being answered.
    busy: HashSet<UserId>,
    /// Whom answering failed for, until it works for somebody.
    failed: HashSet<UserId>,
    /// Whose turn comes before the line is looked at anew: one thing of each.
    next: VecDeque<ToAnswer>,
}

impl Line {
    /// Whose turn it is not, when the line is looked at.
    pub(super) fn left_out(&self) -> HashSet<UserId> {
        self.busy.union(&self.failed).copied().collect()
    }

    /// Whether it is to be looked at anew.
    pub(super) fn is_empty(&self) -> bool {
        self.next.is_empty()
    }

    /// Takes in who stands in it, with the oldest thing of each; nobody of those who are left out.
    pub(super) fn fill(&mut self, items: Vec<ToAnswer>) {
        self.next.extend(items);
    }

    /// Whose turn it is.
    pub(super) fn next(&mut self) -> Option<ToAnswer> {
        let item = self.next.pop_front()?;
        self.busy.insert(item.follower);
        Some(item)
    }

    /// Somebody was answered, or could not be.
    pub(super) fn ended(&mut self, follower: UserId, well: bool) {
        self.busy.remove(&follower);
        if well {
            self.failed.clear();
        } else {
            self.failed.insert(follower);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::{OfficialAccountId, official::Happening};
    use uuid::Uuid;

    use super::*;

    fn item(follower: UserId, seq: u64) -> ToAnswer {
        ToAnswer {
            trigger: Uuid::from_u128(u128::from(seq)),
            account: OfficialAccountId(Uuid::nil()),
            follower,
            openid: String::new(),
            at: DateTime::UNIX_EPOCH,
            what: Happening::Said { seq },
        }
    }

    /// Who is answered, one at a time, where these wait, each with so many things.
    fn turns(mut waiting: Vec<(UserId, u64)>) -> Vec<UserId> {
        let (mut line, mut turns) = (Line::default(), vec![]);
        loop {
            let Some(item) = line.next() else {
                waiting.retain(|(_, things)| *things > 0);
                if waiting.is_empty() {
                    return turns;
                }
                line.fill(waiting.iter().map(|(user, things)| item(*user, *things)).collect());
                continue;
            };
            waiting.iter_mut().filter(|(user, _)| *user == item.follower).for_each(|(_, things)| *things -= 1);
            turns.push(item.follower);
            line.ended(item.follower, true);
        }
    }

    #[test]
    fn who_says_much_waits_for_those_who_say_little() {
        let [much, little] = [0; 2].map(|_| UserId::new());
        assert_eq!(turns(vec![(much, 4), (little, 2)]), [much, little, much, little, much, much]);
    }

    #[test]
    fn nobody_has_two_turns_at_a_time_and_who_failed_waits_until_it_works_for_somebody() {
        let [one, other] = [0; 2].map(|_| UserId::new());
        let mut line = Line::default();
        line.fill(vec![item(one, 1), item(other, 2)]);
        assert_eq!((line.next(), line.next()), (Some(item(one, 1)), Some(item(other, 2))));
        assert_eq!(line.left_out(), HashSet::from([one, other]));
        line.ended(one, false);
        assert_eq!(line.left_out(), HashSet::from([one, other]));
        line.ended(other, true);
        assert_eq!(line.left_out(), HashSet::new());
    }
}
