//! `teahouse serve`: the server.

use std::{
    io::{self, IsTerminal},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use api::{ApiOptions, App, ice::IceServers};
use projections::runtime::State;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use crate::{
    demo,
    error::{Ending, Error},
    house::House,
    outside::Outside,
    secret,
    settings::Settings,
    stickers,
    tasks::Tasks,
    timers,
};

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
    tracing::info!(data = %settings.data.display(), position = %house.log.last_position(), "opened");
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
    // What hears others goes on until the last request is answered: none is decided without it.
    let (mut hearing, mut tasks) = (Tasks::default(), Tasks::default());
    if house.log.is_shared() {
        hearing.start("hearing others", house.commands.clone().hear_others());
    }
    stickers::publish_sample_pack(&house.commands).await?;
    let community = if with_demo { Some(demo::settle(&house.commands).await?) } else { None };
    timers::start(&mut tasks, house, settings);
    let rates = settings.api.rates.for_one_of(settings.cluster.nodes);
    let turn_secret = secret::of_turn(settings.turn_secret.as_ref(), &settings.turn_secret_file)?;
    let ice = IceServers::new(settings.ice.clone(), turn_secret.as_deref())
        .map_err(|error| Error::failed("the settings `ice`", error))?;
    let token = settings.operator_token.as_ref().map(|token| token.reveal());
    let app = App::new(
        house.commands.clone(),
        house.read_models.clone(),
        house.log.clone(),
        house.hub.clone(),
        token,
        ice,
        ApiOptions { rates, ..settings.api.clone() },
    );
    let app = Arc::new(app);
    tasks.start("notices", api::notices::push_notices(app.clone()));
    tasks.start("broadcasts", api::broadcasting::push_broadcasts(app.clone()));
    let mut running = api::start(app).map_err(|error| not_listening(settings, &error))?;
    tracing::info!(address = %running.address, operator = token.is_some(), "ready");
    greet(&running.address.to_string(), community.as_ref());
    let stopped = tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(()),
        _ = terminate.recv() => Ok(()),
        error = tasks.ended() => Err(error),
        error = hearing.ended() => Err(error),
        ended = &mut running.ended => return match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::failed("the server", error)),
            Err(error) => Err(Error::failed("the server", error)),
        },
    };
    tasks.stop();
    match &stopped {
        Ok(()) => tracing::info!("stopping"),
        Err(error) => tracing::error!(%error, "stopping, to be started again"),
    }
    let limit = Duration::from_secs(settings.api.stop_seconds) + FAREWELL;
    if timeout(limit, running.stop()).await.is_err() {
        tracing::warn!("connections were still open at the end of the time for stopping");
    }
    stopped
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
