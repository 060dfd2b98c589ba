//! A lean HTTP/1.1 client. The load generator shares the machine with what it measures, so what it costs counts: one
//! write and, mostly, one read for each exchange, and no copies.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Most headers that an answer may have.
const HEADERS: usize = 48;

/// A connection that is kept for many exchanges.
pub(super) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4096) })
    }

    /// Sends a request and waits for its answer; gives the status and the body.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = Head::of(&self.received)? {
                while self.received.len() < head.length + head.content_length {
                    if self.stream.read_buf(&mut self.received).await? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                return Ok((head.status, self.received.get(head.length..).unwrap_or_default()));
            }
        }
    }

    /// Asks for a protocol to be switched to, and gives the stream where that was granted.
    pub(super) async fn upgrade(mut self, request: &[u8]) -> io::Result<TcpStream> {
        let (status, _) = self.exchange(request).await?;
        if status == 101 { Ok(self.stream) } else { Err(io::Error::other(format!("status {status}"))) }
    }
}

/// What the beginning of an answer says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    /// Its own length.
    length: usize,
    status: u16,
    content_length: usize,
}

impl Head {
    /// Reads the head of an answer; none where it is not whole yet.
    fn of(bytes: &[u8]) -> io::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = response.parse(bytes).map_err(io::Error::other)? else {
            return Ok(None);
        };
        let content_length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let content_length = content_length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
        let status = response.code.unwrap_or_default();
        Ok(Some(Self { length, status, content_length: content_length.unwrap_or_default() }))
    }
}

/// A request with a body, as the bytes to send.
pub(super) fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    request("POST", path, token, body)
}

/// A request of any method with a body, as the bytes to send.
pub(super) fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    with_headers(method, path, token, "", body)
}

/// A request with a body and an idempotency key, as the bytes to send.
pub(super) fn post_once(path: &str, token: &str, key: &str, body: &str) -> Vec<u8> {
    once("POST", path, token, key, body)
}

/// A command of any method with an idempotency key, as the bytes to send.
pub(super) fn once(method: &str, path: &str, token: &str, key: &str, body: &str) -> Vec<u8> {
    with_headers(method, path, token, &format!("Idempotency-Key: {key}\r\n"), body)
}

fn with_headers(method: &str, path: &str, token: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: teahouse\r\nAuthorization: Bearer {token}\r\n{headers}\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A request without a body, as the bytes to send.
pub(super) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: teahouse\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// A request for a WebSocket, as the bytes to send.
pub(super) fn websocket(token: &str) -> Vec<u8> {
    format!(
        "GET /v1/ws HTTP/1.1\r\nHost: teahouse\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 201 Created\r\ncontent-type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
        let head = Head::of(answer).unwrap().unwrap();
        assert_eq!(head, Head { length: answer.len() - 5, status: 201, content_length: 5 });
        assert_eq!(Head::of(&answer[..answer.len() - 6]).unwrap(), None);
        assert!(Head::of(b"nonsense\r\n\r\n").is_err());
    }
}
