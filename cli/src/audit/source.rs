//! Where an audit gets its records from: a data directory, a running server, or an export.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use eventlog::{Breach, ClusterLog, DiskLog, EventLog, OpenError, Position, ReadError, RecordedEvent};
use futures::executor::block_on;

use super::{export_file::ExportReader, remote::Remote};
use crate::{
    error::Error,
    layout::DataDir,
    log::connect,
    settings::{Hidden, Settings},
};

/// Records that are read at a time.
pub(super) const PAGE: usize = 4096;

/// Which log to look at; the configured data directory unless another is named.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub(crate) struct Which {
    /// The data directory of a server that is not running
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The address of a running server, such as http://127.0.0.1:8080; needs --token
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// A file that `audit export` wrote
    #[arg(long, value_name = "EXPORT")]
    pub(crate) file: Option<PathBuf>,
}

/// Which log to look at, and what opens a running server.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SourceArgs {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The cluster that keeps the log, esdb://HOST:PORT
    #[arg(long, value_name = "URL", conflicts_with_all = ["server", "file"])]
    pub(crate) log: Option<String>,
    /// The operator token of the server
    #[arg(long, value_name = "TOKEN", env = "TEAHOUSE_OPERATOR_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

/// Why the next records can't be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// They break a rule of the log. Those behind them may still be had.
    #[error("{0}")]
    Breach(Breach),
    /// The source is out of reach.
    #[error("{0}")]
    Unavailable(String),
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Breach(breach) => Self::Breach(breach),
            SourceError::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

/// The records of a log, in its order.
pub(crate) trait Source {
    /// The next records after a position; none at the end. A source may be read forward only.
    ///
    /// # Errors
    /// A breach at the first record after the position, or anything that keeps the records out of reach.
    fn page(&mut self, after: Position) -> Result<Vec<RecordedEvent>, SourceError>;

    /// Position of the last record, where that is known beforehand.
    fn last(&self) -> Option<Position>;
}

/// Opens the log that the arguments name.
///
/// # Errors
/// A breach where its files are not what was written; [`Error::Unavailable`] where it is out of reach.
pub(crate) fn open(args: &SourceArgs, settings: &Settings) -> Result<Box<dyn Source>, Error> {
    let which = &args.which;
    if let Some(url) = &which.server {
        let token = args.token.as_deref();
        let token = token.ok_or_else(|| Error::Usage("--server needs --token or TEAHOUSE_OPERATOR_TOKEN".into()))?;
        return Ok(Box::new(Remote::new(url, token)?));
    }
    if let Some(path) = &which.file {
        return Ok(Box::new(ExportReader::open(path)?));
    }
    if let Some(log) = connected(args, settings)? {
        return Ok(Box::new(ClusterSource { log, at: Position::START }));
    }
    let data = DataDir::new(which.data.clone().unwrap_or_else(|| settings.data.clone()));
    Ok(Box::new(LocalSource { log: open_log(&data, settings)? }))
}

/// The log of the cluster that the arguments name, or else the settings, unless the arguments name another source.
///
/// # Errors
/// As [`open`].
pub(crate) fn connected(args: &SourceArgs, settings: &Settings) -> Result<Option<Arc<ClusterLog>>, Error> {
    let Which { data, server, file } = &args.which;
    let elsewhere = data.is_some() || server.is_some() || file.is_some();
    let named = args.log.clone().map(Hidden::from);
    let url = named.or_else(|| settings.cluster.url.clone().filter(|_| !elsewhere));
    url.map(|url| connect(&url, settings)).transpose()
}

/// Opens the log of a data directory that is there already.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_log(data: &DataDir, settings: &Settings) -> Result<Arc<DiskLog>, Error> {
    let kind = data.store().ok_or_else(|| {
        Error::Unavailable(format!("{} holds no event log; name a data directory with --data", data.log().display()))
    })?;
    let outcome = kind.open(data.log(), Some(settings.log_cache_bytes));
    if let Err(error @ OpenError::Locked { .. }) = &outcome {
        return Err(Error::Unavailable(format!(
            "{error}; stop the server first, or look at it from outside with --server URL --token TOKEN"
        )));
    }
    opened(outcome)
}

/// Sorts out why a log did not open.
pub(crate) fn opened(outcome: Result<Arc<DiskLog>, OpenError>) -> Result<Arc<DiskLog>, Error> {
    outcome.map_err(|error| match error {
        OpenError::Damaged(damage) => match Breach::from_read(&damage) {
            Some(breach) => Error::Breach(breach),
            None => Error::Unavailable(damage.to_string()),
        },
        OpenError::Broken { .. } => Error::Failed(format!("breach: {error}")),
        OpenError::Locked { .. } | OpenError::OtherStore { .. } | OpenError::Io { .. } => {
            Error::Unavailable(error.to_string())
        }
    })
}

/// A log on this machine's disk.
struct LocalSource {
    log: Arc<DiskLog>,
}

impl Source for LocalSource {
    fn page(&mut self, after: Position) -> Result<Vec<RecordedEvent>, SourceError> {
        let error = match block_on(self.log.read_all(after, PAGE)) {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        let Some(breach) = Breach::from_read(&error) else { return Err(SourceError::Unavailable(error.to_string())) };
        // What lies before the damage is whole: hand it out first.
        let before = breach.position.0.saturating_sub(after.0.saturating_add(1));
        match usize::try_from(before) {
            Ok(before) if before > 0 => block_on(self.log.read_all(after, before.min(PAGE))).map_err(read_error),
            _ => Err(SourceError::Breach(breach)),
        }
    }

    fn last(&self) -> Option<Position> {
        Some(self.log.last_position())
    }
}

/// A log on a cluster.
struct ClusterSource {
    log: Arc<ClusterLog>,
    /// The last position that was handed out: a cluster can only be read from where a record is.
    at: Position,
}

impl Source for ClusterSource {
    fn page(&mut self, after: Position) -> Result<Vec<RecordedEvent>, SourceError> {
        if after < self.at {
            self.at = Position::START;
        }
        loop {
            let mut page = block_on(self.log.read_all(self.at, PAGE)).map_err(read_error)?;
            let Some(last) = page.last().map(RecordedEvent::position) else { return Ok(page) };
            self.at = last;
            page.retain(|record| record.position() > after);
            if !page.is_empty() {
                return Ok(page);
            }
        }
    }

    fn last(&self) -> Option<Position> {
        Some(self.log.last_position())
    }
}

fn read_error(error: ReadError) -> SourceError {
    match Breach::from_read(&error) {
        Some(breach) => SourceError::Breach(breach),
        None => SourceError::Unavailable(error.to_string()),
    }
}

/// A log in this process, for tests.
#[cfg(test)]
pub(super) struct MemorySource(pub(super) eventlog::MemoryLog);

#[cfg(test)]
impl Source for MemorySource {
    fn page(&mut self, after: Position) -> Result<Vec<RecordedEvent>, SourceError> {
        block_on(self.0.read_all(after, PAGE)).map_err(read_error)
    }

    fn last(&self) -> Option<Position> {
        Some(self.0.last_position())
    }
}
