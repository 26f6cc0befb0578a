//! Many calls at once: a node that starts, and one that is emptied.

use std::{thread, time::Duration};

use anyhow::Result;

use super::{PODS, WAVE, sandboxes};
use crate::bench::{
    call::{Sandbox, Subject},
    crowd::{self, Served},
    report::Row,
    samples::{Better, Samples},
    socket,
};

/// As many as a runtime makes at a time in a storm.
const AT_ONCE: usize = 8;
/// As many DELs as wait at a time in a wave.
const WAITING: usize = 32;
const STORMS: usize = 10;
const WAVES: usize = 10;
const ANNOUNCED: Duration = Duration::from_secs(3);

/// Storms of ADDs and of DELs, ours and the reference's in turns.
pub(super) fn storms() -> Result<Vec<Row>> {
    let subjects = [Subject::ours(), Subject::current()?];
    let mut adds = [(); 2].map(|()| Storms::default());
    let mut dels = [(); 2].map(|()| Storms::default());
    for _ in 0..STORMS {
        for (subject, (adds, dels)) in subjects.iter().zip(adds.iter_mut().zip(&mut dels)) {
            let sandboxes = sandboxes(PODS)?;
            adds.note(&crowd::serve(&sandboxes, AT_ONCE, |one| {
                subject.call("ADD", one)
            })?);
            dels.note(&crowd::serve(&sandboxes, AT_ONCE, |one| {
                subject.call("DEL", one)
            })?);
        }
    }
    let [_, peer] = &subjects;
    let mut rows = Vec::new();
    for (name, [ours, others]) in [("storm", &adds), ("storm-del", &dels)] {
        let row = |part: &str, ours: &Samples, others: &Samples| {
            Row::times(&format!("attach/{name}{part}"), ours).beside(&peer.name, others)
        };
        rows.push(row("", &ours.all, &others.all));
        rows.push(row("/each", &ours.each, &others.each));
        rows.push(row("/slowest", &ours.slowest, &others.slowest));
    }
    Ok(rows)
}

/// Waves: all attached through the plugin, so many a second; then all gone at once.
pub(super) fn waves() -> Result<Vec<Row>> {
    let (mut rates, mut gone) = (Samples::default(), Samples::default());
    let ours = Subject::ours();
    for _ in 0..WAVES {
        let sandboxes = sandboxes(WAVE)?;
        let served = crowd::serve(&sandboxes, AT_ONCE, |one| ours.call("ADD", one))?;
        let count = u32::try_from(served.each.count())?;
        rates.add(f64::from(count) / served.all.as_secs_f64());
        // A new interface is announced three times, a second apart.
        thread::sleep(ANNOUNCED);
        gone.time(detach(&sandboxes)?.all);
    }
    Ok(vec![
        Row::new("attach/sustained", "1/s", &rates, Better::Higher),
        Row::times("attach/wave-gone", &gone),
    ])
}

/// All at once, at the agent's socket.
pub(super) fn attach(sandboxes: &[Sandbox]) -> Result<Served> {
    crowd::serve(sandboxes, AT_ONCE, |one| socket::call("ADD", one))
}

/// All at once, at the agent's socket.
pub(super) fn detach(sandboxes: &[Sandbox]) -> Result<Served> {
    crowd::serve(sandboxes, WAITING, |one| socket::call("DEL", one))
}

/// Several storms.
#[derive(Default)]
struct Storms {
    all: Samples,
    each: Samples,
    slowest: Samples,
}

// === impl Storms ===

impl Storms {
    fn note(&mut self, served: &Served) {
        self.all.time(served.all);
        self.each.extend(&served.each);
        self.slowest.add(served.each.percentile(100, Better::Lower));
    }
}
