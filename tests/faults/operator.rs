//! The operator as a process.

use std::{path::Path, process::Command};

use crate::{
    control::{SYSTEM, kubeconfig},
    place::{Folder, Namespace, Program},
};

/// Starts an operator that asks this server.
pub(crate) fn start(netns: &Namespace, folder: &Folder, programs: &Path, server: &str) -> Program {
    let mut command: Command = netns.command(programs.join("landfall-operator"));
    command.args(["--namespace", SYSTEM, "--pod-name", "operator"]);
    command.env("KUBECONFIG", kubeconfig(folder, server, "operator"));
    Program::start(command, &folder.join("operator.log"))
}
