//! `teahouse audit holds`: money on its way, how long it has been so, and by when it must have moved on.

use chrono::Utc;
use clap::Args;
use ledger::{Amounts, Book, Hold, Timestamp, export::date};
use serde_json::json;

use super::{
    filter::{Until, parse_until},
    journal,
    source::{self, SourceArgs},
    table::Rows,
    trial_balance::FiguresFormat,
};
use crate::{
    error::{Ending, Error},
    output,
    progress::{Progress, grouped},
    settings::Settings,
};

/// As of when.
#[derive(Args, Debug)]
pub(crate) struct HoldsArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// As things stood at this position, or at this time
    #[arg(long, value_name = "POSITION|TIME", value_parser = parse_until)]
    at: Option<Until>,
    /// How to write them
    #[arg(long, value_enum, default_value_t = FiguresFormat::Table)]
    format: FiguresFormat,
}

/// An open hold as it is shown.
struct Shown {
    account: String,
    held: Amounts,
    hold: Hold,
    age_micros: i64,
    overdue: bool,
}

/// Lists every open hold. One that is past its deadline is an alarm.
///
/// # Errors
/// A breach where the log has one, [`Error::Unavailable`] where it is out of reach.
pub(super) fn run(args: &HoldsArgs, settings: &Settings) -> Result<Ending, Error> {
    let mut source = source::open(&args.source, settings)?;
    let progress = Progress::begin("adding up", source.last().map(|last| last.0));
    let mut book = Book::default();
    let read = journal::read(source.as_mut(), args.at.map(Until::as_of), Some(&progress), |moved| {
        book.post(moved.booked).map_err(|error| Error::failed("the holds can't be added up", error))
    })?;
    progress.end();
    let now = match args.at {
        Some(Until::Time(time)) => Timestamp(time.timestamp_micros()),
        // Of the past, and of an export, only the log itself knows how late it is there.
        Some(Until::Position(_)) => read.at,
        None if args.source.which.file.is_some() => read.at,
        None => Timestamp(Utc::now().timestamp_micros()),
    };
    let holds: Vec<Shown> = book
        .holds()
        .map(|(account, hold, held)| {
            let (age_micros, overdue) = (hold.age_micros(now), hold.is_overdue(now));
            Shown { account: account.to_string(), held, hold, age_micros, overdue }
        })
        .collect();
    let overdue = holds.iter().filter(|hold| hold.overdue).count();
    match args.format {
        FiguresFormat::Table => table(&holds, overdue, now).unwrap_or_else(|error| output::stop(&error)),
        FiguresFormat::Csv => csv(&holds),
        FiguresFormat::Json => json_lines(&holds, overdue, now),
    }
    Ok(if overdue == 0 { Ending::Well } else { Ending::Breach })
}

fn table(holds: &[Shown], overdue: usize, now: Timestamp) -> std::io::Result<()> {
    let mut rows = Rows::new(["hold", "held", "opened", "age", "deadline", "alarm", "position"], &[1, 3, 6]);
    for Shown { account, held, hold, age_micros, overdue } in holds {
        rows.add([
            account.clone(),
            held.to_string(),
            date::text(hold.opened_at),
            duration(*age_micros),
            date::text(hold.deadline),
            if *overdue { "OVERDUE".to_owned() } else { String::new() },
            hold.position.to_string(),
        ])?;
    }
    rows.end()?;
    let count = |count: usize| grouped(count as u64);
    output::line(&format!("{} open holds at {}, {} overdue", count(holds.len()), date::text(now), count(overdue)));
    Ok(())
}

fn csv(holds: &[Shown]) {
    output::line("hold,amount,currency,opened,age_seconds,deadline,overdue,position");
    for Shown { account, held, hold, age_micros, overdue } in holds {
        for money in held.iter() {
            let (opened, deadline) = (date::text(hold.opened_at), date::text(hold.deadline));
            let (amount, currency, position) = (money.amount(), money.currency(), hold.position);
            let age = age_micros / 1_000_000;
            output::line(&format!("{account},{amount},{currency},{opened},{age},{deadline},{overdue},{position}"));
        }
    }
}

fn json_lines(holds: &[Shown], overdue: usize, now: Timestamp) {
    let shown = |Shown { account, held, hold, age_micros, overdue }: &Shown| {
        json!({
            "hold": account,
            "held": held.iter().collect::<Vec<_>>(),
            "opened": date::text(hold.opened_at),
            "age_seconds": age_micros / 1_000_000,
            "deadline": date::text(hold.deadline),
            "overdue": overdue,
            "position": hold.position,
        })
    };
    let holds: Vec<_> = holds.iter().map(shown).collect();
    output::line(&json!({ "at": date::text(now), "overdue": overdue, "holds": holds }).to_string());
}

/// A duration, readable: its two largest units.
fn duration(micros: i64) -> String {
    let seconds = micros.max(0) / 1_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_shown_in_its_two_largest_units() {
        let seconds = [-1, 59, 60, 3_599, 3_600, 86_399, 86_400, 900_000];
        let shown = seconds.map(|seconds| duration(seconds * 1_000_000));
        assert_eq!(
            shown,
            ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "23 h 59 min", "1 d 0 h", "10 d 10 h"]
        );
    }
}
