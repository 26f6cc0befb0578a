//! The agent's command line; every flag can be an environment variable too.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, ValueEnum};

/// Landfall's node agent: makes the links when a pod attaches.
#[derive(Clone, Debug, Parser)]
#[command(name = "landfall-agent", version, about)]
pub struct Args {
    /// The Node that this agent serves; its LandfallNode has the same name.
    #[arg(long, env = "NODE_NAME")]
    pub node_name: String,

    /// Records and the plugin's socket; must be a tmpfs of the host, which ends with a boot.
    #[arg(long, env = "RUN_DIR", default_value = "/run/landfall")]
    pub run_dir: PathBuf,

    /// Where the runtime looks for CNI plugins.
    #[arg(long, env = "CNI_BIN_DIR", default_value = "/opt/cni/bin")]
    pub cni_bin_dir: PathBuf,

    /// Where the runtime looks for CNI configurations.
    #[arg(long, env = "CNI_CONF_DIR", default_value = "/etc/cni/net.d")]
    pub cni_conf_dir: PathBuf,

    /// The plugin's binary, to be copied into the plugin folder.
    #[arg(long, env = "PLUGIN_SOURCE", default_value = "/landfall")]
    pub plugin_source: PathBuf,

    /// The host's /proc/sys; the container's own is read-only.
    #[arg(long, env = "PROC_SYS", default_value = "/host/proc/sys")]
    pub proc_sys: PathBuf,

    /// The processes of the node: those of the container itself, with hostPID.
    #[arg(long, env = "PROC", default_value = "/proc")]
    pub proc: PathBuf,

    /// Where runtimes bind network namespaces.
    #[arg(long, env = "NETNS_DIR", default_value = "/run/netns")]
    pub netns_dir: PathBuf,

    /// The host's machine ID, as kubelet reports it.
    #[arg(long, env = "MACHINE_ID_FILE", default_value = "/etc/machine-id")]
    pub machine_id_file: PathBuf,

    /// Who calls the plugin: the runtime, last in the primary network's list, or Multus.
    #[arg(long, env = "DOOR", value_enum, default_value_t = Door::Auto, ignore_case = true)]
    pub door: Door,

    /// Where a chained plugin is named: in the network's plugin folder, which containerd reads from 2.1
    /// on, or in the list of the primary network.
    #[arg(long, env = "CHAIN", value_enum, default_value_t = Chaining::Auto, ignore_case = true)]
    pub chain: Chaining,

    /// Where the runtime's CNI library remembers what it attached.
    #[arg(long, env = "CNI_RESULTS_DIR", default_value = "/var/lib/cni/results")]
    pub cni_results_dir: PathBuf,

    /// Where to serve /metrics, /healthz and /readyz.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:9480")]
    pub listen: SocketAddr,

    /// The form of log lines.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// What to log, for example `info` or `landfall_agent=debug`.
    #[arg(long, env = "LOG", default_value = "info")]
    pub log: String,
}

/// Who calls the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Door {
    /// Delegate where Multus' file is the node's first CNI configuration, else Chained.
    #[value(name = "Auto")]
    Auto,
    /// The runtime, last in the primary network's list.
    #[value(name = "Chained")]
    Chained,
    /// Multus.
    #[value(name = "Delegate")]
    Delegate,
}

/// Where a chained plugin is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Chaining {
    /// In the plugin folder where the runtime is known to read it, else in the list.
    #[value(name = "Auto")]
    Auto,
    /// In `<CNI_CONF_DIR>/<network>/90-landfall.conf`.
    #[value(name = "Folder")]
    Folder,
    /// In the list.
    #[value(name = "List")]
    List,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_door_is_read_in_the_charts_spelling() {
        let args = Args::try_parse_from(["landfall-agent", "--node-name=n", "--door=Delegate"]);
        assert_eq!(args.unwrap().door, Door::Delegate);
    }
}
