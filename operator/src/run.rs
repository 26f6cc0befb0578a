//! Wiring: flags to tasks. The clock lives here.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use kube::{Client, Config};
use landfall_core::ledger::Millis;
use landfall_crds::client::named;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tracing_subscriber::EnvFilter;

use crate::{
    args::{Args, LogFormat, Task},
    claims::ClaimUpkeep,
    events,
    grants::{Auditor, Backoff, Lane, Ledger, Shell, Unattached},
    leader::{Candidate, Clocks, End, Leadership, Times, gated},
    metrics::{self, Metrics},
    network::Upkeep,
    network_status::NetworkStatuses,
    pods::AgentPods,
    uninstall,
    watches::Watches,
    world::World,
};

/// Changes that wait for the deciding task; beyond, the watches wait.
const QUEUE: usize = 4096;

/// Does what the command line says.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    start_log(args.log_format, &args.log_level)?;
    let config = Config::infer()
        .await
        .context("found no way to the API server: neither a service account nor a kubeconfig")?;
    let client = Client::try_from(named(config, "landfall-operator"))?;
    match args.task.clone() {
        Some(Task::Uninstall { wait }) => {
            uninstall::uninstall(client, Duration::from_secs(wait)).await
        }
        None => serve(args, client).await,
    }
}

/// Runs the operator until it is told to end.
async fn serve(args: Args, client: Client) -> anyhow::Result<()> {
    let mut end = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let metrics = Arc::new(Metrics::new(monotonic));
    let leadership = Leadership::new(monotonic);
    let mut tasks = JoinSet::new();
    tasks.spawn(metrics::serve::serve(args.listen, Arc::clone(&metrics)).await?);
    let candidate = Candidate::new(
        client.clone(),
        (&args.namespace, &args.lease),
        args.pod_name.as_deref(),
        Times::of(Duration::from_secs(args.lease_seconds.into())),
        (leadership.clone(), Arc::clone(&metrics)),
        Clocks { monotonic, wall },
    );
    start(
        args,
        &gated(client, &leadership),
        leadership,
        metrics,
        &mut tasks,
    );
    let (resign, resigned) = oneshot::channel();
    let mut election = tokio::spawn(candidate.run(resigned));
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        "landfall-operator runs"
    );
    tokio::select! {
        _ = end.recv() => {}
        _ = interrupt.recv() => {}
        ended = tasks.join_next() => {
            ended.transpose().context("a task failed")?;
            anyhow::bail!("a task ended that never should");
        }
        ended = &mut election => {
            match ended.context("the election failed")? {
                End::Restored => anyhow::bail!(
                    "etcd was restored from a backup while this operator ran, which is announced: it ends, \
                     to start anew"
                ),
                End::Told => anyhow::bail!("the election ended, which it never should"),
            }
        }
    }
    // What was sent is finished; whatever else was under way, the next operator decides anew.
    tracing::info!("told to end");
    resign.send(()).ok();
    election.await.context("the election failed")?;
    tasks.shutdown().await;
    Ok(())
}

/// Starts all that watches, decides and writes. The client writes only while this operator leads.
fn start(
    args: Args,
    client: &Client,
    leadership: Leadership,
    metrics: Arc<Metrics>,
    tasks: &mut JoinSet<()>,
) {
    let namespace = args.namespace;
    tokio::spawn(uninstall::take_back(client.clone(), leadership.clone()));
    let (events, telling) = events::start(client.clone(), args.pod_name, Arc::clone(&metrics));
    tasks.spawn(telling);
    let (upkeep, keeping) = Upkeep::start(client.clone(), Arc::clone(&metrics));
    tasks.spawn(keeping);
    let (claim_upkeep, keeping) = ClaimUpkeep::start(client.clone());
    tasks.spawn(keeping);
    let (network_statuses, showing) = NetworkStatuses::start(client.clone(), args.door);
    tasks.spawn(showing);
    let (to, changes) = mpsc::channel(QUEUE);
    let agents = AgentPods {
        namespace: namespace.clone(),
        labels: args.agent_labels.into_iter().collect(),
    };
    Watches::new(client.clone(), Arc::clone(&metrics), to).start(agents, tasks);
    let mut world = World::new(namespace.clone());
    world.door = args.door;
    let shell = Shell {
        ledger: Ledger::new(client.clone(), &namespace),
        world,
        leadership,
        led: false,
        events,
        upkeep,
        claim_upkeep,
        claims_read: None,
        network_statuses,
        metrics,
        clock: wall,
        backoff: Backoff::default(),
        auditor: Auditor::default(),
        unattached: Unattached::default(),
        lane: Lane::default(),
        next: 0,
    };
    tasks.spawn(shell.run(changes));
}

fn start_log(format: LogFormat, level: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(level)
        .with_context(|| format!("{level:?} is no log level (--log-level)"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.init(),
    }
    Ok(())
}

/// Milliseconds since 1970, by the machine's clock at the start and what has passed since: it never
/// goes back, or whatever was planned would wait until it is there again. Only rests between two uses
/// of an address depend on the date.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everything else is given"
)]
fn wall() -> Millis {
    static START: OnceLock<(Duration, Duration)> = OnceLock::new();
    let (date, at) = START.get_or_init(|| {
        let date = SystemTime::now().duration_since(UNIX_EPOCH);
        (date.unwrap_or_default(), monotonic())
    });
    let since = date.saturating_add(monotonic().saturating_sub(*at));
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// The time since the start.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everything else is given"
)]
fn monotonic() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
