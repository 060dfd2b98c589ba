//! The outside world of `teahouse serve --demo`: a sandbox bank and sandbox billers, as processes of their own.

use std::{
    io::Read,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, ChildStderr, Command, Stdio},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use gateways::GatewayOptions;

use crate::{error::Error, layout::DataDir, secret, settings::Settings};

/// How long a sandbox may take to come up. One that outlived a killed server leaves its books within that time.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether it is up.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Sandboxes that run as long as this value lives. They end with this process however it ends: they read from a pipe that
/// it holds.
pub(crate) struct Outside {
    _sandboxes: Vec<Sandbox>,
}

impl Outside {
    /// Starts what the settings don't name, and has them name it.
    ///
    /// # Errors
    /// When a sandbox does not come up.
    pub(crate) fn start(settings: &mut Settings) -> Result<Self, Error> {
        let data = DataDir::new(settings.data.clone());
        let mut sandboxes = vec![];
        for (name, setting) in [("bank", &mut settings.bank), ("biller", &mut settings.biller)] {
            if setting.is_none() {
                let (sandbox, options) = Sandbox::start(name, data.sandbox(name))?;
                sandboxes.push(sandbox);
                *setting = Some(options);
            }
        }
        Ok(Self { _sandboxes: sandboxes })
    }
}

struct Sandbox(Child);

impl Sandbox {
    fn start(name: &str, data: PathBuf) -> Result<(Self, GatewayOptions), Error> {
        let failed =
            |error: &dyn std::fmt::Display| Error::unavailable(format!("the sandbox {name}"), error.to_string());
        std::fs::create_dir_all(&data).map_err(|error| failed(&error))?;
        let secret = secret::load(None, &data).map_err(|error| failed(&error))?;
        let secret = blake3::Hash::from_bytes(secret).to_hex().to_string();
        let given_up = Instant::now() + PATIENCE;
        let mut why = "it does not say why".to_owned();
        loop {
            let address = free_address().map_err(|error| failed(&error))?;
            let mut child = Self::command(name, address, &data)
                .and_then(|mut command| command.spawn())
                .map_err(|error| failed(&error))?;
            let words = child.stderr.take();
            if comes_up(&mut child, address, given_up) {
                // Nobody reads what it says from now on, and it is not to wait for that.
                thread::spawn(move || words.map(|mut words| std::io::copy(&mut words, &mut std::io::sink())));
                let options = GatewayOptions {
                    base_url: format!("http://{address}"),
                    secret: secret.into(),
                    ..GatewayOptions::default()
                };
                return Ok((Self(child), options));
            }
            drop(Self(child));
            // The last try may have had no time left to say anything.
            why = last_words(words).unwrap_or(why);
            if Instant::now() >= given_up {
                return Err(failed(&format!("it does not start on {}: {why}", data.display())));
            }
            sleep(LOOK_EVERY);
        }
    }

    fn command(name: &str, address: SocketAddr, data: &PathBuf) -> std::io::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["sandbox", name, "--until-input-ends", "--listen", &address.to_string(), "--data"]).arg(data);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        Ok(command)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Its books are durable after every answer; nothing can be done about a failure here.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Why it ended, in its own last line.
fn last_words(words: Option<ChildStderr>) -> Option<String> {
    let mut said = String::new();
    // What can't be read says nothing, as what was not said.
    let _ = words.map(|mut words| words.read_to_string(&mut said));
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    last.map(|line| line.trim_start_matches("teahouse: ").to_owned())
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Waits until somebody listens there; false when the process ends first or time is up.
fn comes_up(child: &mut Child, address: SocketAddr, given_up: Instant) -> bool {
    while Instant::now() < given_up {
        if TcpStream::connect(address).is_ok() {
            return true;
        }
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        sleep(LOOK_EVERY);
    }
    false
}
