//! Bytes on a connection, for what no decent client would send.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Sends bytes as they are, on a connection of their own, and gives the status, the head and the body of the answer.
///
/// # Panics
/// When there is no answer in time.
#[track_caller]
#[must_use]
pub fn exchange(address: &str, bytes: &[u8]) -> (u16, String, String) {
    let mut connection = TcpStream::connect(address).expect("the server takes connections");
    connection.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout can be set");
    // The server may refuse and close before it has read everything.
    let _ = connection.write_all(bytes);
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        match connection.read(&mut part) {
            Ok(0) | Err(_) => break,
            Ok(read) => answer.extend_from_slice(&part[..read]),
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer but {answer:?}")), head.to_lowercase(), body.to_owned())
}

/// As [`exchange`], without waiting for a body: status and head.
///
/// # Panics
/// When there is no answer in time.
#[track_caller]
#[must_use]
pub fn head(address: &str, bytes: &[u8]) -> (u16, String) {
    let mut connection = TcpStream::connect(address).expect("the server takes connections");
    connection.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout can be set");
    connection.write_all(bytes).expect("the server reads");
    let mut answer = Vec::new();
    let mut part = [0; 1024];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = connection.read(&mut part).expect("an answer in time");
        assert!(read > 0, "the connection ended after {answer:?}");
        answer.extend_from_slice(&part[..read]);
    }
    let head = String::from_utf8_lossy(&answer).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer but {head:?}")), head)
}

/// A request in bytes, with headers, on a connection that ends after it.
#[must_use]
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: teahouse\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    [head.as_bytes(), body].concat()
}
