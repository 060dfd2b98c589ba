//! What is said to a device over its WebSocket: each thing within a limit of time, so that nobody is held up by a device
//! that takes what it is sent drop by drop.

use std::time::Duration;

use actix_ws::{CloseReason, Closed, Session};

/// The way to a device.
pub(crate) struct Line {
    sender: Session,
    /// How long the device may take to make room for one more thing.
    limit: Duration,
}

/// Why something was not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsaid {
    /// The device went away.
    Gone,
    /// The device did not make room for it in time.
    TooSlow,
}

impl Line {
    pub(crate) fn new(sender: Session, limit: Duration) -> Self {
        Self { sender, limit }
    }

    /// Sends a text message.
    pub(crate) async fn text(&mut self, text: impl Into<String>) -> Result<(), Unsaid> {
        within(self.limit, self.sender.text(text.into())).await
    }

    /// Asks whether the device is there.
    pub(crate) async fn ping(&mut self) -> Result<(), Unsaid> {
        within(self.limit, self.sender.ping(b"")).await
    }

    /// Answers a device that asks whether the server is there.
    pub(crate) async fn pong(&mut self, bytes: &[u8]) -> Result<(), Unsaid> {
        within(self.limit, self.sender.pong(bytes)).await
    }

    /// Says why the connection ends, and ends it either way.
    pub(crate) async fn close(self, reason: Option<CloseReason>) -> Result<(), Unsaid> {
        within(self.limit, self.sender.close(reason)).await
    }
}

async fn within(limit: Duration, said: impl Future<Output = Result<(), Closed>>) -> Result<(), Unsaid> {
    match tokio::time::timeout(limit, said).await {
        Ok(said) => said.map_err(|_| Unsaid::Gone),
        Err(_) => Err(Unsaid::TooSlow),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{FromRequest, HttpResponse, test::TestRequest, web};

    use super::*;

    /// A line to a device, and the answer in which what is sent waits to be read.
    async fn line() -> (Line, HttpResponse) {
        let headers = [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let request = headers.into_iter().fold(TestRequest::default(), |request, header| request.insert_header(header));
        let (request, mut payload) = request.to_http_parts();
        let body = web::Payload::from_request(&request, &mut payload).await.unwrap();
        let (answer, sender, _) = actix_ws::handle(&request, body).unwrap();
        (Line::new(sender, Duration::from_millis(20)), answer)
    }

    /// What becomes of so many messages that no queue holds them.
    async fn many(line: &mut Line) -> Result<(), Unsaid> {
        for _ in 0..1_000 {
            line.text("tea").await?;
        }
        Ok(())
    }

    #[actix_web::test]
    async fn a_device_that_makes_no_room_is_waited_for_only_so_long_whatever_is_said() {
        let (mut line, _unread) = line().await;
        let all = async {
            assert_eq!(many(&mut line).await, Err(Unsaid::TooSlow));
            assert_eq!(line.ping().await, Err(Unsaid::TooSlow));
            assert_eq!(line.pong(b"tea").await, Err(Unsaid::TooSlow));
            assert_eq!(line.close(None).await, Err(Unsaid::TooSlow));
        };
        tokio::time::timeout(Duration::from_secs(60), all).await.expect("nothing is waited for without a limit");
    }

    #[actix_web::test]
    async fn a_device_that_went_away_is_not_waited_for() {
        let (mut line, unread) = line().await;
        line.text("tea").await.unwrap();
        drop(unread);
        assert_eq!(many(&mut line).await, Err(Unsaid::Gone));
        assert_eq!(line.close(None).await, Err(Unsaid::Gone));
    }
}
