//! What an adapter makes of answers that no decent other side would give.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use commands::gateways::{BankGateway, BankRequest, GatewayError, Outcome};
use gateways::{GatewayOptions, HttpBank};
use ledger::{Currency::CNY, Money};
use serde_json::json;
use uuid::Uuid;

/// For calls that are meant to be answered.
const PATIENT_MS: u64 = 60_000;
/// For calls that are meant not to be.
const IMPATIENT_MS: u64 = 300;

fn bank_at(base_url: &str, timeout_ms: u64) -> HttpBank {
    let (base_url, secret) = (base_url.to_owned(), "known-to-both-sides".to_owned().into());
    HttpBank::new(&GatewayOptions { base_url, secret, timeout_ms, ..GatewayOptions::default() }).unwrap()
}

fn yuan(text: &str) -> Money {
    Money::parse(text, CNY).unwrap()
}

fn run<A>(work: impl Future<Output = A>) -> A {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[track_caller]
fn unknown<A: std::fmt::Debug>(outcome: Result<A, GatewayError>) {
    assert!(matches!(outcome, Err(GatewayError::Unknown(_))), "{outcome:?}");
}

#[test]
fn an_answer_that_is_none_is_not_believed_and_no_redirect_is_followed() {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let elsewhere = trap.local_addr().unwrap();
    let whole = |status: &str, more: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n{body}", body.len())
    };
    let (request_id, padding) = (Uuid::from_u128(7), " ".repeat(300 * 1024));
    let good = json!({
        "request_id": request_id, "amount": yuan("1"), "status": "done", "reference": "S1", "at": "2026-11-22T12:00:00Z"
    });
    let answers = [
        whole("302 Found", &format!("location: http://{elsewhere}/v1/collections\r\n"), ""),
        whole("307 Temporary Redirect", &format!("location: http://{elsewhere}/v1/collections\r\n"), ""),
        whole("200 OK", "", "{}"),
        whole("200 OK", "", "<html>"),
        whole("200 OK", "", &format!("{good}{padding}")),
        whole("200 OK", "", &good.to_string().replace("S1", "")),
        whole("200 OK", "", &good.to_string().replace("done", "perhaps")),
        whole("201 Created", "", &good.to_string()),
        whole("404 Not Found", "", "nothing here"),
        whole("500 Internal Server Error", "", r#"{"code":"x","detail":"y"}"#),
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned(),
        "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        String::new(),
    ];
    let top_up = BankRequest { request_id, card_token: "card_1".to_owned(), amount: yuan("1") };
    for answer in answers {
        let bank = bank_at(&answering(answer), IMPATIENT_MS);
        unknown(run(bank.collect(&top_up)));
        unknown(run(bank.outcome(request_id)));
    }
    let believable = bank_at(&answering(whole("200 OK", "", &good.to_string())), PATIENT_MS);
    let outcome = run(believable.collect(&top_up));
    assert!(matches!(&outcome, Ok(Outcome::Done { reference, .. }) if reference == "S1"), "{outcome:?}");
    assert!(trap.accept().is_err(), "the redirect was followed");
}

#[test]
fn an_answer_that_comes_byte_by_byte_is_not_waited_for_for_ever() {
    // More bytes than there is time for, at one every tenth of the limit.
    let url = answering_slowly("HTTP/1.1 200 OK\r\n".to_owned() + &"x: y\r\n".repeat(1_000));
    unknown(run(bank_at(&url, IMPATIENT_MS).outcome(Uuid::from_u128(7))));
}

/// The address of somebody who answers everything with the same bytes.
fn answering(bytes: String) -> String {
    listening(move |mut stream| {
        let _ = stream.read(&mut [0; 4_096]);
        let _ = stream.write_all(bytes.as_bytes());
        // Nothing more is said; the client closes or gives up.
        let _ = stream.read(&mut [0; 4_096]);
    })
}

/// The same, but each byte for itself, at ten for the time that an impatient client takes.
fn answering_slowly(bytes: String) -> String {
    listening(move |mut stream| {
        let _ = stream.read(&mut [0; 4_096]);
        for byte in bytes.bytes() {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(IMPATIENT_MS / 10));
        }
    })
}

fn listening(answer: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // It ends with the test's process.
    thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(answer));
    url
}
