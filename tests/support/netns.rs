//! Named network namespaces of this machine's kernel.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};

use crate::{process, progress};

/// Path that keeps a named network namespace.
pub fn path(netns: &str) -> PathBuf {
    PathBuf::from("/run/netns").join(netns)
}

/// Whether the namespace exists.
pub fn exists(netns: &str) -> bool {
    // A killed `ip netns add` may leave the file without the namespace: then nothing enters it.
    path(netns).exists() && process::succeeds(&mut process::words(&format!("ip -n {netns} link")))
}

/// Names of all namespaces that begin like this.
pub fn names(prefix: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/run/netns").into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .collect()
}

/// Several `ip` commands in one namespace, in one go.
pub fn ip(netns: &str, commands: &[String]) -> Result<()> {
    let mut ip = process::words(&format!("ip -n {netns} -batch -"));
    process::feed(&mut ip, &(commands.join("\n") + "\n")).with_context(|| commands.join("; "))
}

/// Makes a namespace.
pub fn add(netns: &str) -> Result<()> {
    process::line(&format!("ip netns add {netns}"))?;
    ip(netns, &["link set lo up".to_owned()])
}

/// Kills what runs in the namespace, and removes it.
pub fn remove(netns: &str) -> Result<()> {
    if let Ok(pids) = process::output(&mut process::words(&format!("ip netns pids {netns}"))) {
        for pid in pids.split_whitespace().filter_map(|pid| pid.parse().ok()) {
            process::kill(pid);
        }
    }
    process::line(&format!("ip netns del {netns}"))
}

/// Whether something listens on an address, seen from a namespace.
pub fn answers(netns: &str, url: &str, limit: Duration) -> bool {
    progress::wait(limit, || {
        let line = format!("nsenter --net=/run/netns/{netns} curl -ksf -m 2 -o /dev/null {url}");
        process::succeeds(&mut process::words(&line))
    })
}
