//! Why a command of the binary did not do what it was asked, and the exit code that says so.

use std::process::ExitCode;

use eventlog::Breach;

use crate::{secret::SecretError, settings::SettingsError};

/// How a command ended that did what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All is well: exit code 0.
    Well,
    /// It looked and found a breach or a difference: exit code 1.
    Breach,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Well => Self::SUCCESS,
            Ending::Breach => Self::FAILURE,
        }
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It was asked for something that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The settings can't be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// What it was to look at is out of reach.
    #[error("{0}")]
    Unavailable(String),
    /// What it was to work with breaks a rule of the log.
    #[error("breach: {0}")]
    Breach(Breach),
    /// There is no secret to work with.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It failed on the way.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// A failure while doing something.
    pub(crate) fn failed(doing: &str, error: impl std::fmt::Display) -> Self {
        Self::Failed(format!("{doing}: {error}"))
    }

    /// Something that could not be looked at.
    pub(crate) fn unavailable(what: impl std::fmt::Display, error: impl std::fmt::Display) -> Self {
        Self::Unavailable(format!("{what}: {error}"))
    }

    /// 1 where something is wrong, 2 where nothing could be looked at or the command line or settings are wrong.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) | Self::Settings(_) | Self::Unavailable(_) | Self::Secret(_) => 2,
            Self::Breach(_) | Self::Failed(_) => 1,
        })
    }
}
