//! What a process uses of the machine, as the system tells.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path, time::Instant};

/// Ticks per second in which Linux tells processor time.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process that is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process(pub(super) u32);

/// Processor time used up to a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct CpuMark {
    at: Instant,
    ticks: f64,
}

impl Process {
    /// This one.
    pub(super) fn this() -> Self {
        Self(std::process::id())
    }

    /// What is resident, in bytes.
    pub(super) fn resident_bytes(self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or_default() * 1024
    }

    /// What is resident, in MiB.
    pub(super) fn resident_mib(self) -> f64 {
        self.resident_bytes() as f64 / f64::from(1 << 20)
    }

    /// What it has written to files so far, in bytes.
    pub(super) fn written_bytes(self) -> u64 {
        let io = fs::read_to_string(format!("/proc/{}/io", self.0)).unwrap_or_default();
        let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:"));
        line.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or_default()
    }

    /// Processor time used so far.
    pub(super) fn cpu(self) -> CpuMark {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        // The name in parentheses may hold spaces; user and system time are the 12th and 13th field behind it.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
        let ticks = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        CpuMark { at: Instant::now(), ticks }
    }
}

impl CpuMark {
    /// What was used from here to a later mark, in percent of one core.
    pub(super) fn percent_until(self, later: Self) -> f64 {
        let seconds = (later.at - self.at).as_secs_f64().max(1e-9);
        (later.ticks - self.ticks) / TICKS_PER_SECOND / seconds * 100.0
    }
}

/// What the files under a directory take of the disk, in bytes. Files that go meanwhile are not counted.
pub(super) fn disk_bytes(dir: &Path) -> u64 {
    let measure = |entry: io::Result<fs::DirEntry>| {
        let Ok(entry) = entry else { return 0 };
        match entry.metadata() {
            Ok(found) if found.is_dir() => disk_bytes(&entry.path()),
            Ok(found) => found.blocks() * 512,
            Err(_) => 0,
        }
    };
    fs::read_dir(dir).map_or(0, |entries| entries.map(measure).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_uses_time() {
        let this = Process::this();
        assert!(this.resident_bytes() > 100_000);
        let before = this.cpu();
        let mut number = 1_u64;
        while before.percent_until(this.cpu()) <= 0.0 {
            number = number.wrapping_mul(3);
        }
        assert_ne!(number, 0);
    }

    #[test]
    fn files_in_folders_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("in")).unwrap();
        fs::write(dir.path().join("in/a"), vec![7; 100_000]).unwrap();
        assert!(disk_bytes(dir.path()) >= 100_000);
    }
}
