//! Clients that stand still: whoever takes nothing of what they are sent, or sends nothing of what they announced, loses
//! the connection, so that nobody can hold more of them than they use.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::json;
use teahouse_tests::{Person, Server, Setup, Socket, befriend, people::in_parallel, raw, until};

fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.client().address()).unwrap()
}

/// What comes until the server ends the connection, which it must.
#[track_caller]
fn all_of(mut connection: TcpStream) -> String {
    connection.set_read_timeout(Some(teahouse_tests::patience::DEADLINE)).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).expect("the server ends the connection");
    String::from_utf8(answer).unwrap()
}

/// A request of which only the beginning is ever sent.
fn begun(person: Option<&Person>, line: &str, length: &str) -> String {
    let token = person.and_then(|person| person.token().map(|token| format!("authorization: Bearer {token}\r\n")));
    format!("{line} HTTP/1.1\r\nhost: teahouse\r\n{}{length}\r\n\r\n", token.unwrap_or_default())
}

#[test]
fn a_body_that_does_not_arrive_is_waited_for_only_so_long() {
    let server = Setup::new().with("TEAHOUSE_API__BODY_SECONDS", "1").start();
    let mei = server.register("mei");
    for length in ["content-length: 1000", "transfer-encoding: chunked"] {
        let too_slow = (408, r#""code":"body-too-slow""#);
        // Programs are answered in the words of their protocol.
        let try_again = (200, r#""errcode":-1"#);
        let announced = [
            (too_slow, begun(None, "POST /v1/users", length)),
            (too_slow, begun(Some(&mei), "PATCH /v1/me", length)),
            (too_slow, begun(Some(&mei), &format!("DELETE /v1/blocks/{}", mei.id), length)),
            (try_again, begun(None, "POST /cgi-bin/stable_token", length)),
            (try_again, begun(None, "POST /cgi-bin/message/mass/send?access_token=x", length)),
        ];
        for ((status, words), request) in announced {
            let mut connection = connect(&server);
            connection.write_all(request.as_bytes()).unwrap();
            let answer = all_of(connection);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}{answer}");
            assert!(answer.contains(words), "{answer}");
        }
    }
    assert_eq!(mei.get("/v1/me").status, 200);
}

#[test]
fn what_is_answered_without_its_body_ends_the_connection_when_the_body_does_not_come() {
    let server = Server::start();
    let mei = server.register("mei");
    for length in ["content-length: 1000", "transfer-encoding: chunked"] {
        let answered = [
            (200, begun(None, "GET /livez", length)),
            (200, begun(Some(&mei), "GET /v1/me", length)),
            (401, begun(None, "POST /v1/tags", length)),
            (404, begun(None, "POST /nowhere", length)),
        ];
        for (status, request) in answered {
            let mut connection = connect(&server);
            connection.write_all(request.as_bytes()).unwrap();
            let answer = all_of(connection);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}{answer}");
        }
    }
}

#[test]
fn a_body_that_comes_in_chunks_is_read_and_the_connection_goes_on() {
    let server = Server::start();
    let mei = server.register("mei");
    let chunks = "15\r\n{\"about\":\"in chunks, \r\n9\r\nof two\"}\n\r\n0\r\n\r\n";
    let change = begun(Some(&mei), "PATCH /v1/me", "transfer-encoding: chunked") + chunks;
    let last = begun(Some(&mei), "GET /v1/me", "connection: close");
    let mut connection = connect(&server);
    connection.write_all((change.clone() + &change + &last).as_bytes()).unwrap();
    let answers = all_of(connection);
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 3, "{answers}");
    assert!(answers.contains("in chunks, of two"), "{answers}");
    let large = format!("20001\r\n{}\r\n0\r\n\r\n", "x".repeat(0x20001));
    let request = begun(Some(&mei), "PATCH /v1/me", "transfer-encoding: chunked") + &large;
    assert_eq!(raw::exchange(&mei.address(), request.as_bytes()).0, 413);
}

/// Whether the system keeps a connection of that address to somebody at that port.
fn stands(address: &str, port: u16) -> bool {
    const ESTABLISHED: &str = "01";
    let here = address.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let connections = std::fs::read_to_string("/proc/net/tcp").unwrap();
    connections.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let mut port_of = || fields.next().and_then(|at| u16::from_str_radix(at.rsplit_once(':')?.1, 16).ok());
        (port_of(), port_of()) == (Some(here), Some(port)) && fields.next() == Some(ESTABLISHED)
    })
}

#[test]
fn a_device_that_takes_nothing_of_what_it_is_sent_does_not_keep_its_connection() {
    let server = Setup::new().with("TEAHOUSE_API__SOCKET_IDLE_SECONDS", "2").start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    let words = "w".repeat(10_000);
    // More than the queues here, and what the system keeps for a connection on both sides, hold together.
    in_parallel(1_200, |_| mei.send(&talk, &words).done());
    let token = lin.token().unwrap().to_owned();
    let headers = [
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("authorization", &format!("Bearer {token}")),
    ];
    let request = String::from_utf8(raw::request("GET", "/v1/ws?after=0", &headers, b"")).unwrap();
    let mut connection = connect(&server);
    connection.write_all(request.replace("connection: close", "connection: upgrade").as_bytes()).unwrap();
    let port = connection.local_addr().unwrap().port();
    until("the device is connected", || stands(&mei.address(), port).then_some(()));
    until("the connection has ended", || (!stands(&mei.address(), port)).then_some(()));
    // It was not the server that ended.
    mei.patch("/v1/me", json!({ "about": "still here" })).done();
    let _ = Socket::connect(&lin, "");
}
