//! Who waits for which grant, and who has which address: one look at all nodes at once.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Result, bail};
use landfall_core::id::Uid;
use tokio::sync::oneshot;

/// A grant as its node first saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// What was granted.
    pub(crate) address: IpAddr,
    /// When the node saw it, since the start.
    pub(crate) at: Duration,
}

/// All grants and all attachments.
#[derive(Debug, Default)]
pub(crate) struct Grants(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    waiting: BTreeMap<Uid, oneshot::Sender<Grant>>,
    attached: BTreeMap<IpAddr, Uid>,
}

// === impl Grants ===

impl Grants {
    /// Told once a node sees the grant of this pod. To be asked for before the pod is bound.
    pub(crate) fn expect(&self, owner: Uid) -> oneshot::Receiver<Grant> {
        let (to, from) = oneshot::channel();
        self.books().waiting.insert(owner, to);
        from
    }

    /// A node sees a grant.
    pub(crate) fn seen(&self, owner: Uid, grant: Grant) {
        if let Some(to) = self.books().waiting.remove(&owner) {
            // A pod whose player has given up.
            to.send(grant).ok();
        }
    }

    /// A pod uses an address from now on.
    pub(crate) fn attach(&self, address: IpAddr, owner: Uid) -> Result<()> {
        if let Some(other) = self.books().attached.insert(address, owner) {
            bail!("duplicate: pods {other} and {owner} have {address} at once");
        }
        Ok(())
    }

    /// It does no more.
    pub(crate) fn detach(&self, address: IpAddr) {
        self.books().attached.remove(&address);
    }

    /// How many addresses are in use.
    pub(crate) fn attached(&self) -> usize {
        self.books().attached.len()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    #[test]
    fn an_address_that_two_pods_use_is_a_duplicate() {
        let grants = Grants::default();
        grants.attach(ADDRESS, Uid(1)).unwrap();
        let error = grants.attach(ADDRESS, Uid(2)).unwrap_err().to_string();
        assert!(error.contains("10.0.0.1"), "{error}");
        let grants = Grants::default();
        grants.attach(ADDRESS, Uid(1)).unwrap();
        grants.detach(ADDRESS);
        grants.attach(ADDRESS, Uid(2)).unwrap();
    }

    #[test]
    fn a_grant_reaches_the_pod_that_it_is_for() {
        let grants = Grants::default();
        let [mut one, mut two] = [1, 2].map(|uid| grants.expect(Uid(uid)));
        let grant = Grant {
            address: ADDRESS,
            at: Duration::from_secs(1),
        };
        grants.seen(Uid(2), grant);
        assert_eq!(two.try_recv().ok(), Some(grant));
        assert!(one.try_recv().is_err());
    }
}
