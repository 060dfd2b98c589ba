//! One device's WebSocket: what it is pushed, and the little it may say.
//!
//! The server sends text messages, each a JSON object with a `type`:
//! - `hello` `{position}`: connected; everything after that position will be pushed.
//! - `entries` `{entries: [...]}`: what happened, in the order of the log; the same shape as in `GET /v1/sync`.
//! - `moments-notice` `{notice}`: the same shape as in `GET /v1/moments/notices`.
//! - `signal` `{call, from, user, seq, signal}`: what another device of a call says.
//! - `typing` `{conversation, user}`; `pong`; `error` `{code, detail}`.
//!
//! The device may send `ping`; `ack` `{position}`: it has everything up to there; `typing` `{conversation}`, in direct
//! conversations; `signal` `{call, to, seq, signal}`, to another device of a call.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, get, http::header, web};
use actix_ws::{CloseCode, CloseReason, Message, MessageStream};
use commands::CommandError;
use domain::ConversationId;
use eventlog::Position;
use futures::StreamExt;
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior};
use utoipa::IntoParams;

use crate::{
    App,
    hub::{Connection, Cut, Frame},
    line::{Line, Unsaid},
    problem::{Code, Problem, Refusals},
    query::Query,
    request::bearer,
    signals::{SIGNAL_BYTES, Signal},
};

/// Longest message that a device may send, in bytes, but for signals.
const MESSAGE_BYTES: usize = 4 * 1024;
/// Most bytes of entries in one message to a device; more go in the next.
const BATCH_BYTES: usize = 64 * 1024;
/// How many entries are read at a time while a device catches up.
const PAGE: usize = 200;
/// The shortest time between two "typing" of one device.
const TYPING_EVERY: Duration = Duration::from_secs(1);

/// Where a device was.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConnectQuery {
    /// The last position that the device has. With it, what was missed is sent first. Without it, the server goes on
    /// from the device's last `ack`, if it remembers one, and else from now.
    after: Option<u64>,
}

/// Connect a device's WebSocket. The token comes in the `Authorization` header or, for browsers, as a second
/// subprotocol `bearer.TOKEN` after `teahouse`.
#[utoipa::path(tag = "sync", params(ConnectQuery), security(("token" = [])),
    responses((status = 101, description = "The connection is a WebSocket now."), Refusals))]
#[get("/v1/ws")]
pub(crate) async fn connect(
    request: HttpRequest,
    query: Query<ConnectQuery>,
    app: web::Data<App>,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let token = bearer(&request).map(str::to_owned).or_else(|| subprotocol_token(&request));
    let token = token.ok_or(CommandError::NotLoggedIn)?;
    let session = app.commands.authenticate(&token).await?;
    app.limits.query(&session.user)?;
    // Until the read model is live nothing is pushed, and what happened meanwhile would be missed.
    app.read_models.chat.now()?;
    let handled = actix_ws::handle_with_protocols(&request, body, &["teahouse"]);
    let (response, sender, stream) = handled.map_err(|error| Problem::new(Code::NotAWebsocket, error.to_string()))?;
    let connection = app.hub.connect(session, app.read_models.chat.position());
    // A device that is logged out from here on is told so by the hub; one that was before then learns it here.
    if let Err(error) = app.commands.authenticate(&token).await {
        app.hub.disconnect(&connection);
        return Err(error.into());
    }
    let after = query.after.map(Position).or_else(|| app.hub.acknowledged(session.device));
    let idle = Duration::from_secs(app.options.socket_idle_seconds.max(2));
    let (line, seen, heard) = (Line::new(sender, idle), Position::START, Instant::now());
    let socket = Socket { app: app.into_inner(), connection, line, idle, seen, heard, typed: None };
    actix_web::rt::spawn(socket.run(stream.max_frame_size(SIGNAL_BYTES), after));
    Ok(response)
}

/// The token among the subprotocols that a browser offers.
fn subprotocol_token(request: &HttpRequest) -> Option<String> {
    let offered = request.headers().get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    offered.split(',').find_map(|protocol| protocol.trim().strip_prefix("bearer.").map(str::to_owned))
}

/// What a device may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    Ping,
    Ack { position: u64 },
    Typing { conversation: ConversationId },
    Signal(Signal),
}

/// Why a socket ends.
enum End {
    /// The device went away.
    Gone,
    /// The server ends it.
    Cut(Cut),
    /// The device broke the protocol.
    Protocol(&'static str),
}

impl From<Cut> for End {
    fn from(cut: Cut) -> Self {
        Self::Cut(cut)
    }
}

impl From<Unsaid> for End {
    fn from(unsaid: Unsaid) -> Self {
        match unsaid {
            Unsaid::Gone => Self::Gone,
            Unsaid::TooSlow => Cut::TooSlow.into(),
        }
    }
}

struct Socket {
    app: Arc<App>,
    connection: Arc<Connection>,
    line: Line,
    /// For how long the device may show no sign of life.
    idle: Duration,
    /// What the device had seen when it connected, of another node perhaps that was ahead of this one.
    seen: Position,
    /// When the device last said anything.
    heard: Instant,
    typed: Option<Instant>,
}

impl Socket {
    async fn run(mut self, mut stream: MessageStream, after: Option<Position>) {
        let end = match self.serve(&mut stream, after).await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        self.app.hub.disconnect(&self.connection);
        let reason = match end {
            End::Gone => None,
            End::Cut(cut) => Some((CloseCode::Other(cut.code()), cut.reason())),
            End::Protocol(reason) => Some((CloseCode::Policy, reason)),
        };
        let reason = reason.map(|(code, text)| CloseReason { code, description: Some(text.to_owned()) });
        // The device may be gone already, or take nothing, and then there is nobody to tell.
        let _ = self.line.close(reason).await;
    }

    async fn serve(
        &mut self,
        stream: &mut MessageStream,
        after: Option<Position>,
    ) -> Result<std::convert::Infallible, End> {
        let since = self.connection.since;
        self.line.text(format!(r#"{{"type":"hello","position":{since}}}"#)).await?;
        if let Some(after) = after {
            // It has a position of another log, or of one that was restored from a backup.
            if self.app.check_not_ahead(after).await.is_err() {
                return Err(Cut::Ahead.into());
            }
            self.seen = after;
            self.catch_up(after).await?;
        }
        let mut beat = tokio::time::interval(self.idle / 2);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.connection.wake.notified() => self.push().await?,
                said = stream.next() => match said {
                    Some(Ok(message)) => self.hear(message).await?,
                    Some(Err(_)) => return Err(End::Protocol("not a message that this server takes")),
                    None => return Err(End::Gone),
                },
                _ = beat.tick() => {
                    if self.heard.elapsed() > self.idle {
                        return Err(End::Gone);
                    }
                    self.line.ping().await?;
                }
            }
        }
    }

    /// Sends what the device missed before it connected; what came since waits in the queue.
    async fn catch_up(&mut self, mut after: Position) -> Result<(), End> {
        let (user, since) = (self.connection.session.user, self.connection.since);
        // What was pushed to others already may not be in the read model yet.
        let limit = Duration::from_millis(self.app.options.read_wait_ms);
        let Ok(view) = self.app.read_models.chat.at_least(since, limit).await else { return Err(Cut::TooSlow.into()) };
        while after < since {
            let Ok(page) = view.sync(user, after, PAGE) else { return Err(Cut::TooSlow.into()) };
            let frames = page.entries.iter().filter(|entry| entry.position <= since.0).filter_map(|entry| {
                let json = serde_json::to_vec(entry).ok()?;
                Some(Frame::Entry(entry.position, json.into()))
            });
            let frames = frames.collect();
            self.send(frames).await?;
            after = Position(page.next);
            if !page.more {
                break;
            }
        }
        Ok(())
    }

    async fn push(&mut self) -> Result<(), End> {
        let frames = self.connection.take()?;
        self.send(frames).await
    }

    /// Sends frames, as many as fit in one message at a time.
    async fn send(&mut self, frames: VecDeque<Frame>) -> Result<(), End> {
        let mut batch = String::new();
        for frame in frames {
            match frame {
                Frame::Passing(json) => {
                    self.flush(&mut batch).await?;
                    self.line.text(String::from_utf8_lossy(&json).into_owned()).await?;
                }
                Frame::Entry(position, _) if position <= self.seen.0 => {}
                Frame::Entry(_, json) => {
                    batch.push_str(if batch.is_empty() { r#"{"type":"entries","entries":["# } else { "," });
                    batch.push_str(&String::from_utf8_lossy(&json));
                    if batch.len() > BATCH_BYTES {
                        self.flush(&mut batch).await?;
                    }
                }
            }
        }
        self.flush(&mut batch).await
    }

    async fn flush(&mut self, batch: &mut String) -> Result<(), End> {
        if batch.is_empty() {
            return Ok(());
        }
        batch.push_str("]}");
        Ok(self.line.text(std::mem::take(batch)).await?)
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        self.heard = Instant::now();
        match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(Said::Signal(signal)) => {
                    if let Some(refused) = signal.relay(&self.app, &self.connection.session).await {
                        self.line.text(refused).await?;
                    }
                    Ok(())
                }
                _ if text.len() > MESSAGE_BYTES => Err(End::Protocol("a message of more than 4 KiB")),
                Ok(said) => self.answer(said).await,
                Err(_) => {
                    Ok(self.line.text(r#"{"type":"error","code":"unknown-message","detail":"not understood"}"#).await?)
                }
            },
            Message::Ping(bytes) => Ok(self.line.pong(&bytes).await?),
            Message::Pong(_) | Message::Nop => Ok(()),
            Message::Close(_) => Err(End::Gone),
            Message::Binary(_) | Message::Continuation(_) => Err(End::Protocol("only whole text messages are taken")),
        }
    }

    async fn answer(&mut self, said: Said) -> Result<(), End> {
        match said {
            // Passed on as it came.
            Said::Signal(_) => Ok(()),
            Said::Ping => Ok(self.line.text(r#"{"type":"pong"}"#).await?),
            Said::Ack { position } => {
                // Nobody has what has not happened yet.
                let position = Position(position).min(self.app.log.last_position());
                self.app.hub.acknowledge(self.connection.session.device, position);
                Ok(())
            }
            Said::Typing { conversation } => {
                let now = Instant::now();
                if self.typed.is_some_and(|typed| now - typed < TYPING_EVERY) {
                    return Ok(());
                }
                self.typed = Some(now);
                let from = self.connection.session.user;
                // Who may not write to somebody does not show that they type, and is not told why.
                if let Ok(Some(peer)) = self.app.commands.reachable_peer(from, conversation).await {
                    self.app.hub.typing(peer, from, conversation);
                }
                Ok(())
            }
        }
    }
}
