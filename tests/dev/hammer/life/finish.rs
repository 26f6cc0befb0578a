//! How lives end.

use std::{sync::atomic::Ordering, thread};

use anyhow::Result;
use landfall_dice::Dice;
use serde_json::json;

use super::{Attached, HOLD, KILL, PATIENCE, attach, detach, end, end_pod, manner::Manner, path};
use crate::hammer::world::World;

/// Most sandboxes of a pod that is restarted, and one.
const RESTARTS: usize = 10;

/// Ends a pod in its manner.
pub(super) fn finish(
    world: &World,
    dice: &mut Dice,
    manner: Manner,
    attached: &Attached,
) -> Result<()> {
    let Attached { pod, sandbox, .. } = attached;
    let fences = world.node(pod.node)?.fences.load(Ordering::SeqCst);
    if attached.fences != fences {
        // Its node was fenced: kubelet finds no sandbox any more, and its pod is deleted.
        world.remove_sandbox(sandbox, "the sandbox goes")?;
        return end_pod(world, pod);
    }
    match manner {
        Manner::TwoSandboxes => {
            let now = world.now();
            let why = "a second sandbox takes over";
            world.history().leaves(now, sandbox.id, why);
            let second = attach(world, dice, pod, None, PATIENCE)?;
            thread::sleep(dice.millis(HOLD));
            detach(world, pod, sandbox)?;
            second.map_or_else(|| end_pod(world, pod), |second| end(world, &second))
        }
        Manner::Restarted => restarted(world, dice, attached),
        Manner::DelKilled => {
            world.kube.delete(&path(pod), None)?;
            world.del(pod, sandbox, Some(dice.millis(KILL)))?;
            end(world, attached)
        }
        Manner::Forced => {
            world.kube.delete(&path(pod), Some(0))?;
            thread::sleep(dice.millis(HOLD));
            detach(world, pod, sandbox)
        }
        Manner::NeverDetached => {
            world.remove_sandbox(sandbox, "the sandbox goes, never detached")?;
            end_pod(world, pod)
        }
        Manner::GoneBeforeDel => {
            world.remove_sandbox(sandbox, "the sandbox goes before its DEL")?;
            end(world, attached)
        }
        Manner::Finished => {
            let done = json!({"status": {"phase": "Succeeded"}});
            world.kube.patch(&format!("{}/status", path(pod)), &done)?;
            detach(world, pod, sandbox)?;
            thread::sleep(dice.millis(HOLD));
            end_pod(world, pod)
        }
        Manner::DetachedTwice => {
            end(world, attached)?;
            world.del(pod, sandbox, None).map(drop)
        }
        Manner::Ordinary
        | Manner::AddKilled
        | Manner::Twice
        | Manner::DeletedBefore
        | Manner::NeverAttached => end(world, attached),
    }
}

/// One sandbox after another, of one pod.
fn restarted(world: &World, dice: &mut Dice, attached: &Attached) -> Result<()> {
    let pod = &attached.pod;
    detach(world, pod, &attached.sandbox)?;
    let mut last: Option<Attached> = None;
    for _ in 0..dice.below(RESTARTS) {
        if let Some(last) = &last {
            detach(world, pod, &last.sandbox)?;
        }
        last = attach(world, dice, pod, None, PATIENCE)?;
    }
    last.map_or_else(|| end_pod(world, pod), |last| end(world, &last))
}
