//! `landfall-operator`: networks and pods in, ledger and node objects out.

mod args;
mod claims;
mod convert;
mod definitions;
mod events;
mod grants;
mod leader;
mod metrics;
mod namespace_default;
mod network;
mod network_status;
mod nodes;
mod pods;
mod run;
#[cfg(test)]
mod samples;
mod uninstall;
mod upkeep;
mod watches;
mod world;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    run::run(clap::Parser::parse()).await
}
