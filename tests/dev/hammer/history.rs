//! What happened to every address, and what must never have happened.
//!
//! Two witnesses: the runtime's side (an ADD was answered, a DEL was begun) and the kernels' side (ten
//! times a second, the addresses in each sandbox). Pure: it is told, and tells.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    net::IpAddr,
    time::Duration,
};

/// A sandbox: containers' IDs are never used twice.
pub(super) type Id = u64;
/// Addresses by sandbox, as the kernels showed them within one look.
pub(super) type Look = BTreeMap<Id, BTreeSet<IpAddr>>;

/// So many lines are kept of an address, and of what is about all of them.
const KEPT: usize = 120;
/// In so many looks in a row an attached sandbox may be without its address: the first may have begun
/// before the attachment was known.
const BLINKS: u32 = 2;

/// A contradiction to what is promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Kernels show an address in two sandboxes.
    LiveTwice(IpAddr, BTreeSet<Id>),
    /// An ADD was answered with an address that another sandbox was given before and still has.
    GivenTwice(IpAddr, [Id; 2]),
    /// An ADD was answered well, and its sandbox has not as many addresses as its pod asks for.
    Incomplete(BTreeSet<IpAddr>, Id),
    /// A sandbox between ADD and DEL has lost its address.
    Lost(IpAddr, Id),
}

/// What is known of a sandbox.
#[derive(Clone, Debug)]
struct Sandbox {
    what: String,
    /// What the ADD was answered with, until a DEL begins.
    given: BTreeSet<IpAddr>,
    /// As the last look showed.
    shown: BTreeSet<IpAddr>,
    /// Looks in a row without something that it was given.
    blinks: u32,
}

/// Everything so far.
#[derive(Debug, Default)]
pub(super) struct History {
    sandboxes: BTreeMap<Id, Sandbox>,
    lines: BTreeMap<IpAddr, VecDeque<(Duration, String)>>,
    /// Faults, and all else that concerns no single address.
    faults: VecDeque<(Duration, String)>,
    findings: Vec<Finding>,
    looks: u64,
}

// === impl Finding ===

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LiveTwice(address, ids) => write!(f, "{address} is live in sandboxes {ids:?}"),
            Self::GivenTwice(address, [first, second]) => {
                write!(
                    f,
                    "{address} is sandbox {first}'s and was given to {second}"
                )
            }
            Self::Incomplete(addresses, id) => {
                write!(
                    f,
                    "the ADD of sandbox {id} was answered with only {addresses:?}"
                )
            }
            Self::Lost(address, id) => {
                write!(f, "sandbox {id} has lost {address} between ADD and DEL")
            }
        }
    }
}

// === impl History ===

impl History {
    /// A sandbox is there, with nothing in it.
    pub(super) fn made(&mut self, id: Id, what: String) {
        let sandbox = Sandbox {
            what,
            given: BTreeSet::new(),
            shown: BTreeSet::new(),
            blinks: 0,
        };
        self.sandboxes.insert(id, sandbox);
    }

    /// Its ADD was answered; its pod asks for so many addresses.
    pub(super) fn given(
        &mut self,
        at: Duration,
        id: Id,
        addresses: &BTreeSet<IpAddr>,
        wanted: usize,
    ) {
        if addresses.len() != wanted {
            let finding = Finding::Incomplete(addresses.clone(), id);
            self.findings.push(finding);
        }
        for address in addresses {
            self.line(at, *address, id, "ADD answered");
            let mut others = self.sandboxes.iter();
            let other = others.find(|(other, it)| **other != id && it.given.contains(address));
            if let Some((other, _)) = other {
                let finding = Finding::GivenTwice(*address, [*other, id]);
                self.findings.push(finding);
            }
        }
        if let Some(sandbox) = self.sandboxes.get_mut(&id) {
            sandbox.given.clone_from(addresses);
            sandbox.blinks = 0;
        }
    }

    /// Its DEL begins, or another sandbox of its pod takes over, or it is about to go: whatever it shows
    /// now must only not be shown by another.
    pub(super) fn leaves(&mut self, at: Duration, id: Id, why: &str) {
        let Some(sandbox) = self.sandboxes.get_mut(&id) else {
            return;
        };
        let given = std::mem::take(&mut sandbox.given);
        for address in given {
            self.line(at, address, id, why);
        }
    }

    /// It is no more.
    pub(super) fn gone(&mut self, at: Duration, id: Id) {
        let shown = self.sandboxes.remove(&id).map(|sandbox| sandbox.shown);
        for address in shown.into_iter().flatten() {
            self.line(at, address, id, "the sandbox went, this address in it");
        }
    }

    /// The kernels were looked at. Returns what needs a second look at once: an address that may have
    /// moved on while the first one went round.
    pub(super) fn look(&mut self, at: Duration, look: &Look) -> BTreeSet<Id> {
        self.looks = self.looks.saturating_add(1);
        for (id, addresses) in look {
            let Some(sandbox) = self.sandboxes.get_mut(id) else {
                continue;
            };
            let before = std::mem::replace(&mut sandbox.shown, addresses.clone());
            let lost = sandbox.given.difference(addresses).next().copied();
            sandbox.blinks = lost.map_or(0, |_| sandbox.blinks.saturating_add(1));
            if let Some(lost) = lost
                && sandbox.blinks == BLINKS
            {
                self.findings.push(Finding::Lost(lost, *id));
            }
            for address in addresses.difference(&before) {
                self.line(at, *address, *id, "is in the kernel");
            }
            for address in before.difference(addresses) {
                self.line(at, *address, *id, "is in the kernel no more");
            }
        }
        twice(look).into_values().flatten().collect()
    }

    /// The second look, right after the first and in the same order: what was in a sandbox before and
    /// after it was seen in another was in both at that moment.
    pub(super) fn look_again(&mut self, first: &Look, again: &Look) {
        let again = twice(again);
        for (address, before) in twice(first) {
            let now = again.get(&address).cloned().unwrap_or_default();
            let both: BTreeSet<_> = before.intersection(&now).copied().collect();
            if both.len() > 1 {
                self.findings.push(Finding::LiveTwice(address, both));
            }
        }
    }

    /// A fault, or what else may explain a lot.
    pub(super) fn note(&mut self, at: Duration, what: String) {
        push(&mut self.faults, at, what);
    }

    /// What must not have happened.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How often the kernels were looked at.
    pub(super) fn looks(&self) -> u64 {
        self.looks
    }

    /// The last lines about an address, between the last faults.
    pub(super) fn of(&self, address: IpAddr) -> String {
        let own = self.lines.get(&address).into_iter().flatten();
        let mut lines: Vec<_> = own.chain(&self.faults).collect();
        lines.sort_by_key(|(at, _)| *at);
        let from = lines.len().saturating_sub(KEPT);
        let recent = lines.iter().skip(from);
        let told = recent.map(|(at, what)| format!("{:>9.3} {what}", at.as_secs_f64()));
        told.collect::<Vec<_>>().join("\n")
    }

    fn line(&mut self, at: Duration, address: IpAddr, id: Id, what: &str) {
        let of = self.sandboxes.get(&id).map(|sandbox| sandbox.what.as_str());
        let line = format!("{address} sandbox {id} ({}): {what}", of.unwrap_or("gone"));
        push(self.lines.entry(address).or_default(), at, line);
    }
}

fn push(lines: &mut VecDeque<(Duration, String)>, at: Duration, what: String) {
    if lines.len() == KEPT {
        lines.pop_front();
    }
    lines.push_back((at, what));
}

/// Addresses that a look shows in several sandboxes.
fn twice(look: &Look) -> BTreeMap<IpAddr, BTreeSet<Id>> {
    let mut places: BTreeMap<IpAddr, BTreeSet<Id>> = BTreeMap::new();
    for (id, addresses) in look {
        for address in addresses {
            places.entry(*address).or_default().insert(*id);
        }
    }
    places.retain(|_, ids| ids.len() > 1);
    places
}

#[cfg(test)]
mod tests;
