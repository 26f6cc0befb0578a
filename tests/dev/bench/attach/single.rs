//! One call at a time, in rounds: each round calls every subject once, in another order.

use std::{collections::BTreeMap, thread, time::Duration};

use anyhow::Result;

use super::sandboxes;
use crate::bench::{
    api::Api,
    call::{Sandbox, Subject},
    report::Row,
    rig,
    samples::{Better, Samples},
    socket,
};

/// Sandboxes are made for so many rounds at a time: no more than pods have grants.
const CHUNK: u32 = 15;
/// Between two calls: the kernel frees what the last one removed.
const PAUSE: Duration = Duration::from_millis(10);
/// Rounds without an API server.
const ALONE: u32 = 30;

/// Who is called in each round.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Ours,
    PassThrough,
    Current,
    Debian,
    Nothing,
    /// Ours, without the plugin.
    Agent,
}

const ALL: [Who; 6] = [
    Who::Ours,
    Who::Current,
    Who::PassThrough,
    Who::Debian,
    Who::Nothing,
    Who::Agent,
];

/// Times by subject, of ADD and of DEL.
type Times = BTreeMap<Who, [Samples; 2]>;

/// Measures rounds of single calls.
pub(super) fn rounds(rounds: u32, api: &Api) -> Result<Vec<Row>> {
    let mut times = Times::new();
    let before = total(api)?;
    let mut left = rounds;
    while left > 0 {
        let chunk = left.min(CHUNK);
        chunk_of(chunk, &ALL, &mut times)?;
        left = left.saturating_sub(chunk);
    }
    // The last write of a status is not on the way any more.
    thread::sleep(Duration::from_secs(1));
    let in_background = f64::from(total(api)?.saturating_sub(before));
    let mut rows = table(&times)?;
    let mut alone = Times::new();
    api.stopped(|| chunk_of(ALONE, &[Who::Ours], &mut alone))?;
    // Two ADDs a round: the plugin's and that at the socket.
    let background = in_background / f64::from(rounds) / 2.0;
    rows.push(alone_row(&alone, background));
    Ok(rows)
}

fn chunk_of(rounds: u32, who: &[Who], times: &mut Times) -> Result<()> {
    let count = usize::try_from(rounds)?.saturating_mul(who.len());
    let mut sandboxes = sandboxes(count)?.into_iter();
    rig::inside(|| {
        for round in 0..rounds {
            let mut order = who.to_vec();
            order.rotate_left(usize::try_from(round)?.rem_euclid(who.len()));
            for (who, sandbox) in order.into_iter().zip(sandboxes.by_ref()) {
                let [add, del] = times.entry(who).or_default();
                add.time(who.call("ADD", &sandbox)?);
                thread::sleep(PAUSE);
                del.time(who.call("DEL", &sandbox)?);
                thread::sleep(PAUSE);
            }
        }
        Ok(())
    })
}

fn table(times: &Times) -> Result<Vec<Row>> {
    let of = |who: Who, verb: usize| {
        let both = times.get(&who).cloned().unwrap_or_default();
        both.into_iter().nth(verb).unwrap_or_default()
    };
    let current = Subject::current()?.name;
    let (debian, nothing) = (Subject::debian().name, Subject::nothing().name);
    let mut rows = Vec::new();
    for (verb, name) in ["add", "del"].into_iter().enumerate() {
        let row =
            |part: &str, who: Who| Row::times(&format!("attach/{name}{part}"), &of(who, verb));
        rows.extend([
            row("", Who::Ours).beside(&current, &of(Who::Current, verb)),
            row("/debian", Who::Ours).beside(&debian, &of(Who::Debian, verb)),
            row("/pass-through", Who::PassThrough).beside(&nothing, &of(Who::Nothing, verb)),
            row("/agent", Who::Agent),
        ]);
    }
    Ok(rows)
}

/// Each ADD that is served while no request can be answered has made none.
fn alone_row(alone: &Times, background: f64) -> Row {
    let [add, del] = alone.get(&Who::Ours).cloned().unwrap_or_default();
    let (mut none, mut others) = (Samples::default(), Samples::default());
    (0..add.count()).for_each(|_| none.add(0.0));
    others.add(background);
    Row::new("attach/api-requests", "requests", &none, Better::Lower)
        .also("add without API server, ms", &add)
        .also("del without API server, ms", &del)
        .also("requests off the path, per pod", &others)
}

fn total(api: &Api) -> Result<u32> {
    Ok(api.requests()?.values().sum())
}

// === impl Who ===

impl Who {
    fn call(self, verb: &str, sandbox: &Sandbox) -> Result<Duration> {
        match self {
            Self::Ours => Subject::ours().call(verb, sandbox),
            Self::PassThrough => Subject::pass_through().call(verb, sandbox),
            Self::Current => Subject::current()?.call(verb, sandbox),
            Self::Debian => Subject::debian().call(verb, sandbox),
            Self::Nothing => Subject::nothing().call(verb, sandbox),
            Self::Agent => socket::call(verb, sandbox),
        }
    }
}
