//! Which machine this is, and that no other agent works on it.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use landfall_core::id::Uid;
use nix::fcntl::{Flock, FlockArg};

use crate::identity::Machine;

/// Reads who this machine is, and in which boot.
pub(super) fn machine(file: &Path) -> anyhow::Result<Machine> {
    let id = fs::read_to_string(file)
        .with_context(|| format!("cannot read the machine ID in {}", file.display()))?;
    let id = id.trim();
    if id.is_empty() || id == "uninitialized" {
        bail!("{} has no machine ID yet", file.display());
    }
    let boot = "/proc/sys/kernel/random/boot_id";
    let boot = fs::read_to_string(boot).context("cannot read the boot ID")?;
    Ok(Machine {
        id: Uid::of(id),
        boot: Uid::of(boot.trim()),
    })
}

/// Two agents on one folder would overwrite each other's records: while one is replaced by the next,
/// the next waits here.
pub(super) async fn lock(folder: &Path) -> anyhow::Result<Flock<fs::File>> {
    let path = folder.join("lock");
    let mut waits = false;
    loop {
        let file = fs::File::create(&path).context("cannot lock the run folder")?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => {
                if !waits {
                    tracing::info!("another agent has the run folder; waiting for its end");
                    waits = true;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err((_, errno)) => bail!("cannot lock {}: {errno}", path.display()),
        }
    }
}
