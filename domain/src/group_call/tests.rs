//! The rules of calls of groups.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::policy::CallsPolicy;

fn second(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn policy() -> CallsPolicy {
    CallsPolicy { ring_seconds: 60, group_max: 4, ..CallsPolicy::default() }
}

/// Six people of a group, and a call that the first one started; each has one device.
struct Six {
    people: [(UserId, DeviceId); 6],
    conversation: ConversationId,
    call: GroupCall,
}

impl Six {
    fn new() -> Self {
        let people = std::array::from_fn(|_| (UserId::new(), DeviceId::new()));
        Self { people, conversation: ConversationId::new(), call: GroupCall::default() }
    }

    fn user(&self, number: usize) -> UserId {
        self.people[number].0
    }

    fn invitation(&self, starter: usize, rung: &[usize], spared: &[usize]) -> GroupInvitation {
        let (starter, device) = self.people[starter];
        let named = |numbers: &[usize]| numbers.iter().map(|number| self.user(*number)).collect();
        let (rung, spared) = (named(rung), named(spared));
        let (conversation, media) = (self.conversation, CallMedia::Voice);
        GroupInvitation { conversation, number: 1, media, starter, device, rung, spared }
    }

    fn take(&mut self, actor: Option<UserId>, at: i64, events: &[GroupCallEvent]) {
        let meta = EventMeta { actor, at: second(at), version: 0 };
        events.iter().for_each(|event| self.call.evolve(event, &meta));
    }

    fn started(rung: &[usize], spared: &[usize]) -> Self {
        let mut six = Self::new();
        let events = six.call.start(&six.invitation(0, rung, spared), &policy(), false).unwrap();
        six.take(Some(six.user(0)), 0, &events);
        six
    }

    fn join(&self, number: usize) -> Result<Vec<GroupCallEvent>, Rejection> {
        let (user, device) = self.people[number];
        self.call.join(user, device, &policy(), false)
    }

    fn joined(mut self, number: usize, at: i64) -> Self {
        let events = self.join(number).unwrap();
        self.take(Some(self.user(number)), at, &events);
        self
    }

    fn leave(&self, number: usize, at: i64) -> Vec<GroupCallEvent> {
        let (user, device) = self.people[number];
        self.call.leave(user, device, second(at)).unwrap()
    }

    fn left(mut self, number: usize, at: i64) -> Self {
        let events = self.leave(number, at);
        self.take(Some(self.user(number)), at, &events);
        self
    }

    fn gone(&self, number: usize, reason: Departure, since: i64) -> Gone {
        Gone { user: self.user(number), reason, since: second(since) }
    }

    fn numbers(&self, users: &[UserId]) -> Vec<usize> {
        let at = |user: &UserId| self.people.iter().position(|(known, _)| known == user).unwrap();
        let mut numbers: Vec<usize> = users.iter().map(at).collect();
        numbers.sort_unstable();
        numbers
    }
}

fn end(events: &[GroupCallEvent]) -> Option<&GroupCallEnded> {
    match events.last() {
        Some(GroupCallEvent::GroupCallEnded(ended)) => Some(ended),
        _ => None,
    }
}

#[test]
fn everybody_counts_the_time_in_which_they_were_not_alone() {
    let six = Six::started(&[1, 2], &[]).joined(1, 10).joined(2, 20).left(0, 30).left(2, 50);
    let events = six.leave(1, 70);
    let ended = end(&events).unwrap();
    assert_eq!((ended.outcome, ended.seconds), (CallOutcome::Completed, 40));
    let talked: Vec<_> = ended.talked.iter().map(|talked| (six.numbers(&[talked.user])[0], talked.seconds)).collect();
    assert_eq!(talked, [(0, 20), (1, 40), (2, 30)]);
    let over = six.left(1, 70);
    assert_eq!(over.call.ended, Some((CallOutcome::Completed, 40)));
    assert_eq!(over.join(3), Err(Rejection::CallOver));
    assert_eq!(over.leave(1, 80), vec![], "leaving twice");
}

#[test]
fn who_comes_back_is_in_it_again() {
    let six = Six::started(&[1], &[]).joined(1, 0).left(1, 10).joined(1, 20).left(1, 30).left(0, 90);
    assert_eq!(six.call.ended, Some((CallOutcome::Completed, 20)));
}

#[test]
fn a_call_takes_as_many_as_may_be_and_a_device_of_each() {
    let six = Six::started(&[1], &[]).joined(1, 1).joined(2, 1).joined(3, 1);
    assert_eq!(six.join(4), Err(Rejection::CallFull { max: 4 }));
    assert_eq!(six.join(3), Ok(vec![]), "joining twice");
    assert_eq!(six.call.join(six.user(3), DeviceId::new(), &policy(), false), Err(Rejection::AnsweredElsewhere));
    assert_eq!(six.call.leave(six.user(3), DeviceId::new(), second(2)), Err(Rejection::DeviceNotInCall));
    let six = six.left(0, 2);
    let six = six.joined(4, 3);
    let places: Vec<_> = six.call.present.iter().map(|one| (six.numbers(&[one.user])[0], one.place)).collect();
    assert_eq!(places, [(1, 1), (2, 2), (3, 3), (4, 0)], "who comes takes the place of who started it and has left");
}

#[test]
fn of_two_who_start_one_at_the_same_moment_the_second_joins() {
    let six = Six::started(&[1, 2], &[]);
    let events = six.call.start(&six.invitation(1, &[0, 2], &[]), &policy(), false).unwrap();
    assert!(matches!(&events[..], [GroupCallEvent::GroupCallJoined(_)]), "{events:?}");
    let again = six.call.start(&six.invitation(0, &[1], &[]), &policy(), false);
    assert_eq!(again, Err(Rejection::InAnotherCall), "starting twice");
    let over = six.left(0, 1);
    assert_eq!(over.call.start(&over.invitation(1, &[0], &[]), &policy(), false), Err(Rejection::CallOver));
}

#[test]
fn it_rings_for_all_others_or_for_those_who_are_named() {
    let six = Six::new();
    let members: Vec<UserId> = six.people[..4].iter().map(|(user, _)| *user).collect();
    let rung = |named: Option<&[UserId]>| GroupInvitation::rung(members[0], &members, named, &policy());
    assert_eq!(six.numbers(&rung(None).unwrap()), [1, 2, 3]);
    assert_eq!(six.numbers(&rung(Some(&[members[2], members[2]])).unwrap()), [2]);
    assert_eq!(rung(Some(&[six.user(4)])), Err(Rejection::MemberNotFound));
    assert_eq!(rung(Some(&[members[0]])), Err(Rejection::MemberNotFound), "oneself");
    let all: Vec<UserId> = six.people.iter().map(|(user, _)| *user).collect();
    let too_many = GroupInvitation::rung(all[0], &all, None, &policy());
    assert_eq!(too_many, Err(Rejection::RingsForTooMany { max: 3 }));
}

#[test]
fn a_call_that_everybody_declines_is_over_and_one_that_nobody_answers_is_missed() {
    let mut six = Six::started(&[1, 2], &[]);
    let first = six.call.decline(six.user(1)).unwrap();
    assert_eq!(end(&first), None);
    six.take(Some(six.user(1)), 5, &first);
    assert_eq!(six.call.decline(six.user(1)), Ok(vec![]), "declining twice");
    assert_eq!(six.call.decline(six.user(0)), Err(Rejection::CallAnswered));
    let last = six.call.decline(six.user(2)).unwrap();
    assert_eq!(end(&last).map(|ended| (ended.outcome, ended.seconds)), Some((CallOutcome::Declined, 0)));
    let rings = Six::started(&[1, 2], &[]);
    assert_eq!(rings.call.fall_due(&[], second(59), &policy()), vec![]);
    let missed = rings.call.fall_due(&[], second(60), &policy());
    assert_eq!(end(&missed).map(|ended| ended.outcome), Some(CallOutcome::Missed));
    assert_eq!(end(&rings.leave(0, 5)).map(|ended| ended.outcome), Some(CallOutcome::Cancelled));
}

#[test]
fn ringing_ends_by_its_time_while_others_talk() {
    let mut six = Six::started(&[1, 2], &[]).joined(1, 5);
    let events = six.call.fall_due(&[], second(60), &policy());
    let [GroupCallEvent::GroupCallUnanswered(unanswered)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((six.numbers(&unanswered.people), six.numbers(&unanswered.told)), (vec![2], vec![0, 1, 2]));
    six.take(None, 60, &events);
    assert_eq!(six.call.fall_due(&[], second(100_000), &policy()), vec![], "they talk");
    let alone = six.left(1, 100);
    assert_eq!(alone.call.fall_due(&[], second(159), &policy()), vec![]);
    let ended = alone.call.fall_due(&[], second(160), &policy());
    assert_eq!(end(&ended).map(|ended| (ended.outcome, ended.seconds)), Some((CallOutcome::Completed, 95)));
}

#[test]
fn who_is_lost_or_no_member_any_more_is_in_it_no_longer() {
    let mut six = Six::started(&[1, 2, 3], &[]).joined(1, 0).joined(2, 0);
    let gone = [six.gone(2, Departure::Lost, 30), six.gone(3, Departure::NoMember, 50)];
    let events = six.call.fall_due(&gone, second(50), &policy());
    let [GroupCallEvent::GroupCallLeft(left), GroupCallEvent::GroupCallUnanswered(unanswered)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((left.user, left.reason, left.until), (six.user(2), Departure::Lost, second(30)));
    assert_eq!(six.numbers(&unanswered.people), [3]);
    six.take(None, 50, &events);
    assert_eq!(six.call.fall_due(&gone, second(51), &policy()), vec![]);
    let all = [six.gone(0, Departure::Lost, 70), six.gone(1, Departure::Lost, 70)];
    let ended = six.call.fall_due(&all, second(130), &policy());
    let ended = end(&ended).unwrap();
    assert_eq!((ended.outcome, ended.seconds), (CallOutcome::Failed, 70), "what was said until then counts");
    assert_eq!(six.numbers(&ended.told), [0, 1, 2, 3]);
    let of = |number: usize| ended.talked.iter().find(|talked| talked.user == six.user(number)).unwrap().seconds;
    assert_eq!([of(0), of(1), of(2)], [70, 70, 30]);
}

#[test]
fn who_has_blocked_the_starter_hears_nothing_and_nobody_learns_it() {
    let mut six = Six::started(&[1, 2], &[2]);
    assert_eq!(six.numbers(&six.call.rung().collect::<Vec<_>>()), [1, 2]);
    let declined = six.call.decline(six.user(1)).unwrap();
    assert_eq!(end(&declined), None, "for the other it seems to ring on");
    six.take(Some(six.user(1)), 1, &declined);
    assert_eq!(six.call.decline(six.user(2)), Ok(vec![]));
    let missed = six.call.fall_due(&[], second(60), &policy());
    assert_eq!(six.numbers(&end(&missed).unwrap().told), [0, 1]);
    let talks = Six::started(&[1, 2], &[2]).joined(1, 5);
    let events = talks.call.fall_due(&[], second(60), &policy());
    let [GroupCallEvent::GroupCallUnanswered(unanswered)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((talks.numbers(&unanswered.people), talks.numbers(&unanswered.told)), (vec![2], vec![0, 1]));
    let comes = talks.joined(2, 61);
    assert!(comes.call.engages(comes.user(2)), "they may come all the same");
}

#[test]
fn only_devices_that_are_in_it_tell_each_other_something() {
    let six = Six::started(&[1, 2, 3], &[]).joined(1, 1).joined(2, 1);
    let [zero, one, two, three, four, _] = six.people;
    assert_eq!(six.call.check_signal(one.0, one.1, two.1), Ok(two.0));
    assert_eq!(six.call.check_signal(two.0, two.1, zero.1), Ok(zero.0));
    for (by, from, to) in
        [(one.0, one.1, three.1), (three.0, three.1, one.1), (one.0, two.1, zero.1), (one.0, one.1, one.1)]
    {
        assert_eq!(six.call.check_signal(by, from, to), Err(Rejection::DeviceNotInCall));
    }
    assert_eq!(six.call.check_signal(four.0, four.1, one.1), Err(Rejection::CallNotFound), "a stranger");
    let over = six.left(0, 2).left(1, 2).left(2, 2);
    assert_eq!(over.call.check_signal(one.0, one.1, two.1), Err(Rejection::CallOver));
}

#[test]
fn with_more_people_than_devices_can_send_to_the_call_is_forwarded_until_it_ends() {
    let policy = CallsPolicy { mesh_max: 2, ..policy() };
    let joined = |six: &Six, number: usize, forwards| {
        let (user, device) = six.people[number];
        six.call.join(user, device, &policy, forwards).unwrap()
    };
    let way = |events: &[GroupCallEvent]| match events {
        [GroupCallEvent::GroupCallJoined(joined)] => joined.way,
        other => panic!("{other:?}"),
    };
    let mut six = Six::started(&[1], &[]);
    let two = joined(&six, 1, true);
    assert_eq!(way(&two), CallWay::Mesh);
    six.take(Some(six.user(1)), 1, &two);
    assert_eq!(way(&joined(&six, 2, false)), CallWay::Mesh, "where the server forwards nothing");
    let three = joined(&six, 2, true);
    assert_eq!(way(&three), CallWay::Forwarded);
    six.take(Some(six.user(2)), 2, &three);
    let six = six.left(0, 3).left(1, 3);
    assert_eq!((six.call.way, way(&joined(&six, 1, true))), (CallWay::Forwarded, CallWay::Forwarded));
}
