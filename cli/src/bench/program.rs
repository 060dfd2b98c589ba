//! A program of official accounts: quick, or silent, as the path says by which it is called.

use std::{collections::HashMap, io, net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};

use super::{
    latency::Latencies,
    load::Traffic,
    messages::{Talk, number_behind},
};

/// Most headers of a call.
const HEADERS: usize = 32;
/// The path that is never answered, but for the greeting.
const SILENT: &str = "/silent";

/// What a program was told by its other path.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// How many things.
    pub(super) times: u64,
    /// When what it was not told yet was said, by the numbers of the messages, of those that are watched.
    pub(super) waiting: HashMap<u64, Instant>,
    /// How long it took from saying to telling, of those that are watched.
    pub(super) took: Latencies,
}

/// A program that listens.
pub(super) struct Program {
    address: SocketAddr,
    /// What it was told.
    pub(super) told: Arc<Mutex<Told>>,
}

impl Program {
    /// Starts it, within this process.
    ///
    /// # Errors
    /// When it can't listen.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, told) = (listener.local_addr()?, Arc::<Mutex<Told>>::default());
        let kept = told.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                // What goes wrong with a connection is the caller's to see.
                tokio::spawn(serve(connection, kept.clone()));
            }
        });
        Ok(Self { address, told })
    }

    /// Where it is called that answers.
    pub(super) fn quick(&self) -> String {
        format!("http://{}/quick", self.address)
    }

    /// Where it is called that does not.
    pub(super) fn silent(&self) -> String {
        format!("http://{}{SILENT}", self.address)
    }
}

async fn serve(mut connection: TcpStream, told: Arc<Mutex<Told>>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut received = Vec::with_capacity(4096);
    loop {
        received.clear();
        let call = loop {
            if connection.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
            if let Some(call) = Call::of(&received)? {
                break call;
            }
        };
        let answer = match call {
            Call::Greeting(echo) => echo,
            Call::Silent => {
                // Until the caller has had enough of it.
                while connection.read_buf(&mut received).await? > 0 {}
                return Ok(());
            }
            Call::Quick(number) => {
                told.lock().hear(number);
                "success".to_owned()
            }
        };
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        connection.write_all(answer.as_bytes()).await?;
    }
}

impl Told {
    fn hear(&mut self, number: Option<u64>) {
        self.times += 1;
        if let Some(said) = number.and_then(|number| self.waiting.remove(&number)) {
            self.took.add(said.elapsed());
        }
    }
}

/// A call that is whole.
#[derive(Debug, PartialEq, Eq)]
enum Call {
    Greeting(String),
    Silent,
    /// With the number of the message that it tells of.
    Quick(Option<u64>),
}

impl Call {
    /// Reads one; none where it is not whole yet.
    fn of(bytes: &[u8]) -> io::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(head) = request.parse(bytes).map_err(io::Error::other)? else {
            return Ok(None);
        };
        let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok()).unwrap_or(0);
        let Some(body) = bytes.get(head..).filter(|body| body.len() >= length) else { return Ok(None) };
        let path = request.path.unwrap_or_default();
        let echo = path.split(['?', '&']).find_map(|part| part.strip_prefix("echostr="));
        Ok(Some(match echo {
            Some(echo) => Self::Greeting(echo.to_owned()),
            None if path.starts_with(SILENT) => Self::Silent,
            None => Self::Quick(number_behind(&String::from_utf8_lossy(body))),
        }))
    }
}

/// Talk of which each message is watched until the program is told of it.
pub(super) struct Watched {
    /// The talk.
    pub(super) talk: Talk,
    /// What the program was told.
    pub(super) told: Arc<Mutex<Told>>,
}

impl Traffic for Watched {
    fn next(&mut self) -> &[u8] {
        self.told.lock().waiting.insert(self.talk.next_number(), Instant::now());
        self.talk.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_once_it_is_whole() {
        let told = b"POST /quick?nonce=1 HTTP/1.1\r\ncontent-length: 24\r\n\r\n<C>message 000000000042<";
        assert_eq!(Call::of(told).unwrap(), Some(Call::Quick(Some(42))));
        assert_eq!(Call::of(&told[..told.len() - 1]).unwrap(), None);
        let silent = b"POST /silent?nonce=1 HTTP/1.1\r\n\r\n";
        assert_eq!(Call::of(silent).unwrap(), Some(Call::Silent));
        let greeting = b"GET /silent?nonce=1&echostr=abc&timestamp=1 HTTP/1.1\r\n\r\n";
        assert_eq!(Call::of(greeting).unwrap(), Some(Call::Greeting("abc".to_owned())));
    }
}
