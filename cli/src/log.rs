//! The event log that the settings name: in the data directory, or on a cluster.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use eventlog::{ClusterError, ClusterLog, ClusterOptions, DiskLog, EventLog, Position, StoreKind};
use futures::executor::block_on;

use crate::{
    audit::source::opened,
    error::Error,
    layout::DataDir,
    settings::{Hidden, Settings},
};

/// A log that is open.
pub(crate) enum Log {
    /// In the data directory.
    Disk(Arc<DiskLog>),
    /// On a cluster.
    Cluster(Arc<ClusterLog>),
}

impl Log {
    /// Opens the log; what it needs in the data directory is made.
    ///
    /// # Errors
    /// A breach where it is not what was written; where it is out of reach, or the directory is of another log.
    pub(crate) fn open(settings: &Settings, data: &DataDir) -> Result<Self, Error> {
        match &settings.cluster.url {
            Some(url) => open_cluster(url, settings, data).map(Self::Cluster),
            None if data.cluster_mark().exists() => Err(Error::Unavailable(format!(
                "{} belongs to a server whose log is on a cluster; name the cluster with --log",
                data.root().display()
            ))),
            None => {
                let cache = Some(settings.log_cache_bytes);
                opened(StoreKind::open(settings.store.into(), data.log(), cache)).map(Self::Disk)
            }
        }
    }

    /// The log as everything else knows it.
    pub(crate) fn port(&self) -> Arc<dyn EventLog> {
        match self {
            Self::Disk(log) => log.clone(),
            Self::Cluster(log) => log.clone(),
        }
    }

    /// Writes what waits and takes nothing more.
    pub(crate) fn close(&self) {
        match self {
            Self::Disk(log) => log.close(),
            // What was acknowledged is on the cluster already.
            Self::Cluster(_) => {}
        }
    }
}

/// Connects to the cluster that the settings name.
///
/// # Errors
/// When it can't be used, or does not answer.
pub(crate) fn connect(url: &Hidden, settings: &Settings) -> Result<Arc<ClusterLog>, Error> {
    let options = ClusterOptions {
        unverified: settings.development.unverified_cluster,
        patience: Duration::from_millis(settings.cluster.patience_ms),
        ..ClusterOptions::new(url.reveal())
    };
    ClusterLog::open(&options).map_err(|error| match error {
        ClusterError::Absent(_) | ClusterError::Read(_) => Error::Unavailable(error.to_string()),
        error => Error::Usage(error.to_string()),
    })
}

fn open_cluster(url: &Hidden, settings: &Settings, data: &DataDir) -> Result<Arc<ClusterLog>, Error> {
    let root = data.root().display();
    check_media(settings, data)?;
    if data.store().is_some() {
        return Err(Error::Unavailable(format!(
            "{root} holds an event log of its own; give each server of a cluster a new data directory"
        )));
    }
    let log = connect(url, settings)?;
    let first = block_on(log.read_all(Position::START, 1)).map_err(|error| Error::Unavailable(error.to_string()))?;
    let mark = data.cluster_mark();
    let failed = |error| Error::unavailable(mark.display(), error);
    let Some(first) = first.first().map(|record| record.event_id().to_string()) else {
        fs::write(&mark, "").map_err(failed)?;
        mark_when_begun(&log, mark);
        return Ok(log);
    };
    let known = match fs::read_to_string(&mark) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        known => known.unwrap_or_default(),
    };
    if !known.is_empty() && known != first {
        return Err(Error::Unavailable(format!(
            "the read models in {root} were made from another log than the cluster has; remove the directory's views, \
             snapshots and cluster-log to have them made anew"
        )));
    }
    if settings.secret_key.is_none() && !data.secret().exists() {
        return Err(Error::Usage(format!(
            "the log on the cluster is in use, and {root} has no secret: give every server the same secret_key"
        )));
    }
    fs::write(&mark, first).map_err(failed)?;
    Ok(log)
}

/// Whether all servers of a cluster find the bytes of media.
fn check_media(settings: &Settings, data: &DataDir) -> Result<(), Error> {
    if settings.cluster.nodes > 1 && settings.media.s3.is_none() && !settings.cluster.shared_media {
        return Err(Error::Usage(format!(
            "with several servers, the bytes of media have to be where all of them find them: in a bucket (media.s3), or \
             have {} be one folder for all, and say so with cluster.shared_media",
            data.media().join("blobs").display()
        )));
    }
    Ok(())
}

/// Notes which log it is as soon as there is something in it.
fn mark_when_begun(log: &Arc<ClusterLog>, mark: PathBuf) {
    let mut events = log.subscribe(Position::START);
    std::thread::spawn(move || {
        let Ok(batch) = block_on(events.next()) else { return };
        let Some(first) = batch.first() else { return };
        if let Err(error) = fs::write(&mark, first.event_id().to_string()) {
            tracing::warn!(%error, mark = %mark.display(), "it could not be noted which log the read models are made from");
        }
    });
}

#[cfg(test)]
mod tests {
    use media::{MediaOptions, S3Options};

    use super::*;
    use crate::settings::Cluster;

    #[test]
    fn several_servers_do_not_start_before_it_was_said_that_they_share_media() {
        let (data, several) = (DataDir::new("data".into()), Cluster { nodes: 2, ..Cluster::default() });
        let apart = Settings { cluster: several.clone(), ..Settings::default() };
        let refused = check_media(&apart, &data).err();
        assert!(matches!(refused, Some(Error::Usage(reason)) if reason.contains("cluster.shared_media")));
        let in_folder = Settings { cluster: Cluster { shared_media: true, ..several.clone() }, ..Settings::default() };
        check_media(&in_folder, &data).unwrap();
        let media = MediaOptions { s3: Some(S3Options::default()), ..MediaOptions::default() };
        check_media(&Settings { cluster: several, media, ..Settings::default() }, &data).unwrap();
    }
}
