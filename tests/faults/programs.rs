//! The programs under test, built with crash points, and those of the control plane.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::place::{Folder, run};

/// Builds our programs and puts them into a folder: a later build can't write to a program that runs.
pub(crate) fn ours(folder: &Folder) -> PathBuf {
    let words = "build --quiet --locked --package landfall-operator --package landfall-agent \
                 --package landfall-plugin --features landfall-agent/crash-points,landfall-plugin/crash-points";
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(words.split_whitespace())
        .stderr(Stdio::inherit());
    // What `cargo test` tells of its own package would have ring, and all above it, built anew.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            cargo.env_remove(&*text);
        }
    }
    run(&mut cargo);
    // target/debug/deps/faults-…
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().nth(2).unwrap();
    let programs = folder.join("programs");
    fs::create_dir_all(&programs).unwrap();
    for program in ["landfall", "landfall-agent", "landfall-operator"] {
        fs::copy(target.join(program), programs.join(program)).unwrap();
    }
    programs
}

/// etcd's folder, and that of kube-apiserver and kubectl. They are built if they are missing.
pub(crate) fn control_plane() -> [PathBuf; 2] {
    let mut dev = Command::new(env!("CARGO_BIN_EXE_dev"));
    let text = run(dev.args(["internal", "control-plane"]));
    let folders: Vec<_> = text.lines().map(PathBuf::from).collect();
    folders.try_into().unwrap()
}
