//! `teahouse serve`: the server.

use std::{
    io::{self, IsTerminal},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use api::{App, ice::IceServers};
use commands::Commands;
use domain::hold::Settler;
use projections::runtime::State;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::timeout,
};

use crate::{
    answering, demo,
    error::{Ending, Error},
    house::House,
    outside::Outside,
    secret,
    settings::Settings,
    stickers,
};

/// How often it is looked up what has waited too long.
const EXPIRIES_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked up what is to be done about money.
const MONEY_EVERY: Duration = Duration::from_secs(2);
/// How often it is looked up what is to be done about calls.
const CALLS_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked up which media nothing names.
const MEDIA_EVERY: Duration = Duration::from_secs(60);
/// Time for ending connections, beyond what requests under way are given.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often it is looked whether the read models have caught up.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Serves until told to stop.
///
/// # Errors
/// Whatever keeps it from starting, or ended it.
pub(crate) fn serve(settings: &Settings, with_demo: bool) -> Result<Ending, Error> {
    use_small_pages();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::failed("the runtime", error))?;
    // Before anything is made on disk. Whoever takes the address in between is noticed again when it is listened on.
    TcpListener::bind(settings.api.listen).map_err(|error| not_listening(settings, &error))?;
    let mut settings = settings.clone();
    let _outside = if with_demo { Some(Outside::start(&mut settings)?) } else { None };
    let settings = &settings;
    let house = House::open(settings)?;
    tracing::info!(data = %settings.data.display(), position = %eventlog::EventLog::last_position(&*house.log), "opened");
    let served = runtime.block_on(run(&house, settings, with_demo));
    // Tasks hold parts of the house; they end before its doors are closed.
    runtime.shutdown_timeout(FAREWELL);
    house.close();
    tracing::info!("stopped");
    served.map(|()| Ending::Well)
}

fn not_listening(settings: &Settings, error: &io::Error) -> Error {
    Error::unavailable(format!("listening on {}", settings.api.listen), error)
}

/// Asks for memory in small pages. A connection's buffers are mostly untouched, and on huge pages even the untouched part
/// is resident: 23 KiB for an idle WebSocket instead of 16. Where it can't be asked for, memory is what is lost.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages stay");
    }
}

/// Waits for the read models, which after a crash have to take in what they had not written: the sample community asks
/// them whether it is there.
async fn caught_up(house: &House) {
    while house.read_models.status().iter().any(|model| model.state == State::CatchingUp) {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn run(house: &House, settings: &Settings, with_demo: bool) -> Result<(), Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| Error::failed("signals", error))?;
    if with_demo {
        tokio::select! {
            () = caught_up(house) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        }
    }
    stickers::publish_sample_pack(&house.commands).await?;
    let community = if with_demo { Some(demo::settle(&house.commands).await?) } else { None };
    let expiries = tokio::spawn(end_what_waited(house.commands.clone(), house.clock_moved.subscribe()));
    let money = tokio::spawn(move_money(house.commands.clone(), house.clock_moved.subscribe()));
    let answers = tokio::spawn(answering::answer_followers(house.commands.clone(), house.to_answer.clone()));
    let calls = tokio::spawn(look_after_calls(house.commands.clone(), house.clock_moved.subscribe()));
    let settle = |settler| tokio::spawn(settle_money(settler, house.commands.clone(), house.clock_moved.subscribe()));
    let settlements = Settler::ALL.map(settle);
    let turn_secret = secret::of_turn(settings.turn_secret.as_ref(), &settings.turn_secret_file)?;
    let ice = IceServers::new(settings.ice.clone(), turn_secret.as_deref())
        .map_err(|error| Error::failed("the settings `ice`", error))?;
    let media = tokio::spawn(discard_unnamed(house.commands.clone(), house.clock_moved.subscribe()));
    let token = settings.operator_token.as_ref().map(|token| token.reveal());
    let app = App::new(
        house.commands.clone(),
        house.read_models.clone(),
        house.log.clone(),
        house.hub.clone(),
        token,
        ice,
        settings.api.clone(),
    );
    let app = Arc::new(app);
    let notices = tokio::spawn(api::notices::push_notices(app.clone()));
    let mut running = api::start(app).map_err(|error| not_listening(settings, &error))?;
    tracing::info!(address = %running.address, operator = token.is_some(), "ready");
    greet(&running.address.to_string(), community.as_ref());
    let ended = tokio::select! {
        _ = tokio::signal::ctrl_c() => None,
        _ = terminate.recv() => None,
        ended = &mut running.ended => Some(ended),
    };
    expiries.abort();
    money.abort();
    calls.abort();
    notices.abort();
    answers.abort();
    media.abort();
    settlements.iter().for_each(tokio::task::JoinHandle::abort);
    match ended {
        None => {
            tracing::info!("stopping");
            let limit = Duration::from_secs(settings.api.stop_seconds) + FAREWELL;
            if timeout(limit, running.stop()).await.is_err() {
                tracing::warn!("connections were still open at the end of the time for stopping");
            }
            Ok(())
        }
        Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => Err(Error::failed("the server", error)),
        Some(Err(error)) => Err(Error::failed("the server", error)),
    }
}

/// Ends what waited too long: at the start, again and again, and whenever the clock was moved.
async fn end_what_waited(commands: Arc<Commands>, mut clock_moved: watch::Receiver<()>) {
    let mut beat = tokio::time::interval(EXPIRIES_EVERY);
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            Ok(()) = clock_moved.changed() => {}
        }
        match commands.run_expiries().await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "what waited too long was ended"),
            Err(error) => tracing::warn!(%error, "what waited too long was not ended; trying again"),
        }
    }
}

/// Discards media that nothing names: as [`end_what_waited`].
async fn discard_unnamed(commands: Arc<Commands>, mut clock_moved: watch::Receiver<()>) {
    let mut beat = tokio::time::interval(MEDIA_EVERY);
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            Ok(()) = clock_moved.changed() => {}
        }
        match commands.discard_unnamed().await {
            Ok(done) if done.media + done.blobs == 0 => {}
            Ok(done) => {
                tracing::info!(media = done.media, blobs = done.blobs, "media that nothing names were discarded")
            }
            Err(error) => tracing::warn!(%error, "media that nothing names were not discarded; trying again"),
        }
    }
}

/// Lets fall due and shows what is to be done about money: as [`end_what_waited`].
async fn move_money(commands: Arc<Commands>, mut clock_moved: watch::Receiver<()>) {
    let mut beat = tokio::time::interval(MONEY_EVERY);
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            Ok(()) = clock_moved.changed() => {}
        }
        if let Err(error) = commands.run_money().await {
            tracing::warn!(%error, "what is to be done about money was not done; trying again");
        }
    }
}

/// Ends calls whose time is over and shows those that have ended: as [`end_what_waited`].
async fn look_after_calls(commands: Arc<Commands>, mut clock_moved: watch::Receiver<()>) {
    let mut beat = tokio::time::interval(CALLS_EVERY);
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            Ok(()) = clock_moved.changed() => {}
        }
        if let Err(error) = commands.run_calls().await {
            tracing::warn!(%error, "what is to be done about calls was not done; trying again");
        }
        if let Err(error) = commands.run_group_calls().await {
            tracing::warn!(%error, "what is to be done about groups' calls was not done; trying again");
        }
    }
}

/// Asks somebody about what they have not settled: as [`end_what_waited`]. Each in a task of its own, so that silence of one
/// does not hold up the others.
async fn settle_money(settler: Settler, commands: Arc<Commands>, mut clock_moved: watch::Receiver<()>) {
    let mut beat = tokio::time::interval(MONEY_EVERY);
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            Ok(()) = clock_moved.changed() => {}
        }
        if let Err(error) = commands.run_settlements(settler).await {
            tracing::warn!(%error, ?settler, "nobody was asked about what is not settled; trying again");
        }
    }
}

/// A few words for whoever started the server by hand.
fn greet(address: &str, community: Option<&demo::Community>) {
    if let Some(community) = community {
        eprintln!("\n{community}");
    }
    if io::stderr().is_terminal() {
        eprintln!("\nThe teahouse is open: http://{address}  (its API is explained at http://{address}/docs)\n");
    }
}
