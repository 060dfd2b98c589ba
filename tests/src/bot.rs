//! A program of an official account: a small HTTP server that remembers what it is told, and answers as it is made to.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc::Receiver},
};

use serde_json::{Value, json};

use crate::{Account, Setup, people::text_at, server::locked};

/// A request that the program got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// What stands behind the question mark.
    pub query: String,
    /// The headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Call {
    /// What stands in an element of the body, without the marks around it.
    #[must_use]
    pub fn element(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(text.trim_start_matches("<![CDATA[").trim_end_matches("]]>").to_owned())
    }

    /// What a header says.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    }
}

/// What the program does with a call.
#[derive(Debug)]
pub enum Does {
    /// Answers with that body.
    Answers(String),
    /// Answers with that status, which is no success.
    Refuses(u16),
    /// Hangs up.
    HangsUp,
    /// Says nothing until the other end of this is dropped.
    Waits(Arc<Mutex<Receiver<()>>>),
}

/// A running program.
#[derive(Debug)]
pub struct Bot {
    address: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Bot {
    /// Starts a program that answers the greeting as it should, and everything else as it is made to.
    ///
    /// # Panics
    /// When it can't listen.
    #[must_use]
    pub fn start(does: impl Fn(&Call) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address").to_string();
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let (kept, does) = (calls.clone(), Arc::new(does));
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let (kept, does) = (kept.clone(), does.clone());
                std::thread::spawn(move || serve(connection, &kept, &*does));
            }
        });
        Self { address, calls }
    }

    /// Where it is called.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/wx", self.address)
    }

    /// What it was told so far, the greeting not counted.
    #[must_use]
    pub fn told(&self) -> Vec<Call> {
        locked(&self.calls).iter().filter(|call| call.method == "POST").cloned().collect()
    }
}

/// Answers the requests of a connection; what goes wrong ends it.
fn serve(connection: TcpStream, calls: &Mutex<Vec<Call>>, does: &dyn Fn(&Call) -> Does) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    let mut connection = connection;
    loop {
        let call = read(&mut reader)?;
        locked(calls).push(call.clone());
        let mut status = 200;
        let body = match call.parameter("echostr") {
            Some(echo) if call.method == "GET" => echo.to_owned(),
            _ => match does(&call) {
                Does::Answers(body) => body,
                Does::Refuses(refusal) => {
                    status = refusal;
                    String::new()
                }
                Does::HangsUp => return None,
                Does::Waits(over) => {
                    let _ = locked(&over).recv();
                    return None;
                }
            },
        };
        let head = format!("HTTP/1.1 {status} .\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", body.len());
        connection.write_all(format!("{head}{body}").as_bytes()).ok()?;
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Call> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|length| *length > 0)?;
    let (mut length, mut headers) = (0, vec![]);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
            if name == "content-length" {
                length = value.parse().ok()?;
            }
            headers.push((name, value));
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = first.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let query = target.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
    Some(Call { method, query, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

impl Setup {
    /// With programs on this machine, which are waited for that long.
    #[must_use]
    pub fn with_bots(self, timeout_ms: u32) -> Self {
        self.with("TEAHOUSE_CALLBACKS__ALLOW_INSIDE", "127.0.0.1")
            .with("TEAHOUSE_CALLBACKS__TIMEOUT_MS", &timeout_ms.to_string())
    }
}

impl Account {
    /// Has it run by the program there.
    #[track_caller]
    pub fn run_by(&self, url: &str, mode: &str) {
        self.owner.put(&self.path("/callback"), json!({ "url": url, "mode": mode })).done();
    }

    /// Has it told by webhook there, and gives what calls are signed with.
    #[track_caller]
    #[must_use]
    pub fn notified_at(&self, url: &str) -> String {
        text_at(&self.owner.put(&self.path("/webhook"), json!({ "url": url })).done(), "secret")
    }

    /// What its program calls itself, and the secret of it, made anew.
    #[track_caller]
    #[must_use]
    pub fn app(&self) -> [String; 2] {
        let made = self.owner.post(&self.path("/app-secret"), json!({})).done();
        ["app_id", "app_secret"].map(|field| text_at(&made, field))
    }

    /// A call of its program, and what it is answered.
    #[track_caller]
    pub fn cgi(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.owner.anonymous().call(method, &format!("/cgi-bin{path}"), body, None).done()
    }

    /// A token for its program.
    #[track_caller]
    #[must_use]
    pub fn app_token(&self, [id, secret]: &[String; 2]) -> String {
        let path = format!("/token?grant_type=client_credential&appid={id}&secret={secret}");
        text_at(&self.cgi("GET", &path, None), "access_token")
    }
}
