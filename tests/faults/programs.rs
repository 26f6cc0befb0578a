//! The programs under test, built with crash points, and those of the control plane.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use landfall_tests::process;

/// Builds our programs and puts them into a folder: a later build can't write to a program that runs.
pub(crate) fn ours(folder: &Path) -> Result<PathBuf> {
    let line = "build --quiet --locked --package landfall-operator --package landfall-agent \
                --package landfall-plugin --features landfall-agent/crash-points,landfall-plugin/crash-points";
    process::visible(&mut process::cargo(line))?;
    // target/debug/deps/faults-…
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).context("no target folder")?;
    let programs = folder.join("programs");
    fs::create_dir_all(&programs)?;
    for program in ["landfall", "landfall-agent", "landfall-operator"] {
        fs::copy(target.join(program), programs.join(program))?;
    }
    Ok(programs)
}

/// Builds etcd, kube-apiserver and kubectl if they are missing.
pub(crate) fn control_plane() -> Result<()> {
    let mut dev = Command::new(env!("CARGO_BIN_EXE_dev"));
    process::visible(dev.args(["internal", "control-plane"]))
}
