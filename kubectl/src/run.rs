//! Wiring: flags to a question, and an answer to stdout.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use landfall_crds::client::named;
use tracing::level_filters::LevelFilter;

use crate::{
    answer::Answer,
    args::{Args, LogFormat, Output, Verb},
    snapshot::Snapshot,
    verb::{check, node, pod, pool, reclaim, restored, who_has},
};

/// The question could not be put.
const FAULT: u8 = 2;

/// Does what the command line says.
pub(crate) async fn run(args: Args) -> ExitCode {
    start_log(args.log_format);
    let answer = answer(&args).await;
    let printed = answer.and_then(|answer| print(&answer, args.output).map(|()| answer.is_good));
    match printed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::from(FAULT)
        }
    }
}

async fn answer(args: &Args) -> anyhow::Result<Answer> {
    let client = connect(args).await?;
    Ok(match &args.verb {
        Verb::Check => check::check(&Snapshot::read(&client).await?),
        Verb::WhoHas { address } => who_has::who_has(&Snapshot::read(&client).await?, *address)?,
        Verb::Pod { pod } => {
            let asked = pod::read(&client, pod).await?;
            pod::pod(&Snapshot::read(&client).await?, &asked)
        }
        Verb::Pool { network } => pool::pool(&Snapshot::read(&client).await?, network)?,
        Verb::Node { node } => node::node(&Snapshot::read(&client).await?, node)?,
        Verb::Reclaim(words) => reclaim::reclaim(&client, words).await?,
        Verb::Restored { namespace, off } => restored::say(&client, namespace, off).await?,
    })
}

/// As kubectl finds its cluster.
async fn connect(args: &Args) -> anyhow::Result<Client> {
    let options = KubeConfigOptions {
        context: args.context.clone(),
        ..KubeConfigOptions::default()
    };
    let mut config = match &args.kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).context("the kubeconfig can't be read")?;
            Config::from_custom_kubeconfig(file, &options)
                .await
                .context("the kubeconfig can't be used")?
        }
        None if args.context.is_some() => Config::from_kubeconfig(&options)
            .await
            .context("the kubeconfig can't be used")?,
        None => Config::infer().await.context(
            "found no way to the API server: neither a kubeconfig nor a service account; set KUBECONFIG",
        )?,
    };
    config.auth_info.impersonate.clone_from(&args.as_user);
    Ok(Client::try_from(named(config, "kubectl-landfall"))?)
}

fn print(answer: &Answer, output: Output) -> anyhow::Result<()> {
    let text = match output {
        Output::Text => answer.text.clone(),
        Output::Json => format!("{:#}\n", answer.json),
    };
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    written.context("stdout")
}

/// Progress is for whoever watches: without a time, unless a program reads it.
fn start_log(format: LogFormat) {
    let log = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_writer(io::stderr);
    match format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.without_time().with_target(false).init(),
    }
}
