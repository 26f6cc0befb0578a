//! The LAN is asked: for addresses that were granted and are not in use yet, and for their gateways.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use landfall_core::{
    agent::Event,
    id::{Seq, Uid},
};
use landfall_crds::node::ServedNetwork;
use landfall_link::Parent as HostLink;

use super::Engine;
use crate::{
    execute::{Found, Job, ProbeJob, Probed, Wanted},
    records::StoreError,
};

/// What is being asked, and what was said.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// What the input that is being taken wants to be asked, by network.
    new: BTreeMap<Uid, Vec<(IpAddr, Seq)>>,
    asking: BTreeMap<(IpAddr, Seq), Wanted>,
    /// Whether each gateway has answered when it was asked last.
    gateways: BTreeMap<(Uid, IpAddr), bool>,
    counts: ProbeCounts,
}

/// How probes of grants have ended, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeCounts {
    /// Nobody had the address.
    pub clear: u64,
    /// Another host had it.
    pub foreign: u64,
    /// The LAN could not be asked.
    pub not_asked: u64,
}

/// A gateway that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilentGateway {
    /// The network's name.
    pub network: String,
    /// The gateway.
    pub address: IpAddr,
    /// The parent on which it was asked.
    pub parent: String,
}

// === impl Probes ===

impl Probes {
    /// Gateways that have not answered.
    fn silent(&self) -> impl Iterator<Item = &(Uid, IpAddr)> {
        let silent = self.gateways.iter().filter(|(_, answers)| !**answers);
        silent.map(|(gateway, _)| gateway)
    }
}

// === impl Engine ===

impl Engine {
    /// The LAN is to be asked, unless the node itself has the address: it would not hear itself. A parent
    /// without hardware addresses (a tunnel) can't be asked.
    pub(super) fn probe(&mut self, key: (IpAddr, Seq), network: Uid) -> Option<Event> {
        let parent = self.parents.link_of(network);
        if parent.is_some_and(|parent| parent.mac.is_none()) {
            self.probes.counts.not_asked += 1;
            return Some(Event::Probed { key, found: None });
        }
        if let Some(mac) = self.own(key.0).and_then(|link| link.mac) {
            self.probes.counts.foreign += 1;
            let found = Some(mac);
            return Some(Event::Probed { key, found });
        }
        self.probes.new.entry(network).or_default().push(key);
        None
    }

    /// Hands out what is to be asked, and gives up what nobody wants to know any more.
    pub(super) fn hand_out_probes(&mut self) {
        let volatile = &self.volatile;
        self.probes.asking.retain(|key, wanted| {
            let is_wanted = volatile.asks_for(key);
            if !is_wanted {
                wanted.give_up();
            }
            is_wanted
        });
        for (network, keys) in std::mem::take(&mut self.probes.new) {
            let gateways = self.gateways_of(network, &keys);
            self.ask(network, keys, gateways);
        }
    }

    fn ask(&mut self, network: Uid, keys: Vec<(IpAddr, Seq)>, gateways: Vec<IpAddr>) {
        let parent = self.parents.link_of(network);
        let Some((parent, mac)) = parent.and_then(|parent| Some((parent.index, parent.mac?)))
        else {
            // Core asks again when there is a parent.
            return;
        };
        let mut grants = Vec::new();
        for key in keys {
            let wanted = Wanted::default();
            if let Some(before) = self.probes.asking.insert(key, wanted.clone()) {
                before.give_up();
            }
            grants.push((key, wanted));
        }
        self.jobs.push(Job::Probe(ProbeJob {
            network,
            parent,
            mac,
            grants,
            gateways,
        }));
    }

    /// The LAN was asked.
    pub(super) fn probed(&mut self, probed: Probed) -> Result<(), StoreError> {
        match probed {
            Probed::Grant { key, wanted, found } => {
                if !wanted.is_wanted() {
                    return Ok(());
                }
                let (counter, mac) = match found {
                    Found::Nobody => (&mut self.probes.counts.clear, None),
                    Found::Host(mac) => {
                        tracing::warn!(address = %key.0, %mac, "a host of the LAN uses a granted address");
                        (&mut self.probes.counts.foreign, Some(mac))
                    }
                    // It must not keep pods from starting: a parent without a carrier does not either.
                    Found::NotAsked(why) => {
                        tracing::warn!(address = %key.0, "used without having asked for it: {why}");
                        (&mut self.probes.counts.not_asked, None)
                    }
                };
                *counter += 1;
                self.decide(Event::Probed { key, found: mac })?;
            }
            Probed::Gateway {
                network,
                address,
                answers,
            } => {
                let before = self.probes.gateways.insert((network, address), answers);
                if before != Some(answers) {
                    tracing::info!(gateway = %address, answers, "a gateway was asked for");
                }
            }
        }
        self.publish();
        Ok(())
    }

    /// Gateways that did not answer are asked again; those of networks that are not probed any more are
    /// forgotten.
    pub(super) fn retry_gateways(&mut self) {
        self.forget_gateways();
        let mut again: BTreeMap<Uid, Vec<IpAddr>> = BTreeMap::new();
        for (network, address) in self.probes.silent() {
            again.entry(*network).or_default().push(*address);
        }
        for (network, gateways) in again {
            self.ask(network, Vec::new(), gateways);
        }
    }

    pub(super) fn forget_gateways(&mut self) {
        let mut gateways = std::mem::take(&mut self.probes.gateways);
        gateways.retain(|(network, address), _| {
            let network = self.probed_network(*network);
            network.is_some_and(|network| {
                let mut subnets = network.subnets.iter();
                subnets.any(|subnet| subnet.gateway == Some(*address))
            })
        });
        self.probes.gateways = gateways;
    }

    /// Those of the subnets of these addresses, except for the node's own.
    fn gateways_of(&self, network: Uid, keys: &[(IpAddr, Seq)]) -> Vec<IpAddr> {
        let network = self.probed_network(network);
        let subnets = network.into_iter().flat_map(|network| &network.subnets);
        let asked = subnets.filter(|subnet| keys.iter().any(|(a, _)| subnet.cidr.contains(a)));
        let gateways: BTreeSet<IpAddr> = asked.filter_map(|subnet| subnet.gateway).collect();
        let foreign = gateways
            .into_iter()
            .filter(|gateway| self.own(*gateway).is_none());
        foreign.collect()
    }

    fn probed_network(&self, uid: Uid) -> Option<&ServedNetwork> {
        let mut networks = self.object.as_ref()?.spec.networks.iter();
        networks.find(|network| network.uid == uid && network.conflict_probe)
    }

    /// The node's link that has an address.
    fn own(&self, address: IpAddr) -> Option<&HostLink> {
        let mut links = self.host_links.iter();
        let has = |link: &&std::sync::Arc<HostLink>| {
            link.addresses.iter().any(|net| net.addr() == address)
        };
        links.find(has).map(std::sync::Arc::as_ref)
    }

    pub(super) fn silent_gateways(&self) -> Vec<SilentGateway> {
        let silent = self.probes.silent();
        silent
            .filter_map(|(network, address)| {
                let parent = self.parents.link_of(*network)?;
                Some(SilentGateway {
                    network: self.probed_network(*network)?.name.clone(),
                    address: *address,
                    parent: parent.name.to_string(),
                })
            })
            .collect()
    }

    pub(super) fn probe_counts(&self) -> ProbeCounts {
        self.probes.counts
    }
}
