//! When and how a sandbox misbehaves: rules from a TOML file, the first that strikes is obeyed.

use std::time::Duration;

use chrono::TimeDelta;
use config::{Config, File, FileFormat};
use ledger::Money;
use serde::Deserialize;

use super::counter::{Declined, Treatment};

/// How long `time_out` holds an answer back if the rule doesn't say: longer than anybody waits.
const HELD_BACK: Duration = Duration::from_secs(120);
/// How long the other faults that take time do, if the rule doesn't say.
const DELAYED: Duration = Duration::from_secs(1);

/// The calls that a rule can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Call {
    /// Linking a card.
    Link,
    /// From a card.
    Collect,
    /// To a card.
    PayOut,
    /// Asking for a list of bills.
    Bills,
    /// Paying a bill.
    Pay,
    /// Asking what became of a request.
    Outcome,
}

/// A call as rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Which call.
    pub(super) call: Call,
    /// How much it is about.
    pub(super) amount: Option<Money>,
    /// The last four digits of the card that it is about.
    pub(super) card: Option<String>,
    /// The account or the bill that it is about.
    pub(super) account: Option<String>,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A no.
    Decline(Declined),
    /// It is done late, and then answered.
    Delay(Duration),
    /// It is done at once and answered when nobody listens any more.
    TimeOut(Duration),
    /// It is taken in, and decided later.
    Pending(TimeDelta),
    /// In place of its answer the one before is given once more.
    AnswerTwice,
    /// The answer names another amount.
    WrongAmount,
    /// The answer names another request.
    WrongId,
    /// The bank or biller is not open.
    Down,
}

impl Fault {
    /// How it has a new order treated.
    pub(super) fn treatment(&self) -> Option<Treatment> {
        match self {
            Self::Decline(declined) => Some(Treatment::Decline(declined.clone())),
            Self::Pending(by) => Some(Treatment::Postpone(*by)),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Decline,
    Delay,
    TimeOut,
    Pending,
    AnswerTwice,
    WrongAmount,
    WrongId,
    Down,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    seed: u64,
    rule: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// What goes wrong.
    #[serde(rename = "do")]
    kind: Kind,
    /// In which calls; none for all.
    #[serde(default)]
    on: Vec<Call>,
    amount: Option<String>,
    card: Option<String>,
    account: Option<String>,
    /// Only at the nth call that all this fits, from 1.
    nth: Option<u64>,
    /// At which part of those calls, from 0 to 1.
    rate: Option<f64>,
    /// How long it takes, in milliseconds.
    ms: Option<u64>,
    code: Option<String>,
    reason: Option<String>,
    /// How many calls it fitted so far.
    #[serde(skip)]
    fitted: u64,
}

/// The rules in force.
#[derive(Debug, Default)]
pub(super) struct Faults {
    seed: u64,
    rules: Vec<Rule>,
}

impl Faults {
    /// Reads rules.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file = File::from_str(text, FileFormat::Toml);
        let written = Config::builder().add_source(file).build().and_then(Config::try_deserialize::<Written>);
        let Written { seed, rule: rules } = written.map_err(|error| error.to_string())?;
        if rules.iter().any(|rule| rule.rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) || rule.nth == Some(0)) {
            return Err("a rate is from 0 to 1, and the first call is number 1".to_owned());
        }
        Ok(Self { seed, rules })
    }

    /// How many rules there are.
    pub(super) const fn count(&self) -> usize {
        self.rules.len()
    }

    /// What goes wrong with a call.
    pub(super) fn strike(&mut self, mark: &Mark) -> Option<Fault> {
        let seed = self.seed;
        let mut struck = None;
        // Every rule counts every call that it fits, whether or not another has struck it.
        for (at, rule) in self.rules.iter_mut().enumerate().filter(|(_, rule)| rule.fits(mark)) {
            rule.fitted += 1;
            if struck.is_none() && rule.strikes(seed, at) {
                struck = Some(rule.fault());
                tracing::info!(call = ?mark.call, fault = ?rule.kind, "a fault strikes");
            }
        }
        struck
    }
}

impl Rule {
    fn fits(&self, mark: &Mark) -> bool {
        let same =
            |wanted: &Option<String>, is: Option<&str>| wanted.as_deref().is_none_or(|wanted| is == Some(wanted));
        let amount = mark.amount.map(|money| money.amount().to_string());
        (self.on.is_empty() || self.on.contains(&mark.call))
            && same(&self.amount, amount.as_deref())
            && same(&self.card, mark.card.as_deref())
            && same(&self.account, mark.account.as_deref())
    }

    /// Whether this time, which is counted already.
    fn strikes(&self, seed: u64, at: usize) -> bool {
        let turn = self.nth.is_none_or(|nth| nth == self.fitted);
        // The same seed and the same calls give the same faults.
        let drawn = || {
            let dice = blake3::hash(format!("{seed} {at} {}", self.fitted).as_bytes());
            let [a, b, c, d, ..] = *dice.as_bytes();
            f64::from(u32::from_le_bytes([a, b, c, d])) / f64::from(u32::MAX)
        };
        turn && self.rate.is_none_or(|rate| rate >= 1.0 || drawn() < rate)
    }

    fn fault(&self) -> Fault {
        let time = |default| self.ms.map_or(default, Duration::from_millis);
        let text = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
        match self.kind {
            Kind::Decline => Fault::Decline(Declined {
                code: text(&self.code, "declined"),
                reason: text(&self.reason, "declined by a rule of the sandbox"),
            }),
            Kind::Delay => Fault::Delay(time(DELAYED)),
            Kind::TimeOut => Fault::TimeOut(time(HELD_BACK)),
            Kind::Pending => Fault::Pending(TimeDelta::from_std(time(DELAYED)).unwrap_or(TimeDelta::MAX)),
            Kind::AnswerTwice => Fault::AnswerTwice,
            Kind::WrongAmount => Fault::WrongAmount,
            Kind::WrongId => Fault::WrongId,
            Kind::Down => Fault::Down,
        }
    }
}

#[cfg(test)]
mod tests {
    use ledger::Currency;

    use super::*;

    fn mark(call: Call, amount: &str) -> Mark {
        let amount = Money::parse(amount, Currency::CNY).ok();
        Mark { call, amount, card: Some("0005".to_owned()), account: None }
    }

    #[test]
    fn the_first_rule_that_fits_a_call_strikes_it() {
        let text = "[[rule]]\ndo = 'down'\non = ['collect']\namount = '13.00'\n[[rule]]\ndo = 'time_out'\nms = 5\ncard = '0005'\non = ['collect', 'pay_out']\n[[rule]]\ndo = 'wrong_id'\naccount = '1'";
        let mut faults = Faults::parse(text).unwrap();
        assert_eq!(faults.strike(&mark(Call::Collect, "13")), Some(Fault::Down));
        assert_eq!(faults.strike(&mark(Call::PayOut, "13")), Some(Fault::TimeOut(Duration::from_millis(5))));
        assert_eq!(faults.strike(&mark(Call::Link, "13")), None);
    }

    #[test]
    fn the_nth_call_is_counted_among_those_that_fit() {
        let mut faults = Faults::parse("[[rule]]\ndo = 'down'\non = ['collect']\nnth = 2").unwrap();
        let calls = [Call::Collect, Call::PayOut, Call::Collect, Call::Collect];
        assert_eq!(calls.map(|call| faults.strike(&mark(call, "1")).is_some()), [false, false, true, false]);
    }

    #[test]
    fn a_rate_strikes_about_that_part_and_the_same_calls_each_time() {
        let run = |seed: u64| {
            let text = format!("seed = {seed}\n[[rule]]\ndo = 'down'\nrate = 0.25");
            let mut faults = Faults::parse(&text).unwrap();
            (0..1_000).map(|_| faults.strike(&mark(Call::Collect, "1")).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let struck = run(1).iter().filter(|struck| **struck).count();
        assert!((180..320).contains(&struck), "{struck}");
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for wrong in [
            "[[rule]]\non = ['collect']",
            "[[rule]]\ndo = 'explode'",
            "[[rule]]\ndo = 'down'\non = ['dance']",
            "[[rule]]\ndo = 'down'\nrate = 1.5",
            "[[rule]]\ndo = 'down'\nnth = 0",
            "[[rule]]\ndo = 'down'\ncolour = 'red'",
            "rules = []",
            "seed =",
        ] {
            assert!(Faults::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Faults::parse("").unwrap().count(), 0);
    }
}
