//! Landfall's node agent.

use std::process::ExitCode;

use clap::Parser as _;
use landfall_agent::{Args, run};

fn main() -> ExitCode {
    run(Args::parse())
}
