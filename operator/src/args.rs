//! Flags. Each may be set by an environment variable too.

use std::net::SocketAddr;

use clap::{Parser, Subcommand, ValueEnum};
use landfall_crds::keys::LEASE;

/// Landfall's operator: grants addresses to pods and tells each node what to serve.
#[derive(Clone, Debug, Parser)]
#[command(name = "landfall-operator", version, about)]
pub(crate) struct Args {
    /// The operator's own namespace: the agents' pods and the ConfigMap `landfall-ledger` are here.
    #[arg(long, env = "POD_NAMESPACE", default_value = "landfall-system")]
    pub(crate) namespace: String,

    /// Labels of the agents' pods, as `key=value` joined by commas.
    #[arg(
        long,
        env = "AGENT_LABELS",
        default_value = "app.kubernetes.io/name=landfall,app.kubernetes.io/component=agent",
        value_delimiter = ',',
        value_parser = label
    )]
    pub(crate) agent_labels: Vec<(String, String)>,

    /// The door through which pods reach their networks. In Delegate, Multus alone writes the pods'
    /// network status.
    #[arg(
        long,
        env = "DOOR",
        value_enum,
        ignore_case = true,
        default_value = "auto"
    )]
    pub(crate) door: Door,

    /// Name of this instance in Events and, with something random, in the Lease.
    #[arg(long, env = "POD_NAME")]
    pub(crate) pod_name: Option<String>,

    /// The Lease, in the operator's own namespace, whose holder decides and writes.
    #[arg(long, env = "LEASE", default_value = LEASE)]
    pub(crate) lease: String,

    /// For how many seconds an operator leads after it has renewed its Lease. If it dies without a word,
    /// the next one begins after that time. More is of use only where the API server often takes longer
    /// than half of it to answer.
    #[arg(long, env = "LEASE_SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=60))]
    pub(crate) lease_seconds: u32,

    /// Where /metrics, /healthz and /readyz are served.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:9481")]
    pub(crate) listen: SocketAddr,

    /// How log lines look.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,

    /// What is logged: a level, or directives such as `info,landfall_operator=debug`.
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    pub(crate) log_level: String,

    /// What to do instead of serving.
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
}

/// What to do instead of serving.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Task {
    /// Has every agent take the plugin out of its node's CNI configuration, and waits for them;
    /// fails, and names the nodes, if one that is up has not done so in time
    Uninstall {
        /// How many seconds to wait.
        #[arg(long, env = "UNINSTALL_WAIT", default_value_t = 60)]
        wait: u64,
    },
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// The door through which pods reach their networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Door {
    /// Delegate where Multus' file is a node's first CNI configuration, else Chained.
    Auto,
    /// The plugin runs last in the primary network's list.
    Chained,
    /// Multus calls the plugin.
    Delegate,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("expected key=value, got {text:?}"))?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests;
