//! The sockets of the client's connections, which it keeps to itself.
//!
//! The client leaves Nagle's algorithm on and writes a call in two pieces, of which the second waits until the first is
//! acknowledged. The server's system puts that off for 40 ms, since the server has nothing to say before it has the whole.

#[cfg(target_os = "linux")]
use std::{fs, net::SocketAddr, os::fd::RawFd};
use std::{
    io,
    sync::{
        Arc, Once,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

#[cfg(target_os = "linux")]
use rustix::{
    net::{getpeername, sockopt::set_tcp_nodelay},
    process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open},
};

/// A call that takes at least this long may have waited for an acknowledgement.
const SLOW: Duration = Duration::from_millis(30);
/// Sockets are looked through again after this at the earliest.
const SHORTEST_REST: Duration = Duration::from_secs(1);
/// And after so many times as long as it took, since a server has many.
const REST: u32 = 100;
/// But not longer than this: it may have waited for a processor.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// What sees to it that connections to a cluster send at once. Since nobody tells when one was made, it goes by how long
/// calls take.
pub(crate) struct Prompter {
    /// The cluster's ports.
    ports: Arc<[u16]>,
    began: Instant,
    /// When sockets may be looked through again, in milliseconds since then.
    rested: Arc<AtomicU64>,
}

impl Prompter {
    /// For connections to such ports.
    pub(crate) fn new(ports: impl IntoIterator<Item = u16>) -> Self {
        Self { ports: ports.into_iter().collect(), began: Instant::now(), rested: Arc::default() }
    }

    /// Notes how long a call took. To be called on a runtime.
    pub(crate) fn took(&self, time: Duration) {
        let (now, rest) = (millis(self.began.elapsed()), millis(SHORTEST_REST));
        if time < SLOW || self.rested.load(Ordering::Relaxed) > now {
            return;
        }
        if self.rested.fetch_max(now + rest, Ordering::Relaxed) > now {
            // Somebody else was faster.
            return;
        }
        let (ports, began, rested) = (self.ports.clone(), self.began, self.rested.clone());
        tokio::task::spawn_blocking(move || {
            static TOLD: Once = Once::new();
            let start = Instant::now();
            if let Err(error) = send_at_once(&ports) {
                TOLD.call_once(|| {
                    tracing::warn!(%error, "calls to the cluster may take 40 ms longer: what they send can't leave at once");
                });
            }
            rested.fetch_max(millis(began.elapsed() + (start.elapsed() * REST).min(LONGEST_REST)), Ordering::Relaxed);
        });
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Has whatever this process writes to connections with such a port at the other end leave at once.
///
/// # Errors
/// When the system does not let a process at its own sockets by number, as in a container without `CAP_SYS_PTRACE`.
#[cfg(target_os = "linux")]
fn send_at_once(ports: &[u16]) -> io::Result<()> {
    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    for number in sockets()? {
        // A name of its own for the same socket, which goes out of use with this round.
        let socket = match pidfd_getfd(&own, number, PidfdGetfdFlags::empty()) {
            Ok(socket) => socket,
            // It was closed since it was listed.
            Err(rustix::io::Errno::BADF) => continue,
            Err(error) => return Err(error.into()),
        };
        let peer = getpeername(&socket).ok().flatten().and_then(|peer| SocketAddr::try_from(peer).ok());
        if peer.is_some_and(|peer| ports.contains(&peer.port())) {
            set_tcp_nodelay(&socket, true)?;
        }
    }
    Ok(())
}

/// The numbers of this process's sockets.
#[cfg(target_os = "linux")]
fn sockets() -> io::Result<Vec<RawFd>> {
    let is_socket = |entry: &fs::DirEntry| {
        fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str().as_encoded_bytes().starts_with(b"socket:"))
    };
    let number = |entry: fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse().ok());
    Ok(fs::read_dir("/proc/self/fd")?.flatten().filter(is_socket).filter_map(number).collect())
}

/// Elsewhere there is no way to it.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
fn send_at_once(_ports: &[u16]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{
        io::ErrorKind,
        net::{TcpListener, TcpStream},
    };

    use super::send_at_once;

    #[test]
    fn only_what_goes_to_those_ports_is_sent_at_once() {
        let [one, other] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [to_one, to_other] = [&one, &other].map(|to| TcpStream::connect(to.local_addr().unwrap()).unwrap());
        let (from_there, _) = one.accept().unwrap();
        match send_at_once(&[one.local_addr().unwrap().port()]) {
            // In a container this is not allowed.
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => return,
            sent => sent.unwrap(),
        }
        let sent_at_once = [&to_one, &to_other, &from_there].map(|stream| stream.nodelay().unwrap());
        assert_eq!(sent_at_once, [true, false, false]);
    }
}
