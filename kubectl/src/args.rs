//! Flags. Each may be set by an environment variable too.

use std::{net::IpAddr, path::PathBuf};

use clap::{Parser, Subcommand, ValueEnum};

/// Looks into Landfall's ledger: which pod has which address, and whether all is consistent.
///
/// Exit code: 0 the answer is yes, or all is well; 1 the answer is no, or something is wrong with the
/// cluster's state; 2 the question could not be put, or was not understood.
#[derive(Clone, Debug, Parser)]
#[command(name = "kubectl-landfall", bin_name = "kubectl landfall", version)]
pub(crate) struct Args {
    /// The kubeconfig file. Else the files that KUBECONFIG names, ~/.kube/config, or the pod's own
    /// ServiceAccount.
    #[arg(long, global = true, env = "LANDFALL_KUBECONFIG")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The context in the kubeconfig. Else its current one.
    #[arg(long, global = true, env = "LANDFALL_CONTEXT")]
    pub(crate) context: Option<String>,

    /// The user to ask as, for whom one must have the right to speak.
    #[arg(long = "as", global = true, env = "LANDFALL_AS")]
    pub(crate) as_user: Option<String>,

    /// How the answer is printed.
    #[arg(
        short,
        long,
        global = true,
        env = "LANDFALL_OUTPUT",
        value_enum,
        default_value = "text"
    )]
    pub(crate) output: Output,

    /// How progress and faults are printed, on stderr.
    #[arg(
        long,
        global = true,
        env = "LOG_FORMAT",
        value_enum,
        default_value = "text"
    )]
    pub(crate) log_format: LogFormat,

    /// What is asked.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What is asked.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Verb {
    /// Whether ledger, nodes and attachments contradict each other; exit code 1 if they do
    Check,
    /// Who holds an address, in every segment; exit code 1 if nobody does
    WhoHas {
        /// The address.
        address: IpAddr,
    },
    /// What a pod has been granted, and what not; exit code 1 if it has less than it asks for
    Pod {
        /// The pod, as NAMESPACE/NAME; NAME alone is in namespace `default`.
        #[arg(value_name = "NAMESPACE/NAME")]
        pod: String,
    },
    /// The addresses of a network: how many are free, and who holds the others
    Pool {
        /// The network.
        network: String,
    },
    /// What a node holds
    Node {
        /// The node.
        node: String,
    },
    /// Frees the addresses of a node whose machine is off for good
    ///
    /// Says to the operator that the machine is off, waits until it has freed what the node held, and
    /// fails if the kubelet of the node reports. Whatever the machine still does on the LAN, others may
    /// do under the same addresses from now on.
    Reclaim(Reclaim),
    /// Says that etcd was restored from a backup: before any node reaches the API server again, and
    /// before the operator starts
    Restored {
        /// The operator's namespace.
        #[arg(
            short,
            long,
            env = "LANDFALL_NAMESPACE",
            default_value = "landfall-system"
        )]
        namespace: String,
        /// Nodes that are off, if the backup says so too (the taint out-of-service).
        #[arg(long, env = "LANDFALL_OFF", value_delimiter = ',', value_name = "NODE")]
        off: Vec<String>,
    },
}

/// The words of `reclaim`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Reclaim {
    /// The node.
    pub(crate) node: String,

    /// The machine has no power, and gets none until this command has ended.
    #[arg(long)]
    pub(crate) i_confirm_it_is_off: bool,

    /// The UID of an earlier Node of this name, if that is the one whose addresses are still held.
    #[arg(long, env = "LANDFALL_UID")]
    pub(crate) uid: Option<String>,

    /// How many seconds to wait for the operator.
    #[arg(long, env = "LANDFALL_TIMEOUT", default_value_t = 120)]
    pub(crate) timeout: u64,
}

/// How the answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// One JSON object.
    Json,
    /// For people.
    Text,
}

/// How progress and faults are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}
