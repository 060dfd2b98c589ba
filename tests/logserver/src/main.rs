//! The server as a program: `logserver FILE PORT [--sync] [--tls CERTIFICATE KEY]`.
//!
//! It writes `ready PORT` and then takes orders on its standard input, a line each: `order FAULT TIMES`, `slow
//! MILLISECONDS`, `mute on|off`, `cut`, `clear`. It ends when its standard input does.

use std::{
    error::Error,
    io::{BufRead, Write},
    path::PathBuf,
    time::Duration,
};

use logserver::{Fault, Journal, LogServer, Options};
use tokio::runtime::Runtime;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().ok_or("the file is missing")?);
    let port = arguments.next().ok_or("the port is missing")?.parse()?;
    let (mut sync, mut tls) = (false, None);
    while let Some(option) = arguments.next() {
        match option.as_str() {
            "--sync" => sync = true,
            "--tls" => {
                let mut read = || std::fs::read_to_string(arguments.next().unwrap_or_default());
                tls = Some((read()?, read()?));
            }
            other => return Err(format!("there is no option {other}").into()),
        }
    }
    if tls.is_some() {
        // Without a word, TLS knows which of its providers to take only where one alone was built in.
        let provided = rustls::crypto::ring::default_provider().install_default();
        provided.map_err(|_| "there is a provider of TLS already")?;
    }
    let runtime = Runtime::new()?;
    let journal = Journal::open(&path, sync)?;
    let server = runtime.block_on(LogServer::start(journal, Options { port, tls, ..Options::default() }))?;
    println!("ready {}", server.port);
    std::io::stdout().flush()?;
    for order in std::io::stdin().lock().lines() {
        let order = order?;
        if obey(&server, &order).is_none() {
            eprintln!("there is no such order: {order}");
        }
    }
    runtime.block_on(server.stop());
    Ok(())
}

fn obey(server: &LogServer, order: &str) -> Option<()> {
    let mut words = order.split_whitespace();
    match words.next()? {
        "order" => {
            let fault: Fault = words.next()?.parse().ok()?;
            server.faults.order(fault, words.next()?.parse().ok()?);
        }
        "slow" => server.faults.slow(Duration::from_millis(words.next()?.parse().ok()?)),
        "mute" => server.faults.mute(words.next()? == "on"),
        "cut" => server.cut(),
        "clear" => server.faults.clear(),
        _ => return None,
    }
    Some(())
}
