//! The kernel of a machine: links, and network namespaces that end.

use std::{collections::BTreeSet, net::IpAddr};

use landfall_core::{
    agent::{Event, Key},
    id::{Name, Seq},
    mac::Mac,
};

use super::{Link, Machine, Stage};
use crate::{check::LinkChange, dice::Dice, fault::Fault, site::Site};

// === impl Machine ===

impl Machine {
    /// The kernel has a link more, or one with other addresses.
    fn link(&mut self, key: &Key, link: Link, site: &mut Site) {
        if let Some((network, addresses)) = self.links.get(key).cloned()
            && (network, &addresses) != (link.0, &link.1)
        {
            let change = LinkChange::Gone(key.clone(), network, addresses);
            site.checker
                .link_changed(&site.api, &self.name, self.id, &change);
        }
        let change = LinkChange::Made(key.clone(), link.0, link.1.clone());
        site.checker
            .link_changed(&site.api, &self.name, self.id, &change);
        self.links.insert(key.clone(), link);
    }

    /// A record is of the same addresses under other seqs: so is the link, which knows nothing of seqs.
    pub(super) fn renew(&mut self, key: &Key, addresses: BTreeSet<(IpAddr, Seq)>, site: &mut Site) {
        let Some((network, known)) = self.links.get(key) else {
            return;
        };
        let network = *network;
        let places = |of: &BTreeSet<(IpAddr, Seq)>| -> BTreeSet<IpAddr> {
            of.iter().map(|(address, _)| *address).collect()
        };
        if *known != addresses && places(known) == places(&addresses) {
            self.link(key, (network, addresses), site);
        }
    }

    pub(super) fn unlink(&mut self, key: &Key, site: &mut Site) {
        if let Some((network, addresses)) = self.links.remove(key) {
            let change = LinkChange::Gone(key.clone(), network, addresses);
            site.checker
                .link_changed(&site.api, &self.name, self.id, &change);
        }
    }

    /// The LAN has answered for one address, or nobody has. Whether one was asked for.
    fn answer_probe(&mut self, site: &mut Site, dice: &mut Dice) -> bool {
        let Some(key) = self.asked.pop_first() else {
            return false;
        };
        let stranger = Mac([2, 0, 0, 0, 0, 1]);
        let is_there = site.faults.happens(Fault::ForeignHost, dice);
        let found = is_there.then_some(stranger);
        self.tell(Event::Probed { key, found }, site, dice);
        true
    }

    /// The kernel has done, or has not, what one effect asked for. Whether there was one.
    pub fn kernel(&mut self, site: &mut Site, dice: &mut Dice) -> bool {
        if !self.asked.is_empty() && dice.one_in(2) {
            return self.answer_probe(site, dice);
        }
        let (making, removing) = (self.making.len(), self.removing.len());
        if making + removing == 0 {
            return self.answer_probe(site, dice);
        }
        let at = dice.below(making + removing);
        if at < making {
            let Some(key) = self.making.keys().nth(at).cloned() else {
                return false;
            };
            let Some(link) = self.making.remove(&key) else {
                return false;
            };
            let lives = self.sandboxes.contains_key(&key.container);
            if !lives || site.faults.happens(Fault::NotMade, dice) {
                self.unlink(&key, site);
                let event = Event::NotMade {
                    key,
                    why: "no".to_owned(),
                    may_pass: false,
                };
                self.tell(event, site, dice);
            } else {
                self.link(&key, link, site);
                self.tell(Event::Made(key), site, dice);
            }
        } else {
            let Some(key) = self.removing.iter().nth(at - making).cloned() else {
                return false;
            };
            self.removing.remove(&key);
            let lives = self.sandboxes.contains_key(&key.container);
            let left = lives && site.faults.happens(Fault::LeftToKernel, dice);
            if left || lives && site.faults.happens(Fault::NotGone, dice) {
                let why = "busy".to_owned();
                let event = Event::NotGone {
                    key,
                    why,
                    left_to_kernel: left,
                };
                self.tell(event, site, dice);
            } else {
                self.unlink(&key, site);
                self.tell(Event::Gone(key), site, dice);
            }
        }
        true
    }

    /// A sandbox is gone with its network namespace, and what is in it.
    pub(crate) fn end_namespace(&mut self, container: &Name, site: &mut Site) {
        self.sandboxes.remove(container);
        let of = |key: &&Key| key.container == *container;
        for key in self.links.keys().filter(of).cloned().collect::<Vec<_>>() {
            self.unlink(&key, site);
        }
        if self.old.len() < 8 {
            self.old.push(container.clone());
        }
    }

    /// The sweep: records whose sandbox is gone are detached, as by a DEL. Whether there was one.
    pub fn sweep(&mut self, site: &mut Site, dice: &mut Dice) -> bool {
        if !self.is_ready() {
            return false;
        }
        let is_left = |key: &&Key| {
            let sandbox = self.sandboxes.get(&key.container);
            sandbox.is_none_or(|sandbox| sandbox.stage == Stage::Ending)
                && !self.removing.contains(*key)
        };
        let left = self.disk.records.keys().find(is_left);
        let Some(container) = left.map(|key| key.container.clone()) else {
            return false;
        };
        let token = self.token();
        let event = Event::Del {
            token,
            container,
            interface: None,
        };
        self.tell(event, site, dice);
        true
    }

    /// Addresses of devices that no record explains.
    fn strangers(&self) -> BTreeSet<IpAddr> {
        let strange = self
            .links
            .iter()
            .filter(|(key, _)| !self.disk.records.contains_key(*key));
        let addresses = strange.flat_map(|(_, (_, addresses))| addresses.iter().map(|(a, _)| *a));
        addresses.collect()
    }

    /// The scan of a cold start, and again while something blocks an address. Whether one was due.
    pub fn scan(&mut self, site: &mut Site, dice: &mut Dice) -> bool {
        let first = self.volatile.cold && !self.volatile.scanned;
        if !first && (self.volatile.blocked.is_empty() || self.volatile.blocked == self.strangers())
        {
            return false;
        }
        self.tell(Event::Scanned(self.strangers()), site, dice);
        true
    }
}
