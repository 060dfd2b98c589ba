//! How far a long job has come: a bar on a terminal, nothing anywhere else.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A job that goes through events.
pub(crate) struct Progress {
    bar: ProgressBar,
    began: Instant,
}

impl Progress {
    /// Begins a job of that many events, where the number is known.
    pub(crate) fn begin(doing: &'static str, total: Option<u64>) -> Self {
        // Draws nothing where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let template = match total {
            Some(_) => "{msg} {bar:40.cyan/blue} {human_pos}/{human_len} events, {per_sec}, {eta} left",
            None => "{msg} {spinner} {human_pos} events, {per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(doing);
        Self { bar, began: Instant::now() }
    }

    /// More events are done.
    pub(crate) fn advance(&self, events: u64) {
        self.bar.inc(events);
    }

    /// So many events are done in all.
    pub(crate) fn reached(&self, events: u64) {
        self.bar.set_position(events);
    }

    /// Writes a line to standard output without disturbing the bar.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| crate::output::line(line));
    }

    /// Ends the job and takes the bar away. Gives the time that it took and the events that were done.
    pub(crate) fn end(self) -> (Duration, u64) {
        let done = self.bar.position();
        self.bar.finish_and_clear();
        (self.began.elapsed(), done)
    }
}

/// A rate in events per second, readable.
pub(crate) fn rate(events: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64().max(1e-9);
    format!("{} events/s", grouped((events as f64 / seconds) as u64))
}

/// A number with its thousands set apart.
pub(crate) fn grouped(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}
