//! Faults of nodes and their agents.

use std::{
    sync::{PoisonError, atomic::Ordering},
    thread,
};

use anyhow::Result;
use nix::sys::signal::Signal::{SIGKILL, SIGTERM};
use serde_json::json;

use super::{At, Fault, Place};
use crate::{
    hammer::{rig, world::lock},
    stage::kube::NODES,
};

/// All of them.
pub(super) const ALL: [Fault; 13] = [
    Fault {
        name: "agent killed",
        place: Place::Node,
        strike: |at| at.over(&at.node.agent, SIGKILL),
    },
    Fault {
        name: "agent terminated",
        place: Place::Node,
        strike: |at| at.node.restart_agent(SIGTERM, || Ok(())),
    },
    Fault {
        name: "agent stopped",
        place: Place::Node,
        strike: |at| at.stopped(&[&at.node.agent]),
    },
    Fault {
        name: "agent not Ready",
        place: Place::Node,
        strike: |at| {
            at.node.tell(&at.world.kube, false)?;
            at.wait();
            at.node.tell(&at.world.kube, true)
        },
    },
    Fault {
        name: "agent killed and a record spoilt",
        place: Place::OtherNode,
        strike: |at| {
            let spoil = || at.node.spoil_record();
            at.node.restart_agent(SIGKILL, || spoil().map(drop))
        },
    },
    Fault {
        name: "agent killed and /run lost",
        place: Place::OtherNode,
        strike: |at| at.node.restart_agent(SIGKILL, || at.node.lose_run()),
    },
    Fault {
        name: "node cut off",
        place: Place::Node,
        strike: |at| at.cut(&at.node.name, || Ok(())),
    },
    Fault {
        name: "node cut off and agent killed",
        place: Place::Node,
        strike: |at| {
            let restart = || at.node.restart_agent(SIGKILL, || Ok(()));
            at.cut(&at.node.name, restart)
        },
    },
    Fault {
        name: "node rebooted",
        place: Place::Node,
        strike: |at| {
            powerless(at, || {
                at.wait();
                Ok(())
            })
        },
    },
    Fault {
        name: "node off and attested to be",
        place: Place::Node,
        strike: fenced,
    },
    Fault {
        name: "Node deleted and registered again",
        place: Place::FirstNode,
        strike: |at| {
            let path = format!("{NODES}/{}", at.node.name);
            at.world.kube.delete(&path, None)?;
            thread::sleep(at.lasts.div_f32(4.0));
            at.node.register(&at.world.kube)
        },
    },
    Fault {
        name: "Node Unknown",
        place: Place::Node,
        strike: |at| {
            ready(at, "Unknown")?;
            at.wait();
            ready(at, "True")
        },
    },
    Fault {
        name: "parent without carrier",
        place: Place::Node,
        strike: |at| {
            rig::set_lan(&at.node.name, false)?;
            at.wait();
            rig::set_lan(&at.node.name, true)
        },
    },
];

/// A power cut: agent, sandboxes and `/run` go at once, and a new boot begins.
fn powerless(at: &At<'_>, meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
    let (world, node) = (at.world, at.node);
    let _off = node.power.write().unwrap_or_else(PoisonError::into_inner);
    node.restart_agent(SIGKILL, || {
        let sandboxes: Vec<_> = lock(&world.sandboxes).values().cloned().collect();
        for sandbox in sandboxes.iter().filter(|one| one.node == node.index) {
            world.remove_sandbox(sandbox, "power cut")?;
        }
        node.lose_run()?;
        node.boot()?;
        meanwhile()
    })
}

/// A power cut that an administrator attests: what the node held is free, its pods are deleted.
fn fenced(at: &At<'_>) -> Result<()> {
    let (kube, node) = (&at.world.kube, at.node);
    let path = format!("{NODES}/{}", node.name);
    powerless(at, || {
        node.fences.fetch_add(1, Ordering::SeqCst);
        let taint = json!([{
            "key": "node.kubernetes.io/out-of-service", "value": "off", "effect": "NoExecute",
        }]);
        kube.patch(&path, &json!({"spec": {"taints": taint}}))?;
        node.tell(kube, false)?;
        at.wait();
        kube.patch(&path, &json!({"spec": {"taints": null}}))
    })?;
    node.tell(kube, true)
}

fn ready(at: &At<'_>, status: &str) -> Result<()> {
    let path = format!("{NODES}/{}/status", at.node.name);
    let conditions = json!([{"type": "Ready", "status": status}]);
    let change = json!({"status": {"conditions": conditions}});
    at.world.kube.patch(&path, &change)
}
