//! `standalone`: our plugin in place of the reference, one call at a time, without an agent. In rounds:
//! each round calls every subject once, in another order.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::Result;

use super::{
    agent::Pod,
    call::{Sandbox, Subject},
    report::Row,
    rig::{self, Rig},
    samples::Samples,
};
use crate::{apt, go, install, layout, progress};

/// Sandboxes are made for so many rounds at a time.
const CHUNK: u32 = 15;
/// Between two calls: the kernel frees what the last one removed.
const PAUSE: Duration = Duration::from_millis(10);

/// Whose times they are, of ADD and of DEL.
type Times = Vec<[Samples; 2]>;

/// Measures all of it.
pub(super) fn measure(rounds: u32, programs: Option<&Path>) -> Result<Vec<Row>> {
    apt::install()?;
    go::build_plugins()?;
    let programs = match programs {
        Some(programs) => programs.to_owned(),
        None => install::build()?.join("agent"),
    };
    let _rig = progress::step("making a node, a LAN and a folder", None, Rig::build)?;
    let ours = drop_in(&programs)?;
    let mut rows = Vec::new();
    for (stack, dual) in [("v4", false), ("dual", true)] {
        let subjects = subjects(&ours, dual)?;
        let what = format!("{rounds} rounds of single calls, {stack}");
        let times = progress::step(&what, None, || measured(rounds, &subjects))?;
        rows.extend(table(stack, &subjects, &times));
    }
    Ok(rows)
}

/// A folder with our program under the reference's name, and the reference's IPAM beside it.
fn drop_in(programs: &Path) -> Result<PathBuf> {
    let folder = rig::folder().join("drop-in");
    fs::create_dir_all(&folder)?;
    fs::copy(programs.join("landfall"), folder.join("macvlan"))?;
    symlink(
        layout::plugins()?.join("host-local"),
        folder.join("host-local"),
    )?;
    Ok(folder)
}

/// Ours with its own IPAM, ours with host-local, and the references.
fn subjects(ours: &Path, dual: bool) -> Result<[Subject; 4]> {
    let subject =
        |name: &str, folder: &Path, ipam: &str| Subject::standalone(name, folder, ipam, dual);
    Ok([
        subject("ours", ours, "landfall"),
        subject("ours + host-local", ours, "host-local"),
        subject(layout::version::PLUGINS, &layout::plugins()?, "host-local"),
        subject("Debian", Path::new("/usr/lib/cni"), "host-local"),
    ])
}

fn measured(rounds: u32, subjects: &[Subject]) -> Result<Times> {
    let mut times: Times = subjects.iter().map(|_| Default::default()).collect();
    let mut left = rounds;
    while left > 0 {
        let chunk = left.min(CHUNK);
        rounds_of(chunk, subjects, &mut times)?;
        left = left.saturating_sub(chunk);
    }
    Ok(times)
}

fn rounds_of(rounds: u32, subjects: &[Subject], times: &mut Times) -> Result<()> {
    let count = usize::try_from(rounds)?.saturating_mul(subjects.len());
    let sandboxes = rig::sandboxes(count)?;
    let mut sandboxes = sandboxes.iter().map(|netns| Sandbox::new(netns, Pod(0)));
    rig::inside(|| {
        for round in 0..rounds {
            let mut order: Vec<_> = subjects.iter().zip(times.iter_mut()).collect();
            let turn = usize::try_from(round)?.rem_euclid(order.len().max(1));
            order.rotate_left(turn);
            for ((subject, [add, del]), sandbox) in order.into_iter().zip(sandboxes.by_ref()) {
                add.time(subject.call("ADD", &sandbox)?);
                thread::sleep(PAUSE);
                del.time(subject.call("DEL", &sandbox)?);
                thread::sleep(PAUSE);
            }
        }
        Ok(())
    })
}

fn table(stack: &str, subjects: &[Subject], times: &Times) -> Vec<Row> {
    let mut rows = Vec::new();
    for (verb, name) in ["add", "del"].into_iter().enumerate() {
        let of = |who: usize| {
            let both = times.get(who).and_then(|both| both.get(verb));
            both.cloned().unwrap_or_default()
        };
        // Ours with the IPAM that is asked for, beside who has that.
        for (part, ours, peer) in [("", 0, 2), ("/host-local", 1, 2), ("/debian", 0, 3)] {
            let row = Row::times(&format!("standalone/{stack}/{name}{part}"), &of(ours));
            let peer_name = subjects.get(peer).map(|subject| subject.name.as_str());
            rows.push(row.beside(peer_name.unwrap_or_default(), &of(peer)));
        }
    }
    rows
}
