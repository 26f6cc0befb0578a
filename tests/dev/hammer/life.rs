//! A pod's life, in one of many manners, as user, kubelet and runtime make it.

mod finish;
mod manner;

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use landfall_dice::Dice;
use serde_json::json;

use manner::Manner;

use super::{networks::PASSING, plugin::Pod, sandbox::Sandbox, world::World};
use crate::stage::{kube::PODS, objects};

/// A pod that gets no address for so long is given up: its pool may be empty, its node away.
const PATIENCE: Duration = Duration::from_secs(15);
/// Of a DEL: kubelet would never give up.
const DEL_PATIENCE: Duration = Duration::from_secs(150);
/// Most of the pause before a runtime tries again; kubelet's is longer.
const PAUSE: usize = 800;
/// The longest that a pod is attached, in milliseconds.
const HOLD: usize = 1_200;
/// An ADD takes about two milliseconds.
const KILL: usize = 4;

/// A pod that is attached.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) pod: Pod,
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) addresses: BTreeSet<IpAddr>,
    /// Its node's, when it came.
    fences: u64,
    /// Its agent's losses of records then.
    pub(super) losses: u64,
}

/// One life after another, until it is over. Returns a pod that lives on then.
pub(super) fn lives(world: &World, mut dice: Dice) -> Result<Option<Attached>> {
    while !world.is_over() {
        if let Some(kept) = life(world, &mut dice)? {
            return Ok(Some(kept));
        }
    }
    Ok(None)
}

fn life(world: &World, dice: &mut Dice) -> Result<Option<Attached>> {
    let node = dice.below(world.nodes.len());
    let asks = manner::asks(dice);
    let mut manner = Manner::any(dice);
    // A network that is deleted waits for the last of its pods.
    let is_passing = asks == PASSING;
    if manner == Manner::NeverDetached && (is_passing || !world.may_leak()) {
        manner = Manner::Ordinary;
    }
    world.count(&format!("life {manner:?}"));
    let pod = create(world, node, asks)?;
    if manner == Manner::NeverAttached {
        thread::sleep(dice.millis(100));
        return end_pod(world, &pod).map(|()| None);
    }
    if manner == Manner::DeletedBefore {
        return too_late(world, &pod).map(|()| None);
    }
    let killed = (manner == Manner::AddKilled).then(|| dice.millis(KILL));
    let attached = world.timed("pod attached", || {
        attach(world, dice, &pod, killed, PATIENCE)
    })?;
    let Some(mut attached) = attached else {
        world.count("pods given up: no address in 15 s");
        end_pod(world, &pod)?;
        return Ok(None);
    };
    if manner == Manner::Twice {
        again(world, &mut attached)?;
    }
    thread::sleep(dice.millis(HOLD));
    if world.is_over() && !is_passing {
        return Ok(Some(attached));
    }
    finish::finish(world, dice, manner, &attached)?;
    Ok(None)
}

/// The pod is deleted before the runtime asks: until the agent has seen the recall it may attach.
fn too_late(world: &World, pod: &Pod) -> Result<()> {
    world.kube.delete(&path(pod), None)?;
    let sandbox = world.make_sandbox(pod)?;
    world.add(pod, &sandbox, None)?;
    detach(world, pod, &sandbox)?;
    end_pod(world, pod)
}

/// A new pod, bound to a node.
pub(super) fn create(world: &World, node: usize, asks: &str) -> Result<Pod> {
    let name = format!("pod-{}", world.number());
    let annotations = json!({"landfall.dev/networks": asks});
    let object = objects::pod(&name, &world.node(node)?.name, &annotations);
    let uid = world.timed("pod created", || world.kube.create(PODS, &object))?;
    world.count("pods");
    Ok(Pod {
        name,
        uid,
        networks: asks.to_owned(),
        node,
    })
}

/// A new sandbox for each attempt, and a DEL after each failure, as runtimes do.
pub(super) fn attach(
    world: &World,
    dice: &mut Dice,
    pod: &Pod,
    mut killed: Option<Duration>,
    patience: Duration,
) -> Result<Option<Attached>> {
    let node = world.node(pod.node)?;
    let fences = node.fences.load(Ordering::SeqCst);
    let losses = || node.losses.load(Ordering::SeqCst);
    let start = Instant::now();
    while start.elapsed() < patience && fences == node.fences.load(Ordering::SeqCst) {
        let sandbox = world.make_sandbox(pod)?;
        let before = losses();
        if let Some(addresses) = world.add(pod, &sandbox, killed.take())? {
            return Ok(Some(Attached {
                pod: pod.clone(),
                sandbox,
                addresses,
                fences,
                losses: before,
            }));
        }
        detach(world, pod, &sandbox)?;
        if world.has_failed() {
            break;
        }
        thread::sleep(dice.millis(PAUSE));
    }
    Ok(None)
}

/// DEL until it is answered, then the sandbox goes.
pub(super) fn detach(world: &World, pod: &Pod, sandbox: &Sandbox) -> Result<()> {
    let start = Instant::now();
    while !world.del(pod, sandbox, None)? {
        if start.elapsed() > DEL_PATIENCE {
            bail!(
                "no DEL of sandbox {} of {} was answered",
                sandbox.id,
                pod.name
            );
        }
        thread::sleep(Duration::from_millis(300));
    }
    world.remove_sandbox(sandbox, "the sandbox goes")
}

/// Deleted by a user, and gone once its kubelet is done.
fn end_pod(world: &World, pod: &Pod) -> Result<()> {
    world.kube.delete(&path(pod), None)?;
    world.kube.delete(&path(pod), Some(0))
}

/// The ordinary end of a pod that is attached.
pub(super) fn end(world: &World, attached: &Attached) -> Result<()> {
    let Attached { pod, sandbox, .. } = attached;
    world.timed("pod deleted", || world.kube.delete(&path(pod), None))?;
    detach(world, pod, sandbox)?;
    world.timed("pod removed", || world.kube.delete(&path(pod), Some(0)))
}

/// The runtime asks twice at once for the same, and then once more: that answer counts.
fn again(world: &World, attached: &mut Attached) -> Result<()> {
    let Attached { pod, sandbox, .. } = attached;
    thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| world.add_unheard(pod, sandbox)));
        both.into_iter().try_for_each(|one| match one.join() {
            Ok(result) => result,
            Err(_) => bail!("a panic"),
        })
    })?;
    if let Some(addresses) = world.add(pod, sandbox, None)? {
        attached.addresses = addresses;
    }
    Ok(())
}

fn path(pod: &Pod) -> String {
    format!("{PODS}/{}", pod.name)
}
