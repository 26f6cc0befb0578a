//! What must hold through every fault, seen from outside our programs: no address is in two network
//! namespaces (the kernels), and at rest nothing is held without a sandbox or a live pod (the ledger
//! and the nodes' objects against pods and kernels). [`crate::pinger`] is the third: what pods notice.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use anyhow::{Result, ensure};

use crate::{case::Case, wait};

mod books;
mod kernels;

pub use books::{Books, Line};
pub use kernels::{Live, live};

/// How long addresses may take to come back: the reuse delay of tests is 1 s, two looks of the agent's
/// sweep are 60 s apart.
const REST_SECONDS: u64 = 90;

/// Looks at the addresses of one test.
pub struct Truth<'c> {
    case: &'c Case<'c>,
}

// === impl Truth ===

impl<'c> Truth<'c> {
    /// About the addresses of one test.
    pub fn of(case: &'c Case<'c>) -> Self {
        Self { case }
    }

    /// Fails if an address of ours is in two network namespaces, those of sandboxes, of nodes and of
    /// the host on the LAN. Nodes are looked at one after the other, so what looks like a duplicate is
    /// looked at again: an address that has moved on meanwhile is in one place then.
    pub fn no_duplicates(&self) -> Result<()> {
        let first = duplicates(&self.live()?);
        if first.is_empty() {
            return Ok(());
        }
        let mut again = duplicates(&self.live()?);
        again.retain(|address, places| {
            let before = first.get(address);
            before.is_some_and(|before| before.intersection(places).count() > 1)
        });
        ensure!(again.is_empty(), "live in two namespaces: {again:#?}");
        Ok(())
    }

    /// Waits until nothing is held without reason: each address that the ledger or a node's object
    /// names is a live pod's or still in a sandbox, each address in a sandbox is held for its node,
    /// each attachment that an agent reports is there, and no release waits.
    pub fn nothing_held_at_rest(&self) -> Result<()> {
        wait::until("nothing is held at rest", REST_SECONDS, || {
            // The kernels first: what they show was held before, and what they show no longer may
            // be gone from the books.
            let live = self.live()?;
            let books = Books::read(self.case.cluster, |address| self.case.owns(address))?;
            let findings = books.findings(&live);
            ensure!(findings.is_empty(), "{findings:#?}");
            Ok(())
        })
    }

    fn live(&self) -> Result<Vec<Live>> {
        let mut live = live(self.case.cluster)?;
        live.retain(|one| self.case.owns(one.address));
        Ok(live)
    }
}

/// The places of each address that is in several network namespaces, ours among them.
fn duplicates(live: &[Live]) -> BTreeMap<IpAddr, BTreeSet<String>> {
    let mut places: BTreeMap<IpAddr, Vec<&Live>> = BTreeMap::new();
    for one in live {
        places.entry(one.address).or_default().push(one);
    }
    places.retain(|_, all| all.iter().any(|one| one.is_attachment()));
    let namespaces = |all: Vec<&Live>| all.into_iter().map(Live::namespace).collect();
    let mut named: BTreeMap<IpAddr, BTreeSet<String>> = places
        .into_iter()
        .map(|(address, all)| (address, namespaces(all)))
        .collect();
    named.retain(|_, places| places.len() > 1);
    named
}

#[cfg(test)]
mod tests;
