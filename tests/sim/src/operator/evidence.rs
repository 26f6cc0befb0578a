//! What an operator knows of machines being off, and the end of a user's word about one.

use landfall_core::{
    id::Name,
    ledger::{
        fresh::{Seen, Tick},
        reclaim::{self, Reclaim},
        view::Evidence,
    },
};

use super::{
    Operator,
    job::{Job, read_node},
};
use crate::{
    api::{NodeObject, Request, evidence_of},
    dice::Dice,
    site::Site,
};

// === impl Operator ===

impl Operator {
    /// What the caches say: of the user's word the node object, of all else the Node.
    pub(super) fn evidence(&self, name: &Name) -> Evidence {
        let node = self.kube_nodes.get(name);
        let object = self.objects.get(name);
        Evidence {
            reclaimed: object.and_then(|object| object.meta.reclaimed),
            ..node.map_or_else(Evidence::default, |node| evidence_of(node))
        }
    }

    /// The evidence about a node whose object is now this. A word that is new, or was taken back, takes
    /// the freshness away.
    pub(super) fn evidence_beside(&self, object: &NodeObject) -> Seen<Evidence> {
        let (name, reclaimed) = (&object.meta.key, object.meta.reclaimed);
        match self.view.nodes.get(name) {
            Some(node) if node.evidence.value.reclaimed == reclaimed => node.evidence.clone(),
            before => {
                let evidence = before.map(|node| node.evidence.value);
                let evidence = evidence.unwrap_or_else(|| self.evidence(name));
                Seen::cached(Evidence {
                    reclaimed,
                    ..evidence
                })
            }
        }
    }

    /// First the node object, on which the user's word stands.
    pub(super) fn read_evidence(&mut self, name: Name, site: &mut Site, dice: &mut Dice) {
        let at = self.tick();
        let answer = read_node(&name, site, dice);
        let is_found = answer.is_ok();
        self.take_node(name.clone(), answer);
        if is_found {
            self.jobs.insert(0, Job::ReadKubeNode(name, at));
        }
    }

    /// Then the Node.
    pub(super) fn read_kube_node(
        &mut self,
        name: &Name,
        at: Tick,
        site: &mut Site,
        dice: &mut Dice,
    ) {
        site.api.requests += 1;
        if site.fails(dice).is_some() {
            return;
        }
        let object = self.objects.get(name);
        let evidence = Evidence {
            reclaimed: object.and_then(|object| object.meta.reclaimed),
            ..site.api.evidence(name)
        };
        if let Some(node) = self.view.nodes.get_mut(name) {
            node.evidence = Seen::quorum(evidence, at);
        }
    }

    /// Nodes of which a user says something are looked at with every decision.
    pub(super) fn settle_reclaims(&mut self) {
        let nodes = self.view.nodes.iter();
        let said = nodes.filter(|(_, node)| node.evidence.value.reclaimed.is_some());
        self.stale_nodes.extend(said.map(|(name, _)| name.clone()));
    }

    /// The write that takes the word away, if it has done its work or can't do it.
    pub(super) fn end_of_reclaim(&self, name: &Name, object: &NodeObject) -> Option<Request> {
        let verdict = reclaim::judge(&self.view, name)?;
        let word = object.meta.reclaimed?;
        let end = Request::EndReclaim(name.clone(), object.meta.uid, word);
        (verdict != Reclaim::Stands).then_some(end)
    }
}
