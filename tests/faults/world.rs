//! A cluster of two nodes on a LAN, without controllers and kubelets.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use landfall_tests::manifest::landfall;
use serde_json::json;

use crate::{
    api::{Api, OURS},
    control::Control,
    place::{Folder, Namespace},
    programs,
};

const PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(50);

/// Two processors are enough for one of these.
static TURN: Mutex<()> = Mutex::new(());

/// What all nodes share. Its fields end in their order.
pub(crate) struct World {
    control: Control,
    pub(crate) lan: Namespace,
    pub(crate) netns: Namespace,
    pub(crate) folder: Folder,
    pub(crate) programs: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

/// Makes a cluster and runs a test in the network namespace of its control plane.
pub(crate) fn run(test: impl FnOnce(&World) -> Result<()>) -> Result<()> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let netns = Namespace::new("control");
    netns.open().enter(|_| {
        let folder = Folder::new("control");
        let lan = Namespace::new("lan");
        lan.batch("link add lan type bridge\nlink set lan up\n");
        let world = World {
            programs: programs::ours(&folder),
            control: Control::start(&netns, &folder),
            lan,
            netns,
            folder,
            _turn: turn,
        };
        test(&world)
    })?
}

/// Looks again and again until something is so; `turn` is what happens in between.
pub(crate) fn until<T>(
    what: &str,
    turn: &mut dyn FnMut(),
    mut look: impl FnMut() -> Result<T>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        match look() {
            Err(error) if start.elapsed() > PATIENCE => {
                return Err(error.context(format!("waited until {what}")));
            }
            Err(_) => {}
            Ok(seen) => return Ok(seen),
        }
        turn();
        std::thread::sleep(PAUSE);
    }
}

// === impl World ===

impl World {
    pub(crate) fn api(&self) -> &Api {
        &self.control.api
    }

    /// Makes a network with subnets of its own: 10.9.N.0/24 and fd00:9:N::/64. The LAN's host answers
    /// there on the first address.
    pub(crate) fn network(&self, name: &str, number: u8) -> Result<()> {
        self.lan.batch(&format!(
            "addr replace 10.9.{number}.1/24 dev lan\naddr replace fd00:9:{number:x}::1/64 dev lan nodad\n"
        ));
        let spec = json!({
            "namespaces": {}, "segment": name, "parents": [{"interface": "eth1"}],
            "ipam": {
                "subnets": [
                    {"cidr": format!("10.9.{number}.0/24"), "gateway": format!("10.9.{number}.1")},
                    {"cidr": format!("fd00:9:{number:x}::/64"), "gateway": format!("fd00:9:{number:x}::1")},
                ],
                "reuseDelay": {"preferred": "1s", "minimum": "1s"},
            },
        });
        let path = format!("{OURS}/macvlannetworks");
        self.api()
            .create(&path, &landfall("MacvlanNetwork", name, &spec))
            .map(drop)
    }
}

/// A UID without its dashes.
pub(crate) fn plain(uid: &str) -> String {
    uid.replace('-', "")
}
