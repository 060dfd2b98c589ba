//! Devices in calls see what is sent in their own call, and nothing else.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use commands::forwarding::{ForwardedSeat, ForwardingError, MediaForwarder};
use domain::{CallId, DeviceId};
use sfu::{
    Forwarder, SfuOptions,
    device::{Counted, Device, Traffic},
};
use tokio::sync::Barrier;

fn forwarder(options: SfuOptions) -> Forwarder {
    let listen = Some("127.0.0.1:0".parse().unwrap());
    Forwarder::start(&SfuOptions { listen, ..options }).unwrap().unwrap()
}

fn seat(call: CallId, place: usize) -> ForwardedSeat {
    ForwardedSeat { call, device: DeviceId::new(), place }
}

/// Thirty pictures of 2 KB from each, and so many of others to listen for.
fn traffic(awaited: u64, patience: Duration) -> Traffic {
    Traffic { bytes: 2_000, every: Duration::from_millis(40), pictures: 30, awaited, patience }
}

/// Lets these devices talk in calls; what each counted.
async fn talk(forwarder: &Forwarder, seats: &[(ForwardedSeat, Traffic)]) -> Vec<Counted> {
    let (mut talking, start) = (vec![], Arc::new(Barrier::new(seats.len())));
    for (seat, traffic) in seats.iter().copied() {
        let (device, offer) = Device::offering(&[true, true, true, false]).unwrap();
        let answer = forwarder.admit(seat, offer).await.unwrap();
        assert_eq!(answer.places.len(), 4);
        let start = Arc::clone(&start);
        talking.push(tokio::spawn(async move { device.talk(&answer.sdp, traffic, &start).await.unwrap() }));
    }
    let mut counted = vec![];
    for talk in talking {
        counted.push(talk.await.unwrap());
    }
    counted
}

/// Waits for something that comes about by itself.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn everybody_sees_whom_they_want_of_their_call_and_nobody_of_another() {
    let forwarder = forwarder(SfuOptions::default());
    let (one, other) = (CallId::new(), CallId::new());
    let awaits = |count| traffic(count, Duration::from_secs(30));
    // Nobody wants to see who has the last place.
    let seats = [(seat(one, 0), 60), (seat(one, 1), 60), (seat(one, 2), 60), (seat(one, 3), 90), (seat(other, 0), 0)];
    let seats = seats.map(|(seat, count)| (seat, awaits(count)));
    let counted = talk(&forwarder, &seats).await;
    assert_eq!(counted.iter().map(|counted| counted.sent).collect::<Vec<_>>(), [30; 5]);
    // Of one other alone it would be thirty at most.
    let (together, apart) = counted.split_at(4);
    assert!(together[..3].iter().all(|counted| (31..=60).contains(&counted.received)), "{counted:?}");
    assert!((61..=90).contains(&together[3].received), "{counted:?}");
    assert_eq!(apart[0].received, 0);
}

#[tokio::test]
async fn who_is_dismissed_is_forwarded_nothing_and_there_is_room_for_somebody_else() {
    let forwarder = forwarder(SfuOptions { devices_max: 2, ..SfuOptions::default() });
    let call = CallId::new();
    let seats = [seat(call, 0), seat(call, 1)];
    for seat in seats {
        let (_, offer) = Device::offering(&[true]).unwrap();
        forwarder.admit(seat, offer.clone()).await.unwrap();
        // Coming again takes no further room.
        forwarder.admit(seat, offer).await.unwrap();
    }
    let (_, offer) = Device::offering(&[true]).unwrap();
    assert_eq!(forwarder.admit(seat(call, 2), offer.clone()).await, Err(ForwardingError::Full));
    assert_eq!(forwarder.seated(), seats);
    forwarder.dismiss(call, seats[0].device);
    until("who was dismissed is gone", || forwarder.seated().len() == 1).await;
    forwarder.admit(seat(call, 2), offer).await.unwrap();
}

#[tokio::test]
async fn who_is_silent_is_forgotten_and_what_is_no_offer_is_refused() {
    let forwarder = forwarder(SfuOptions { silent_seconds: 1, ..SfuOptions::default() });
    let call = CallId::new();
    let (_, offer) = Device::offering(&[true]).unwrap();
    forwarder.admit(seat(call, 0), offer).await.unwrap();
    assert_eq!(forwarder.seated().len(), 1);
    let no_lines = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    for offer in ["", "v=0", no_lines, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"] {
        let refused = forwarder.admit(seat(call, 1), offer.to_owned()).await;
        assert!(matches!(refused, Err(ForwardingError::OfferRefused(_))), "{refused:?}");
    }
    until("who never connected is forgotten", || forwarder.seated().is_empty()).await;
}

#[tokio::test]
async fn what_is_more_than_a_device_may_send_is_dropped() {
    let forwarder = forwarder(SfuOptions { kilobits_max: 64, ..SfuOptions::default() });
    let call = CallId::new();
    let hears = traffic(30, Duration::from_secs(2));
    let counted = talk(&forwarder, &[(seat(call, 0), hears), (seat(call, 1), hears)]).await;
    for counted in counted {
        assert!(counted.received < 30, "{counted:?}: 400 kbit/s do not get through a limit of 64");
    }
}
