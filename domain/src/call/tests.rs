//! The rules of calls of two.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::policy::CallsPolicy;

struct Two {
    caller: UserId,
    callee: UserId,
    conversation: ConversationId,
    devices: [DeviceId; 2],
    call: Call,
    version: u64,
}

fn second(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

impl Two {
    fn new() -> Self {
        let (caller, callee) = (UserId::new(), UserId::new());
        let conversation = ConversationId::direct(caller, callee);
        let devices = [DeviceId::new(), DeviceId::new()];
        Self { caller, callee, conversation, devices, call: Call::default(), version: 0 }
    }

    fn invitation(&self) -> Invitation {
        Invitation {
            conversation: self.conversation,
            number: 1,
            media: CallMedia::Voice,
            caller: self.caller,
            device: self.devices[0],
            callee: self.callee,
            unheard: false,
            busy: false,
        }
    }

    /// The same, the other way round.
    fn crossing(&self) -> Invitation {
        let (caller, callee, device) = (self.callee, self.caller, self.devices[1]);
        Invitation { caller, callee, device, ..self.invitation() }
    }

    fn take(&mut self, actor: Option<UserId>, at: DateTime<Utc>, events: Vec<CallEvent>) {
        for event in events {
            self.version += 1;
            self.call.evolve(&event, &EventMeta { actor, at, version: self.version });
        }
    }

    fn placed(mut self) -> Self {
        let events = self.call.invite(&self.invitation()).unwrap();
        self.take(Some(self.caller), second(0), events);
        self
    }

    fn unheard(mut self) -> Self {
        let events = self.call.invite(&Invitation { unheard: true, busy: true, ..self.invitation() }).unwrap();
        self.take(Some(self.caller), second(0), events);
        self
    }

    fn accepted(mut self, at: i64) -> Self {
        let events = self.call.accept(self.callee, self.devices[1]).unwrap();
        self.take(Some(self.callee), second(at), events);
        self
    }

    fn connected(mut self, at: i64) -> Self {
        let events = self.call.connect(self.caller, self.devices[0]).unwrap();
        self.take(Some(self.caller), second(at), events);
        self
    }

    fn ended(mut self, at: i64) -> Self {
        let events = self.call.hang_up(self.caller, self.devices[0], second(at)).unwrap();
        self.take(Some(self.caller), second(at), events);
        self
    }
}

fn outcome(events: &[CallEvent]) -> Option<(CallOutcome, u64)> {
    match events {
        [CallEvent::CallEnded(ended)] => Some((ended.outcome, ended.seconds)),
        _ => None,
    }
}

#[test]
fn a_call_that_is_answered_and_hung_up_lasts_from_connecting_on() {
    let two = Two::new().placed().accepted(5).connected(7);
    let events = two.call.hang_up(two.callee, two.devices[1], second(67)).unwrap();
    assert_eq!(outcome(&events), Some((CallOutcome::Completed, 60)));
    let CallEvent::CallEnded(ended) = &events[0] else { panic!("{events:?}") };
    assert_eq!(ended.talked, [two.caller, two.callee]);
    let over = Two::new().placed().accepted(0).connected(0).ended(9);
    assert_eq!(over.call.hang_up(over.callee, over.devices[1], second(9)), Ok(vec![]), "both hang up");
}

#[test]
fn who_calls_back_at_the_same_moment_answers_and_there_is_one_call() {
    let two = Two::new().placed();
    let events = two.call.invite(&two.crossing()).unwrap();
    let CallEvent::CallAccepted(accepted) = &events[0] else { panic!("{events:?}") };
    assert_eq!(
        (accepted.call, accepted.device, accepted.crossed),
        (CallId::of(two.conversation, 1), two.devices[1], true)
    );
    assert_eq!(two.call.invite(&two.invitation()), Err(Rejection::InAnotherCall), "calling twice");
    let answered = two.accepted(1);
    assert_eq!(answered.call.invite(&answered.crossing()), Err(Rejection::InAnotherCall));
    let over = answered.connected(2).ended(3);
    assert_eq!(over.call.invite(&over.crossing()), Err(Rejection::CallOver), "the next number is to be tried");
}

#[test]
fn the_first_device_that_answers_has_the_call() {
    let two = Two::new().placed().accepted(1);
    assert_eq!(two.call.accept(two.callee, two.devices[1]), Ok(vec![]));
    assert_eq!(two.call.accept(two.callee, DeviceId::new()), Err(Rejection::AnsweredElsewhere));
    assert_eq!(two.call.connect(two.callee, DeviceId::new()), Err(Rejection::DeviceNotInCall));
    assert_eq!(two.call.hang_up(two.callee, DeviceId::new(), second(2)), Err(Rejection::DeviceNotInCall));
    assert_eq!(two.call.devices(), Some([(two.caller, two.devices[0]), (two.callee, two.devices[1])]));
}

#[test]
fn only_the_two_devices_of_an_answered_call_tell_each_other_something() {
    let two = Two::new().placed();
    let [one, other] = two.devices;
    let (caller, callee) = (two.caller, two.callee);
    assert_eq!(two.call.check_signal(caller, one, other), Err(Rejection::CallNotAnswered));
    let two = two.accepted(1);
    assert_eq!(two.call.check_signal(caller, one, other), Ok(callee));
    assert_eq!(two.call.check_signal(callee, other, one), Ok(caller));
    let third = DeviceId::new();
    for (by, from, to) in [(caller, one, third), (callee, third, one), (caller, other, one), (caller, one, one)] {
        assert_eq!(two.call.check_signal(by, from, to), Err(Rejection::DeviceNotInCall));
    }
    assert_eq!(two.call.check_signal(UserId::new(), one, other), Err(Rejection::CallNotFound));
    let over = two.connected(2).ended(3);
    assert_eq!(over.call.check_signal(caller, one, other), Err(Rejection::CallOver));
}

#[test]
fn only_the_callee_answers_or_declines_and_only_the_caller_cancels() {
    let two = Two::new().placed();
    assert_eq!(two.call.accept(two.caller, two.devices[0]), Err(Rejection::NotTheCallee));
    assert_eq!(two.call.ring(two.caller), Err(Rejection::NotTheCallee));
    assert_eq!(two.call.decline(two.caller), Err(Rejection::NotTheCallee));
    assert_eq!(two.call.cancel(two.callee), Err(Rejection::NotTheCaller));
    assert_eq!(outcome(&two.call.decline(two.callee).unwrap()), Some((CallOutcome::Declined, 0)));
    assert_eq!(outcome(&two.call.cancel(two.caller).unwrap()), Some((CallOutcome::Cancelled, 0)));
    let stranger = UserId::new();
    for refused in [two.call.ring(stranger), two.call.cancel(stranger), two.call.accept(stranger, DeviceId::new())] {
        assert_eq!(refused, Err(Rejection::CallNotFound));
    }
}

#[test]
fn an_answered_call_is_neither_declined_nor_cancelled() {
    let two = Two::new().placed().accepted(1);
    assert_eq!(two.call.decline(two.callee), Err(Rejection::CallAnswered));
    assert_eq!(two.call.cancel(two.caller), Err(Rejection::CallAnswered));
    let ringing = Two::new().placed();
    assert_eq!(ringing.call.connect(ringing.caller, ringing.devices[0]), Err(Rejection::CallNotAnswered));
    let early = ringing.call.hang_up(ringing.caller, ringing.devices[0], second(1));
    assert_eq!(early, Err(Rejection::CallNotAnswered));
}

#[test]
fn ringing_and_connecting_end_when_their_time_is_over_and_not_before() {
    let policy = CallsPolicy { ring_seconds: 60, connect_seconds: 30, ..CallsPolicy::default() };
    let ringing = Two::new().placed();
    assert_eq!(ringing.call.fall_due(second(59), &policy), vec![]);
    assert_eq!(outcome(&ringing.call.fall_due(second(60), &policy)), Some((CallOutcome::Missed, 0)));
    let accepted = ringing.accepted(50);
    assert_eq!(accepted.call.fall_due(second(79), &policy), vec![]);
    assert_eq!(outcome(&accepted.call.fall_due(second(80), &policy)), Some((CallOutcome::Failed, 0)));
    let connected = accepted.connected(60);
    assert_eq!(connected.call.fall_due(second(100_000), &policy), vec![]);
    assert_eq!(outcome(&connected.call.lose(second(90))), Some((CallOutcome::Failed, 30)));
    assert_eq!(connected.ended(70).call.lose(second(90)), vec![]);
}

#[test]
fn a_callee_in_another_call_is_busy_at_once() {
    let mut two = Two::new();
    let events = two.call.invite(&Invitation { busy: true, ..two.invitation() }).unwrap();
    assert_eq!(outcome(&events[1..]), Some((CallOutcome::Busy, 0)));
    two.take(Some(two.caller), second(0), events);
    assert!(!two.call.is_live());
}

#[test]
fn who_has_blocked_the_caller_never_hears_of_it_and_the_caller_never_learns() {
    let mut two = Two::new().unheard();
    assert!(two.call.is_live(), "not even that the callee talks to somebody");
    let refused = [
        two.call.ring(two.callee),
        two.call.accept(two.callee, two.devices[1]),
        two.call.decline(two.callee),
        two.call.connect(two.callee, two.devices[1]),
    ];
    for refused in refused {
        assert_eq!(refused, Err(Rejection::CallNotFound));
    }
    assert_eq!(two.call.invite(&two.crossing()), Err(Rejection::CallOver), "they call with the next number");
    let rang = two.call.seem_to_ring();
    assert_eq!(rang, vec![CallRang { told: vec![two.caller] }.into()]);
    two.take(None, second(1), rang);
    assert_eq!(two.call.phase, Phase::Ringing);
    assert_eq!(two.call.seem_to_ring(), vec![]);
    assert_eq!(outcome(&two.call.fall_due(second(60), &CallsPolicy::default())), Some((CallOutcome::Missed, 0)));
    assert_eq!(Two::new().placed().call.seem_to_ring(), vec![]);
}

#[test]
fn a_call_engages_the_caller_at_once_and_the_callee_from_answering_on() {
    let two = Two::new().placed();
    assert!(two.call.engages(two.caller) && !two.call.engages(two.callee));
    let answered = two.accepted(1);
    assert!(answered.call.engages(answered.caller) && answered.call.engages(answered.callee));
    let over = answered.connected(2).ended(3);
    assert!(!over.call.engages(over.caller) && !over.call.engages(over.callee));
}

#[test]
fn a_call_that_is_attended_now_and_then_goes_on_and_one_that_is_not_is_lost_at_the_time_of_the_last_note() {
    let policy = CallsPolicy { lost_seconds: 60, ..CallsPolicy::default() };
    assert_eq!(Two::new().placed().call.attend(second(1_000)), []);
    let mut two = Two::new().placed().accepted(10).connected(20);
    assert_eq!(two.call.attend(second(79)), []);
    let noted = two.call.attend(second(80));
    assert_eq!(noted, [CallAttended {}.into()]);
    two.take(None, second(80), noted);
    assert_eq!(two.call.attend(second(139)), []);
    assert_eq!(two.call.lose_unattended(second(199), &policy), []);
    let lost = two.call.lose_unattended(second(200), &policy);
    let [CallEvent::CallEnded(ended)] = lost.as_slice() else { panic!("{lost:?}") };
    assert_eq!((ended.outcome, ended.seconds), (CallOutcome::Failed, 60));
    let two = two.ended(90);
    assert_eq!((two.call.attend(second(500)), two.call.lose_unattended(second(500), &policy)), (vec![], vec![]));
}
