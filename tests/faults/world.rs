//! A cluster of two nodes on a LAN, without controllers and kubelets.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use landfall_tests::{
    manifest::landfall,
    stage::{
        Held,
        kube::{Kube, OURS},
    },
};
use serde_json::json;

use crate::{
    control::{self, STAGE},
    place::Namespace,
    programs,
};

const PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(50);

/// Two processors are enough for one of these.
static TURN: Mutex<()> = Mutex::new(());

/// What all nodes share. Its fields end in their order: what the stage has holds everything else.
pub(crate) struct World {
    _held: Held,
    kube: Kube,
    pub(crate) lan: Namespace,
    pub(crate) netns: Namespace,
    pub(crate) programs: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

/// Makes a cluster and runs a test in the network namespace of its control plane.
pub(crate) fn run(test: impl FnOnce(&World) -> Result<()>) -> Result<()> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    programs::control_plane()?;
    let held = STAGE.take()?;
    let programs = programs::ours(&STAGE.folder())?;
    let lan = Namespace::new("lan");
    lan.batch("link add lan type bridge\nlink set lan up\n");
    let (netns, kube) = control::start()?;
    let world = World {
        _held: held,
        kube,
        lan,
        netns,
        programs,
        _turn: turn,
    };
    world.netns.open().enter(|_| test(&world))?
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
    pub(crate) fn api(&self) -> &Kube {
        &self.kube
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
