//! `kubectl landfall`: what the ledger says, for people, and the one thing that only people can say:
//! that a machine is off.

use std::process::ExitCode;

mod answer;
mod args;
mod holding;
mod run;
#[cfg(test)]
mod samples;
mod snapshot;
mod table;
mod unreadable;
mod verb;

#[tokio::main]
async fn main() -> ExitCode {
    run::run(clap::Parser::parse()).await
}
