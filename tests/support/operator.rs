//! Another operator beside those of the chart.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{cluster::Cluster, diagnosis::SYSTEM, wait};

/// Where the second one serves its metrics, on this machine.
const LISTEN: &str = "127.0.0.1:19481";

/// Its Lease, which no other one has: so it leads, beside the one that leads by the chart's.
const LEASE: &str = "landfall-second";

/// An operator on this machine that decides and writes whoever else does.
pub struct Second<'c> {
    cluster: &'c Cluster,
    child: Child,
}

impl<'c> Second<'c> {
    /// Starts it and waits until it is ready.
    pub fn start(cluster: &'c Cluster) -> Result<Self> {
        let words = ["internal", "operator", "--", "--listen", LISTEN];
        let names = ["--pod-name", "second", "--lease", LEASE];
        let mut command = cluster.command(&[&words[..], &names].concat());
        let null = Stdio::null;
        command.stdin(null()).stdout(null()).stderr(null());
        let child = command.spawn()?;
        let second = Self { cluster, child };
        wait::until("the second operator decides", 30, || {
            get("readyz").map(drop)
        })?;
        Ok(second)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) -> Result<()> {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", signal, &pid]).status()?;
        ensure!(status.success(), "kill -s {signal} {pid}: {status}");
        Ok(())
    }

    /// How many of its writes had this outcome.
    pub fn writes(&self, outcome: &str) -> Result<u64> {
        let outcome = format!("outcome=\"{outcome}\"");
        let metrics = get("metrics")?;
        let lines = metrics.lines().filter(|line| {
            let of_requests = line.starts_with("landfall_operator_requests_total{");
            of_requests && line.contains(&outcome) && !line.contains("verb=\"get\"")
        });
        let counts = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(counts.sum())
    }
}

impl Drop for Second<'_> {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().ok();
        let lease = ["delete", "lease", "-n", SYSTEM, "--ignore-not-found", LEASE];
        self.cluster.kubectl(&lease).ok();
    }
}

fn get(path: &str) -> Result<String> {
    let url = format!("http://{LISTEN}/{path}");
    let curl = Command::new("curl").args(["-sf", "-m", "5", &url]).output();
    let curl = curl.context("curl")?;
    ensure!(curl.status.success(), "{url}: {}", curl.status);
    Ok(String::from_utf8_lossy(&curl.stdout).into_owned())
}
