//! `cargo dev`: a Kubernetes cluster on one machine, and everything that is tried on it.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for people: it runs programs, measures time and prints"
)]

mod apt;
mod bench;
mod cgroup;
mod cluster;
mod control_plane;
mod demo;
mod forward;
mod go;
mod hammer;
mod images;
mod init;
mod install;
mod launch;
mod layout;
mod network;
mod node;
mod pki;
mod plugin;
mod pod;
mod power;
mod runtime;
mod status;
mod test;
mod uml;

use std::{
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use landfall_tests::{process, progress, stage};

/// The developer's tool of Landfall.
#[derive(Parser)]
#[command(name = "cargo dev", bin_name = "cargo dev")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds everything, brings a cluster up, attaches pods, pings, and prints what it did
    Demo {
        /// Leave pods, networks and cluster as they are at the end
        #[arg(long, conflicts_with = "standalone")]
        keep: bool,
        /// One host without Kubernetes: the plugin alone, three sandboxes, macvlan, ipvlan and a VLAN
        #[arg(long)]
        standalone: bool,
    },
    /// Brings the cluster up; prints the path of its kubeconfig last
    Up {
        /// Nodes made of namespaces
        #[arg(long, default_value_t = 2)]
        nodes: u8,
        /// Nodes with a kernel of their own (default: 2, or 0 where the kernel has ipvlan)
        #[arg(long)]
        uml_nodes: Option<u8>,
    },
    /// Removes the cluster
    Down,
    /// Shows what is up
    Status {
        /// `json` for programs
        #[arg(short, long)]
        output: Option<Format>,
    },
    /// Builds our programs and images, loads them on every node and installs the chart
    Install,
    /// Removes the chart
    Uninstall,
    /// Runs tiers of tests (default: all)
    Test { tiers: Vec<test::Tier> },
    /// Measures how fast we are, beside others, on this machine
    Bench(bench::Options),
    /// Attaches, detaches and fails, with real parts, and looks for duplicates and leaks
    Hammer(hammer::Options),
    /// kubectl with this cluster's kubeconfig
    #[command(disable_help_flag = true)]
    Kubectl {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// helm with this cluster's kubeconfig
    #[command(disable_help_flag = true)]
    Helm {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Runs a command inside a node, or switches its power
    Node {
        /// node1, uml1, …; `lan` is the host on the LAN, `control` the control plane
        name: String,
        /// What to do with its power
        #[arg(conflicts_with = "command", required_unless_present = "command")]
        power: Option<power::Power>,
        /// What to run
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Runs a command of this machine in a pod's network namespace
    Pod {
        /// NAMESPACE/NAME
        pod: String,
        /// What to run
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    #[command(hide = true, subcommand)]
    Internal(Internal),
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
}

/// What daemons are started with.
#[derive(Subcommand)]
enum Internal {
    Launch {
        folder: PathBuf,
        netns: String,
    },
    Init {
        spec: PathBuf,
    },
    Forward,
    /// The host of `demo --standalone`
    Standalone {
        folder: PathBuf,
    },
    /// A test's executable, on a kernel that has what this machine's lacks: what `cargo test` runs it with
    OnUml {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Inside a UML node: its command service
    UmlServe,
    /// The operator on this machine, as another one beside those of the chart: never ends by itself
    Operator {
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Builds the reference CNI plugins, cnitool and containerd if they are missing, and prints their folders
    Plugins,
    /// Builds etcd and the API server if they are missing, and prints their folders
    ControlPlane,
    /// Outside: a command for that service
    UmlExec {
        name: String,
        #[arg(last = true)]
        command: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<u8> {
    match task {
        Task::Up { nodes, uml_nodes } => {
            cluster::up(nodes, uml_nodes)?;
            println!("{}", layout::kubeconfig().display());
        }
        Task::Demo {
            standalone: true, ..
        } => return Ok(u8::from(!demo::standalone::run()?)),
        Task::Demo { keep, .. } => return Ok(u8::from(!demo::run(keep)?)),
        Task::Down => cluster::down()?,
        Task::Status { output } => status::print(output.is_some())?,
        Task::Install => install::install()?,
        Task::Uninstall => install::uninstall()?,
        Task::Test { tiers } => return Ok(u8::from(!test::run(&tiers))),
        Task::Bench(options) => bench::run(&options)?,
        Task::Hammer(options) => hammer::run(&options)?,
        Task::Kubectl { words } => return with_cluster(&mut plugin::kubectl(&words)?),
        Task::Helm { words } => return with_cluster(cluster::helm().args(words)),
        Task::Node {
            name,
            power: Some(power),
            ..
        } => power::switch(&name, power)?,
        Task::Node { name, command, .. } => return with_cluster(&mut enter(&name, &command)?),
        Task::Pod { pod, command } => return with_cluster(&mut pod::command(&pod, &command)?),
        Task::Internal(Internal::Launch { folder, netns }) => launch::launch(&folder, &netns)?,
        Task::Internal(Internal::Init { spec }) => init::run(&spec)?,
        Task::Internal(Internal::Forward) => forward::run()?,
        Task::Internal(Internal::Operator { arguments }) => {
            return Err(install::operator(&arguments)?.exec().into());
        }
        Task::Internal(Internal::Plugins) => {
            go::build_plugins()?;
            println!("{}", layout::plugins()?.display());
            println!("{}", layout::cnitool()?.display());
            println!("{}", layout::containerd()?.display());
        }
        Task::Internal(Internal::ControlPlane) => {
            go::build_control_plane()?;
            println!("{}", layout::etcd()?.display());
            println!("{}", layout::kubernetes()?.display());
        }
        Task::Internal(Internal::Standalone { folder }) => demo::standalone::scene(&folder)?,
        Task::Internal(Internal::OnUml { words }) => return test::on_uml(&words),
        Task::Internal(Internal::UmlServe) => uml::serve()?,
        Task::Internal(Internal::UmlExec { name, command }) => return uml::exec(&name, &command),
    }
    Ok(0)
}

/// Runs in place of this program: its stdin, stdout, stderr and exit code.
fn with_cluster(command: &mut Command) -> Result<u8> {
    cluster::need_up()?;
    Ok(process::code(process::attached(command)?))
}

/// A command inside a node, the control plane or the LAN host.
fn enter(name: &str, words: &[String]) -> Result<Command> {
    cluster::need_up()?;
    match name {
        status::LAN => {
            let mut nsenter = Command::new("nsenter");
            nsenter
                .arg(format!("--net=/run/netns/{}", layout::NETNS_LAN))
                .arg("--")
                .args(words);
            Ok(nsenter)
        }
        "control" => control_plane::machine().command(words),
        name => node::command(&known(name)?, words),
    }
}

/// A node of this cluster.
fn known(name: &str) -> Result<layout::Node> {
    let nodes = node::all();
    let names: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
    let error = format!(
        "no node is called {name}: there are {}, lan and control",
        names.join(", ")
    );
    nodes
        .into_iter()
        .find(|node| node.name == name)
        .context(error)
}
