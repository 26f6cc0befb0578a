//! Wiring, and the clock.

use std::{
    io::IsTerminal as _,
    process::ExitCode,
    sync::{Arc, atomic::AtomicU64},
    time::Instant,
};

use anyhow::Context as _;
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use kube::{Api, Client, Config};
use landfall_crds::client::named;
use landfall_plugin::{spool, wire};
use tokio::sync::{Notify, mpsc, watch};

use crate::{
    announce,
    args::{Args, LogFormat},
    config,
    engine::{Ended, Engine, Handle, Outlets, Published},
    execute::Pool,
    gc,
    identity::Machine,
    install::{self, Installed},
    metrics::{self, Metrics},
    parents,
    records::Store,
    server::{self, Server},
    status,
};

mod machine;
mod places;

use machine::{lock, machine};
use places::{pass_on, places, roots, wanted};

/// Requests of a node come in bursts of a few dozen; each holds such a thread for less than a
/// millisecond.
const BLOCKING_THREADS: usize = 16;

#[expect(clippy::disallowed_methods, reason = "the clock")]
fn now() -> Instant {
    Instant::now()
}

fn time() -> Time {
    Time(Timestamp::now())
}

/// Runs the agent until it is told to stop.
pub fn run(args: Args) -> ExitCode {
    log(&args);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build();
    let result = runtime
        .context("cannot start the runtime")
        .and_then(|runtime| {
            let result = runtime.block_on(serve(args));
            // Threads in the kernel end with the process; nothing is lost that /run doesn't have.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn log(args: &Args) {
    let filter = tracing_subscriber::EnvFilter::new(&args.log);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match args.log_format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => builder.init(),
    }
}

/// The engine, and what others need of it.
struct Running {
    engine: Handle,
    state: watch::Receiver<Arc<Published>>,
    quorum_read: Arc<Notify>,
    ended: Ended,
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let machine = machine(&args.machine_id_file)?;
    let store = Store::open(&args.run_dir)?;
    let _lock = lock(&args.run_dir).await?;
    let running = start_engine(&args, store, machine)?;
    let (installed, install_state) = watch::channel(Installed::default());
    let (wish, wished) = watch::channel(wanted(&running.state.borrow()));
    tokio::spawn(install::keep(places(&args), wished, installed, now));
    tokio::spawn(pass_on(running.state.clone(), wish));
    start_cluster(&args, &running, machine, install_state.clone()).await?;
    start_server(&args, &running, install_state).await?;
    tokio::select! {
        error = running.ended => Err(error.context("the engine ended")?.into()),
        () = stopped() => Ok(()),
    }
}

fn start_engine(args: &Args, store: Store, machine: Machine) -> anyhow::Result<Running> {
    let (published, state) = watch::channel(Arc::new(Published::default()));
    let quorum_read = Arc::new(Notify::new());
    let (announce, announced) = mpsc::unbounded_channel();
    let outlets = Outlets {
        published,
        quorum_read: Arc::clone(&quorum_read),
        announce,
    };
    tokio::spawn(announce::run(announced, roots(args)));
    let (pool, workers) = Pool::open(&args.proc_sys, &roots(args))?;
    let (engine, ended) = Handle::new(Engine::start(store, machine, outlets)?, pool);
    workers.start(&engine)?;
    tokio::spawn(engine.clone().publish());
    // The first links are told before anybody can ask for an attach.
    parents::watch(engine.clone())?;
    Ok(Running {
        engine,
        state,
        quorum_read,
        ended,
    })
}

/// The API server's side: the own object in, its status out.
async fn start_cluster(
    args: &Args,
    running: &Running,
    machine: Machine,
    install: watch::Receiver<Installed>,
) -> anyhow::Result<()> {
    let config = Config::infer()
        .await
        .context("no Kubernetes configuration")?;
    let client = Client::try_from(named(config, "landfall-agent"))?;
    let api = || Api::all(client.clone());
    let name = || args.node_name.clone();
    let engine = || running.engine.clone();
    let asked = Arc::clone(&running.quorum_read);
    asked.notify_one();
    let (show, shown) = watch::channel(status::Shown::default());
    let objects = config::watch(api(), name(), engine(), Arc::clone(&asked), show);
    tokio::spawn(objects);
    tokio::spawn(config::read(api(), name(), engine(), asked));
    let sources = status::Sources {
        engine: running.state.clone(),
        install,
        shown,
    };
    let statuses = status::api(client.clone());
    tokio::spawn(status::publish(statuses, name(), sources, machine, time));
    Ok(())
}

/// The plugin's side, and the probes.
async fn start_server(
    args: &Args,
    running: &Running,
    installed: watch::Receiver<Installed>,
) -> anyhow::Result<()> {
    let metrics = Arc::new(Metrics::default());
    let server = Arc::new(Server {
        engine: running.engine.clone(),
        published: running.state.clone(),
        metrics: Arc::clone(&metrics),
        roots: roots(args),
        node: args.node_name.clone(),
        now,
        tokens: AtomicU64::new(1),
    });
    let sources = metrics::Sources {
        metrics,
        published: running.state.clone(),
        installed,
    };
    tokio::spawn(probes(args.listen, sources));
    tokio::spawn(gc::first_scan(Arc::clone(&server)));
    // Bound first, served last: a plugin that does not reach this socket has written its DEL down before
    // we look, and what it wrote down while nobody listened comes before the first ADD.
    let socket = args.run_dir.join(wire::SOCKET);
    let listener = server::bind(&socket).context("cannot bind the plugin's socket")?;
    server.empty_spool(&args.run_dir.join(spool::SPOOL)).await;
    gc::compare(&server).await;
    tokio::spawn(gc::rounds(Arc::clone(&server)));
    tokio::spawn(server.serve(listener));
    Ok(())
}

async fn probes(address: std::net::SocketAddr, sources: metrics::Sources) {
    if let Err(error) = metrics::serve(address, sources).await {
        tracing::error!(%error, %address, "metrics and probes are not served");
    }
}

async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};

    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
