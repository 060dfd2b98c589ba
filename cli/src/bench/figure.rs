//! What was measured, as a line for people or as a line of JSON.

use std::{fs, sync::OnceLock, time::Duration};

use serde::Serialize;

use super::latency::Latencies;
use crate::output;

/// One measured figure. What does not apply is null.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Figure {
    /// Which bench.
    pub(super) bench: &'static str,
    /// Which of its cases.
    pub(super) case: String,
    /// Items done per second.
    pub(super) per_second: f64,
    /// Half of the items took at most so long, in milliseconds.
    pub(super) p50_ms: Option<f64>,
    /// 99 in 100.
    pub(super) p99_ms: Option<f64>,
    /// 999 in 1,000.
    pub(super) p999_ms: Option<f64>,
    /// Items that went wrong.
    pub(super) errors: u64,
    /// What the measured process used of the machine, in percent of one core.
    pub(super) cpu_percent: Option<f64>,
    /// Memory of the measured process that is resident at the end, in MiB.
    pub(super) rss_mib: Option<f64>,
    /// What the disk holds more than before, for each item.
    pub(super) disk_bytes_per_item: Option<f64>,
    /// What the same machine does with nothing of ours between.
    pub(super) ceiling_per_second: Option<f64>,
    /// `per_second` as a share of the ceiling.
    pub(super) ratio: Option<f64>,
    /// What is resident for each item, where that is the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resident_bytes_per_item: Option<f64>,
    /// How many items were done.
    pub(super) items: u64,
    /// In how long.
    pub(super) seconds: f64,
}

/// A figure with where it was measured.
#[derive(Serialize)]
struct Stamped<'a> {
    #[serde(flatten)]
    figure: &'a Figure,
    machine: &'a Machine,
    commit: &'static str,
}

#[derive(Serialize)]
struct Machine {
    cores: usize,
    memory_gib: f64,
    system: String,
}

impl Figure {
    /// So many items in that time.
    pub(super) fn new(bench: &'static str, case: impl Into<String>, items: u64, took: Duration) -> Self {
        let seconds = took.as_secs_f64();
        let per_second = items as f64 / seconds.max(1e-9);
        Self { bench, case: case.into(), per_second, items, seconds, ..Self::default() }
    }

    /// With how long items took.
    pub(super) fn with_latencies(mut self, latencies: &mut Latencies) -> Self {
        self.p50_ms = latencies.quantile_ms(0.5);
        self.p99_ms = latencies.quantile_ms(0.99);
        self.p999_ms = latencies.quantile_ms(0.999);
        self
    }

    /// With a ceiling to compare with.
    pub(super) fn with_ceiling(mut self, ceiling_per_second: f64) -> Self {
        self.ceiling_per_second = Some(ceiling_per_second);
        self.ratio = Some(self.per_second / ceiling_per_second.max(1e-9));
        self
    }

    /// Writes it.
    pub(super) fn tell(&self, json: bool) {
        if json {
            let stamped = Stamped { figure: self, machine: Machine::this(), commit: env!("TEAHOUSE_COMMIT") };
            output::line(&serde_json::to_string(&stamped).unwrap_or_default());
        } else {
            output::line(&self.shown());
        }
    }

    fn shown(&self) -> String {
        let mut line = format!("{:<6} {:<44} {:>12.0}/s", self.bench, self.case, self.per_second);
        let mut add = |name: &str, value: Option<f64>, unit: &str, decimals: usize| {
            if let Some(value) = value {
                line.push_str(&format!("  {name} {value:.decimals$}{unit}"));
            }
        };
        add("p50", self.p50_ms, " ms", 2);
        add("p99", self.p99_ms, " ms", 2);
        add("p99.9", self.p999_ms, " ms", 2);
        add("ratio", self.ratio, "", 2);
        add("of", self.ceiling_per_second, "/s", 0);
        add("cpu", self.cpu_percent, " %", 0);
        add("resident", self.rss_mib, " MiB", 0);
        add("disk", self.disk_bytes_per_item, " bytes each", 0);
        add("resident", self.resident_bytes_per_item, " bytes each", 0);
        add("errors", (self.errors > 0).then_some(self.errors as f64), "", 0);
        line
    }
}

impl Machine {
    fn this() -> &'static Self {
        static THIS: OnceLock<Machine> = OnceLock::new();
        THIS.get_or_init(|| {
            let read = |path| fs::read_to_string(path).unwrap_or_default();
            let memory = read("/proc/meminfo");
            let kib = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
            let kib = kib.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or_default();
            Self {
                cores: std::thread::available_parallelism().map_or(0, usize::from),
                memory_gib: (kib / 1024.0 / 102.4).round() / 10.0,
                system: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_has_every_field_that_reports_are_made_of() {
        let figure = Figure::new("chat", "64 connections", 300, Duration::from_secs(3)).with_ceiling(400.0);
        let stamped = Stamped { figure: &figure, machine: Machine::this(), commit: "c" };
        let json = serde_json::to_value(&stamped).unwrap();
        for field in [
            "bench",
            "per_second",
            "p50_ms",
            "p99_ms",
            "p999_ms",
            "errors",
            "cpu_percent",
            "rss_mib",
            "disk_bytes_per_item",
            "ceiling_per_second",
            "ratio",
            "machine",
            "commit",
        ] {
            assert!(json.get(field).is_some(), "{field}");
        }
        assert_eq!(json["per_second"], 100.0);
        assert_eq!(json["ratio"], 0.25);
    }
}
