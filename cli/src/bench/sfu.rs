//! `teahouse bench sfu`: the call of a group of nine, all of whose pictures go through the server.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sfu::device::{Counted, Device, Traffic};
use tokio::{sync::Barrier, task::JoinSet};

use super::{
    Bench, Place,
    client::{Connection, post},
    figure::Figure,
    server::{self, Server},
    sockets,
    world::{self, Census, Circle, Person},
};
use crate::error::Error;

/// People in the call.
const PEOPLE: usize = 9;
/// Bytes of a picture, and the time from one to the next: 500 kbit/s.
const PICTURE_BYTES: usize = 2_500;
const EVERY: Duration = Duration::from_millis(40);
/// How long they may take to connect.
const CONNECTING: Duration = Duration::from_secs(60);
/// How long each listens after its last picture for what is missing.
const AFTER: Duration = Duration::from_secs(2);

/// Lets nine devices send pictures at a steady rate, and counts what the others get of them.
///
/// # Errors
/// When the server does not come up, or a device does not get in.
pub(super) async fn run(bench: &Bench) -> Result<(), Error> {
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let world = world::people(&settings, Census { circle: PEOPLE, ..Census::default() })?;
    let circle = world.circle.ok_or_else(|| Error::Failed("there is no group".to_owned()))?;
    let server = Server::serve(&place.data(), bench.store)?;
    // Who has no WebSocket is put out of the call after a while.
    let _listeners = sockets::listen(server.address, circle.members.iter()).await?;
    let call = call(&server, &circle).await?;
    let pictures = u32::try_from(bench.seconds * 1_000 / EVERY.as_millis() as u64).unwrap_or(u32::MAX);
    let awaited = u64::from(pictures) * (PEOPLE as u64 - 1);
    let traffic = Traffic { bytes: PICTURE_BYTES, every: EVERY, pictures, awaited, patience: AFTER };
    // All begin together, when the last has connected, and so does the measurement.
    let start = Arc::new(Barrier::new(PEOPLE + 1));
    let mut talking = JoinSet::new();
    for person in &circle.members {
        let (device, offer) = Device::offering(&[true; PEOPLE]).map_err(|error| Error::failed("a device", error))?;
        let answer = ask(&server, person, &format!("/v1/group-calls/{call}/media"), &json!({ "offer": offer })).await?;
        let answer = answer.get("answer").and_then(Value::as_str).unwrap_or_default().to_owned();
        let start = Arc::clone(&start);
        talking.spawn(async move { device.talk(&answer, traffic, &start).await });
    }
    let connected = tokio::time::timeout(CONNECTING, start.wait()).await;
    connected.map_err(|_| Error::Failed("a device does not connect".to_owned()))?;
    let (began, before) = (Instant::now(), server.process().cpu());
    tokio::time::sleep(Duration::from_secs(bench.seconds)).await;
    let (took, used) = (began.elapsed(), before.percent_until(server.process().cpu()));
    let rss_mib = server.process().resident_mib();
    let mut all = Counted::default();
    while let Some(counted) = talking.join_next().await {
        let counted = counted.map_err(|error| Error::failed("a device", error))?;
        let counted = counted.map_err(|error| Error::failed("a device", error))?;
        all.sent += counted.sent;
        all.received += counted.received;
    }
    let mut figure = Figure::new("sfu", "pictures forwarded, 9 devices, 500 kbit/s each", all.received, took);
    // What somebody sent and one of the others did not get.
    figure.errors = (all.sent * (PEOPLE as u64 - 1)).saturating_sub(all.received);
    (figure.cpu_percent, figure.rss_mib) = (Some(used), Some(rss_mib));
    figure.tell(bench.json);
    server.stop()
}

/// Has everybody come into a call of the group, and gives its id.
async fn call(server: &Server, circle: &Circle) -> Result<String, Error> {
    let Some((first, others)) = circle.members.split_first() else {
        return Err(Error::Failed("the group is empty".to_owned()));
    };
    let start = json!({ "conversation": circle.conversation, "media": "video" });
    let made = ask(server, first, "/v1/group-calls", &start).await?;
    let call = made.get("call").and_then(Value::as_str).unwrap_or_default().to_owned();
    for person in others {
        ask(server, person, &format!("/v1/group-calls/{call}/join"), &json!({})).await?;
    }
    Ok(call)
}

async fn ask(server: &Server, person: &Person, path: &str, body: &Value) -> Result<Value, Error> {
    let failed = |error: std::io::Error| Error::failed("a connection", error);
    let mut connection = Connection::open(server.address).await.map_err(failed)?;
    let request = post(path, &person.token, &body.to_string());
    let (status, answer) = connection.exchange(&request).await.map_err(failed)?;
    if !(200..300).contains(&status) {
        return Err(Error::Failed(format!("{path}: {status} {}", String::from_utf8_lossy(answer))));
    }
    serde_json::from_slice(answer).map_err(|error| Error::failed(path, error))
}
