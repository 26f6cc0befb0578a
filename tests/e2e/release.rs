//! The release itself comes and goes under pods that run.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    diagnosis::SYSTEM,
    fault, kernel, ledger,
    node::sh,
    tree::tree,
    wait::until,
};

use crate::cluster;

/// The release as it is installed, to be installed the same way again; also after a failure.
struct Release {
    values: PathBuf,
    in_place: AtomicBool,
}

// === impl Release ===

impl Release {
    fn installed() -> Result<Self> {
        let values = std::env::temp_dir().join(format!("lf-values-{}.json", std::process::id()));
        let words = [
            "helm", "get", "values", "landfall", "-n", SYSTEM, "-o", "json",
        ];
        fs::write(&values, cluster().output(&words)?)?;
        Ok(Self {
            values,
            in_place: true.into(),
        })
    }

    /// Installs or upgrades, with more settings.
    fn install(&self, more: &[&str]) -> Result<()> {
        let chart = tree("charts/landfall").display().to_string();
        let values = self.values.display().to_string();
        let words = [
            "helm",
            "upgrade",
            "--install",
            "landfall",
            &chart,
            "-n",
            SYSTEM,
        ];
        let flags = [
            "--take-ownership",
            "--wait",
            "--timeout",
            "3m",
            "-f",
            &values,
        ];
        self.in_place.store(false, Ordering::Relaxed);
        cluster().output(&[&words[..], &flags, more].concat())?;
        self.in_place.store(more.is_empty(), Ordering::Relaxed);
        Ok(())
    }

    fn uninstall(&self) -> Result<()> {
        self.in_place.store(false, Ordering::Relaxed);
        let words = ["helm", "uninstall", "landfall", "-n", SYSTEM, "--wait"];
        cluster().output(&words).map(drop)
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        if !self.in_place.load(Ordering::Relaxed)
            && let Err(error) = self.install(&[])
        {
            eprintln!("the release is not back: cargo dev install: {error:#}");
        }
        fs::remove_file(&self.values).ok();
    }
}

#[test]
fn an_upgrade_under_running_pods_loses_no_ping_and_pods_start_meanwhile() -> Result<()> {
    case::alone(cluster(), "upgrade", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        case.pod("one", &nodes[0], &network)?;
        case.pod("two", &nodes[1], &network)?;
        case.ready(&["one", "two"])?;
        let before = interfaces(case)?;
        let release = Release::installed()?;
        let pings = fault::through(case, ["one", "two"], || {
            let other = [
                "--set-string=operator.podAnnotations.lf-test=upgraded",
                "--set-string=agent.podAnnotations.lf-test=upgraded",
            ];
            thread::scope(|scope| {
                let upgrade = scope.spawn(|| release.install(&other));
                for number in 0..6 {
                    let node = &nodes[number % 2];
                    case.pod(&format!("meanwhile-{number}"), node, &network)?;
                    thread::sleep(Duration::from_secs(2));
                }
                upgrade.join().ok().context("the upgrade panicked")?
            })?;
            let names: Vec<_> = (0..6).map(|number| format!("meanwhile-{number}")).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            case.ready(&names)?;
            // And back, as a rollback is an upgrade too.
            release.install(&[])
        })?;
        pings.none_lost()?;
        let after = interfaces(case)?;
        ensure!(before == after, "{before:?} became {after:?}");
        Ok(())
    })
}

fn interfaces(case: &Case<'_>) -> Result<Vec<kernel::Interface>> {
    let one = |pod: &&str| kernel::one(cluster(), &case.namespace, pod, "net1");
    ["one", "two"].iter().map(one).collect()
}

#[test]
fn uninstalled_under_running_pods_all_terminate_and_a_reinstallation_takes_up_what_lives()
-> Result<()> {
    case::alone(cluster(), "uninstall", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        for (name, node) in [("one", 0), ("two", 1), ("ends", 0), ("ends-too", 1)] {
            case.pod(name, &nodes[node], &network)?;
        }
        case.ready(&["one", "two", "ends", "ends-too"])?;
        let before = interfaces(case)?;
        let release = Release::installed()?;
        let pings = fault::through(case, ["one", "two"], || {
            release.uninstall()?;
            is_out_of_every_node()?;
            case.delete_pod("ends")?;
            case.delete_pod("ends-too")?;
            case.pod("plain", &nodes[0], "")?;
            case.pod("plain-two", &nodes[1], "")?;
            case.ready(&["plain", "plain-two"])?;
            // Nobody is there to give back what the two had.
            let held = ledger::held(cluster(), &case.namespace)?;
            ensure!(held.len() == 8, "{held:?}");
            release.install(&[])?;
            case.pod("three", &nodes[0], &network)?;
            case.pod("four", &nodes[1], &network)?;
            case.ready(&["three", "four"])
        })?;
        pings.none_lost()?;
        let after = interfaces(case)?;
        ensure!(before == after, "{before:?} became {after:?}");
        let held = ledger::held(cluster(), &case.namespace)?;
        ensure!(held.len() == 8, "four pods: {held:?}");
        // What was attached before the uninstallation is detached after it.
        case.delete_pod("one")?;
        case.delete_pod("two")?;
        until("all is given back", 60, || {
            let held = ledger::held(cluster(), &case.namespace)?;
            ensure!(held.len() == 4, "{held:?}");
            Ok(())
        })
    })
}

/// No configuration of a node names the plugin.
fn is_out_of_every_node() -> Result<()> {
    for node in cluster().status()?.nodes {
        let script = "grep -rl landfall /etc/cni/net.d || :";
        let named = sh(cluster(), &node.name, script, &[])?;
        ensure!(named.is_empty(), "{}: {named}", node.name);
    }
    Ok(())
}
