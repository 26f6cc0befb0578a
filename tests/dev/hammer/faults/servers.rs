//! Faults of the control plane, and of what users say there.

use std::{thread, time::Duration};

use anyhow::Result;
use nix::sys::signal::Signal::SIGKILL;

use super::{At, Fault, Place};
use crate::{
    hammer::networks::{self, NETWORKS, PASSING},
    stage::kube::OURS,
};

/// All of them.
pub(super) const ALL: [Fault; 5] = [
    Fault {
        name: "API server killed",
        place: Place::Servers,
        strike: |at| at.over(&at.world.server, SIGKILL),
    },
    Fault {
        name: "API server stopped",
        place: Place::Servers,
        strike: |at| at.stopped(&[&at.world.server]),
    },
    Fault {
        name: "etcd killed",
        place: Place::Servers,
        strike: |at| at.over(&at.world.etcd, SIGKILL),
    },
    Fault {
        name: "etcd stopped",
        place: Place::Servers,
        strike: |at| at.stopped(&[&at.world.etcd]),
    },
    Fault {
        name: "network deleted and made again",
        place: Place::Network,
        strike: renewed,
    },
];

/// It is gone when its last pod has detached: no new one gets an address meanwhile.
fn renewed(at: &At<'_>) -> Result<()> {
    let kube = &at.world.kube;
    let list = format!("{OURS}/macvlannetworks");
    let path = format!("{list}/{PASSING}");
    kube.delete(&path, None)?;
    loop {
        match kube.ask("GET", &path, None) {
            Ok(answer) if answer.status == 404 => break,
            _ if at.world.has_failed() => return Ok(()),
            _ => thread::sleep(Duration::from_millis(200)),
        }
    }
    let mut networks = NETWORKS.iter();
    let subnets = networks.find_map(|(name, subnets)| (*name == PASSING).then_some(subnets));
    let object = networks::network(PASSING, subnets.copied().unwrap_or_default());
    kube.create(&list, &object).map(drop)
}
