//! The proof of money: random sequences of commands go to the deciders and, beside them, to a model written apart from
//! them. After every step both must have given the same answer and stand at the same balances, and the books must hold
//! every invariant of the ledger.
//!
//! Half of the sequences are the same in every run, and those alone have to meet every refusal: whether a run is long
//! enough must not be a matter of luck. The others are new ones each time. `TEAHOUSE_TEST_SEED` repeats a run; what fails
//! is printed with its seed, cut down to the steps that it takes.
//!
//! - `command`: the commands as data; `luck` rolls them with `dice`; `rules`: the numbers they go by.
//! - `model`, `held` and `shops`: what ought to happen. `house` and `counter`: the real deciders. `comparison`: both side by side.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that fails should stop")]

mod command;
mod comparison;
mod counter;
mod dice;
mod held;
mod house;
mod luck;
mod model;
mod rules;
mod shops;

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicBool, Ordering},
};

use command::{Command, Step};
use comparison::{Failure, Pair};
use dice::Dice;

/// Sequences that are the same in every run, and as many that are new.
const SEQUENCES: u64 = 5_000;
/// Where the seeds of those begin that are the same in every run.
const KNOWN: u64 = 0;
/// Steps of a sequence after what brings money in.
const STEPS: usize = 40;

/// Every refusal that the sequences must run into, for the comparison to be worth something.
const REFUSALS: &[&str] = &[
    "all-gone",
    "amount-too-large",
    "card-linked-already",
    "card-not-found",
    "hold-not-found",
    "hold-over",
    "insufficient-funds",
    "invalid-field",
    "limit-reached",
    "not-arriving",
    "not-authorized",
    "not-for-you",
    "opened-already",
    "order-closed",
    "order-code-expired",
    "order-differs",
    "order-not-found",
    "order-not-paid",
    "order-paid",
    "other-holder",
    "pay-code-invalid",
    "pin-locked",
    "refund-differs",
    "refund-too-large",
    "refund-too-late",
    "too-many-cards",
    "too-many-refunds",
    "too-many-top-ups",
    "wallet-not-open",
    "wallet-open-already",
    "wrong-pin",
];

type Trace = Vec<(Step, Command)>;
/// How often each command had each answer.
type Counts = BTreeMap<(String, &'static str), u64>;

/// Rolls a sequence and plays it; gives it with what failed.
fn roll(seed: u64, counts: &mut Counts) -> Result<(), (Trace, Failure)> {
    let mut dice = Dice::new(seed);
    let mut pair = Pair::of(seed);
    let mut trace = Trace::new();
    let prelude = luck::prelude(&mut dice, &pair.model.rules.arrivals);
    let before = prelude.len();
    let mut prelude = prelude.into_iter();
    for step in 0..before + STEPS {
        let command = prelude.next().unwrap_or_else(|| luck::command(&mut dice, &pair.model));
        let name = format!("{command:?}").split([' ', '{']).next().unwrap_or_default().to_owned();
        trace.push((step, command.clone()));
        match pair.step(step, &command) {
            Ok(answer) => *counts.entry((name, answer.map_or_else(|no| no.code, |()| "done"))).or_default() += 1,
            Err(failure) => return Err((trace, failure)),
        }
    }
    pair.read_again().map_err(|failure| (trace, failure))
}

/// Plays a sequence again.
fn play(seed: u64, trace: &Trace) -> Result<(), Failure> {
    let mut pair = Pair::of(seed);
    for (step, command) in trace {
        let _ = pair.step(*step, command)?;
    }
    pair.read_again()
}

/// Leaves out step after step for as long as it still fails.
fn shrink(seed: u64, mut trace: Trace, mut failure: Failure) -> (Trace, Failure) {
    let mut index = trace.len();
    while index > 0 {
        index -= 1;
        let mut shorter = trace.clone();
        shorter.remove(index);
        if let Err(still) = play(seed, &shorter) {
            (trace, failure) = (shorter, still);
            index = index.min(trace.len());
        }
    }
    (trace, failure)
}

/// Plays every `stride`th sequence from `first`.
fn play_many(base: u64, first: u64, stride: u64, stop: &AtomicBool) -> Counts {
    let mut counts = Counts::new();
    for sequence in (first..SEQUENCES).step_by(usize::try_from(stride).unwrap()) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let seed = base.wrapping_add(sequence);
        if let Err((trace, failure)) = roll(seed, &mut counts) {
            stop.store(true, Ordering::Relaxed);
            let (trace, failure) = shrink(seed, trace, failure);
            let steps: String = trace.iter().map(|(step, command)| format!("  {step}: {command:?}\n")).collect();
            panic!("TEAHOUSE_TEST_SEED={seed} (of the run {base}): {failure}\nafter\n{steps}");
        }
    }
    counts
}

/// Plays the sequences from a seed on, on all cores; gives how often each command had each answer.
fn play_from(base: u64) -> Counts {
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let stop = AtomicBool::new(false);
    let mut counts = Counts::new();
    let ended: Vec<_> = std::thread::scope(|scope| {
        let stop = &stop;
        let playing: Vec<_> =
            (0..threads).map(|first| scope.spawn(move || play_many(base, first, threads, stop))).collect();
        playing.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    for played in ended {
        let played = played.unwrap_or_else(|failure| std::panic::resume_unwind(failure));
        played.into_iter().for_each(|(answer, count)| *counts.entry(answer).or_default() += count);
    }
    counts
}

#[test]
fn the_wallets_do_what_the_model_says_in_sequences_that_meet_every_refusal() {
    let counts = play_from(KNOWN);
    counts.iter().for_each(|((command, answer), count)| println!("{count:8} {command} {answer}"));
    let refused = |code: &&&str| !counts.keys().any(|(_, answer)| answer == *code);
    assert_eq!(REFUSALS.iter().filter(refused).collect::<Vec<_>>(), Vec::<&&str>::new(), "never met");
    let commands: std::collections::BTreeSet<&String> = counts.keys().map(|(command, _)| command).collect();
    let never_done = |command: &&&String| !counts.contains_key(&((**command).clone(), "done"));
    let never: Vec<_> = commands.iter().filter(never_done).collect();
    assert_eq!(never, ["AuthorizeLate"].iter().collect::<Vec<_>>(), "never done");
}

#[test]
fn the_wallets_do_what_the_model_says_whatever_is_asked_of_them() {
    let base = match std::env::var("TEAHOUSE_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    println!("TEAHOUSE_TEST_SEED={base}");
    play_from(base);
}
