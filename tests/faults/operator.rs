//! The operator as a process.

use landfall_tests::stage::objects::SYSTEM;

use crate::{
    control::{STAGE, access},
    place::Program,
    world::World,
};

/// Starts an operator that asks this server.
pub(crate) fn start(world: &World, server: &str) -> Program {
    let mut command = world
        .netns
        .command(world.programs.join("landfall-operator"));
    command.args(["--namespace", SYSTEM, "--pod-name", "operator"]);
    command.env("KUBECONFIG", access(&STAGE.folder(), server, "operator"));
    Program::start(command, &STAGE.log("operator"))
}
