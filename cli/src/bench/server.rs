//! The server that is measured: this binary again, as a process of its own.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc::{Sender, channel},
    time::{Duration, Instant},
};

use super::{
    client::{Connection, get},
    process::Process,
};
use crate::{
    error::Error,
    settings::{Flags, Settings, Store},
};

/// How long a server may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one may take until it has taken in a long log and put its rows in order.
const CATCHING_UP: Duration = Duration::from_secs(900);
/// A server that uses less than this of one core, in percent, is at rest.
const AT_REST: f64 = 10.0;

/// Settings of every measured server: no limits on how often, passwords and PINs that cost nothing, a proved PIN
/// that lasts for all payments, groups that grow without asking, since none of that is measured.
const SETTINGS: [(&str, &str); 28] = [
    ("TEAHOUSE_LOG__FORMAT", "json"),
    ("TEAHOUSE_LOG__FILTER", "warn,teahouse=info"),
    ("TEAHOUSE_COMMANDS__PASSWORDS__MEMORY_KIB", "8"),
    ("TEAHOUSE_COMMANDS__PASSWORDS__PASSES", "1"),
    ("TEAHOUSE_COMMANDS__PASSWORDS__AT_ONCE", "2"),
    ("TEAHOUSE_COMMANDS__PASSWORDS__WAITING_MAX", "100000"),
    ("TEAHOUSE_POLICY__INVITE_FREELY_UP_TO", "500"),
    ("TEAHOUSE_POLICY__MONEY__AUTHORIZATION_SECONDS", "86400"),
    ("TEAHOUSE_API__READ_WAIT_MS", "30000"),
    ("TEAHOUSE_API__RATES__LOG_INS_PER_ADDRESS", "0"),
    ("TEAHOUSE_API__RATES__LOG_INS_PER_HANDLE", "0"),
    ("TEAHOUSE_API__RATES__LOG_INS_PER_HANDLE_EVERYWHERE", "0"),
    ("TEAHOUSE_API__RATES__REGISTRATIONS_PER_ADDRESS", "0"),
    ("TEAHOUSE_API__RATES__PEOPLE_SEARCHES", "0"),
    ("TEAHOUSE_API__RATES__MESSAGE_SEARCHES", "0"),
    ("TEAHOUSE_API__RATES__FRIEND_REQUESTS", "0"),
    ("TEAHOUSE_API__RATES__MESSAGES", "0"),
    ("TEAHOUSE_API__RATES__PAYMENTS", "0"),
    ("TEAHOUSE_API__RATES__CALLS", "0"),
    ("TEAHOUSE_CALLBACKS__ALLOW_INSIDE", "127.0.0.1"),
    ("TEAHOUSE_SFU__LISTEN", "127.0.0.1:0"),
    ("TEAHOUSE_API__RATES__COMMANDS", "0"),
    ("TEAHOUSE_API__RATES__QUERIES", "0"),
    ("TEAHOUSE_API__RATES__UPLOADS", "0"),
    ("TEAHOUSE_API__RATES__DOWNLOADS", "0"),
    ("TEAHOUSE_API__RATES__ARTICLE_READS", "0"),
    ("TEAHOUSE_POLICY__OFFICIAL__BROADCASTS_MONTH_MAX", "1000"),
    ("TEAHOUSE_POLICY__MEDIA__QUOTA_BYTES", "1000000000000000"),
];

/// The settings of measured servers, for what is done with their data in this process.
///
/// # Errors
/// Never, as long as the settings above are settings.
pub(super) fn settings(data: &Path, store: Store) -> Result<Settings, Error> {
    settings_on(data, store, None)
}

/// The same, with the log on a cluster where one is named.
///
/// # Errors
/// As [`settings`].
pub(super) fn settings_on(data: &Path, store: Store, cluster: Option<String>) -> Result<Settings, Error> {
    let variables = SETTINGS.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let flags = Flags { data: Some(data.to_owned()), store: Some(store), cluster, ..Flags::default() };
    Ok(Settings::layered(None, variables, &flags)?)
}

/// A server that runs, and is killed with this value.
pub(super) struct Server {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts `teahouse serve`.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) fn serve(data: &Path, store: Store) -> Result<Self, Error> {
        Self::start(&["serve"], data, store)
    }

    /// Starts `teahouse serve` with the log on a cluster.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) fn serve_on(url: &str, data: &Path, store: Store) -> Result<Self, Error> {
        Self::start(&["serve", "--log", url], data, store)
    }

    /// Starts the server of the ceiling.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) fn ceiling(data: &Path, store: Store) -> Result<Self, Error> {
        Self::start(&["bench", "ceiling"], data, store)
    }

    fn start(command: &[&str], data: &Path, store: Store) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::failed("the measured server", error);
        let mut serve = Command::new(std::env::current_exe().map_err(failed)?);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TEAHOUSE_")) {
            serve.env_remove(name);
        }
        serve.args(command).arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]);
        serve.args(["--store", eventlog::StoreKind::from(store).to_string().as_str()]).envs(SETTINGS);
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = serve.spawn().map_err(failed)?;
        let (tell, told) = channel();
        if let Some(stderr) = child.stderr.take() {
            std::thread::spawn(move || follow(stderr, &tell));
        }
        match told.recv_timeout(PATIENCE) {
            Ok(address) => Ok(Self { child, address }),
            Err(_) => {
                // It may have ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                Err(Error::Failed("the measured server does not come up".to_owned()))
            }
        }
    }

    /// Waits until every read model has taken in the whole log, and tables of rows that were merged behind that are merged:
    /// what is measured then is not slowed down by what came before.
    ///
    /// # Errors
    /// When it does not get there.
    pub(super) async fn until_caught_up(&self) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::failed("a connection", error);
        let until = Instant::now() + CATCHING_UP;
        let query = get("/readyz", "");
        while Instant::now() < until {
            let before = self.process().cpu();
            tokio::time::sleep(Duration::from_secs(1)).await;
            if before.percent_until(self.process().cpu()) >= AT_REST {
                continue;
            }
            // The server ends connections that stand still for so long as it may take to get here.
            let mut connection = Connection::open(self.address).await.map_err(failed)?;
            if is_caught_up(connection.exchange(&query).await.map_err(failed)?) {
                return Ok(());
            }
        }
        Err(Error::Failed("the measured server does not catch up with the log".to_owned()))
    }

    /// Its process.
    pub(super) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Asks it to stop, as an operator does, and waits until it has.
    ///
    /// # Errors
    /// When it can't be asked, or ends with an error.
    pub(super) fn stop(mut self) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::failed("stopping the measured server", error);
        Command::new("kill").arg(self.child.id().to_string()).status().map_err(failed)?;
        let status = self.child.wait().map_err(failed)?;
        if status.success() { Ok(()) } else { Err(Error::Failed(format!("the measured server ended with {status}"))) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is left to do where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether an answer of `/readyz` says that no read model is behind the log.
pub(super) fn is_caught_up((status, body): (u16, &[u8])) -> bool {
    let readiness: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let lags = readiness.get("read_models").and_then(serde_json::Value::as_array).into_iter().flatten();
    let mut lags = lags.map(|model| model.get("lag").and_then(serde_json::Value::as_u64)).peekable();
    status == 200 && lags.peek().is_some() && lags.all(|lag| lag == Some(0))
}

/// Reads what a server says: tells its address, passes warnings on.
fn follow(stderr: ChildStderr, tell: &Sender<SocketAddr>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        let field = |name: &str| said.get(name).and_then(serde_json::Value::as_str);
        match (field("message"), field("address").and_then(|address| address.parse().ok())) {
            (Some("ready"), Some(address)) => drop(tell.send(address)),
            _ if field("level") == Some("INFO") => {}
            _ => eprintln!("server: {line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_caught_up_when_no_read_model_is_behind() {
        let body = |lag: u64| format!(r#"{{"ready":true,"read_models":[{{"lag":0}},{{"lag":{lag}}}]}}"#);
        assert!(is_caught_up((200, body(0).as_bytes())));
        assert!(!is_caught_up((200, body(1).as_bytes())));
        assert!(!is_caught_up((503, body(0).as_bytes())));
        assert!(!is_caught_up((200, br#"{"read_models":[]}"#)));
        assert!(!is_caught_up((200, b"nonsense")));
    }
}
