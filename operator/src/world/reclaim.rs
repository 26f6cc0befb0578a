//! The user's word that a machine is off: the annotation `landfall.dev/reclaim` of a LandfallNode.

use kube::ResourceExt as _;
use landfall_core::{
    id::{Name, Uid},
    ledger::reclaim::{self, Reclaim},
};
use landfall_crds::{
    keys::{annotation, event},
    node::LandfallNode,
};

use super::{NodeWrite, World};
use crate::events::{Notice, Regarding};

/// The Node UID that the annotation names.
pub(crate) fn reclaimed(object: &LandfallNode) -> Option<Uid> {
    let text = object.annotations().get(annotation::RECLAIM)?;
    Some(Uid::of(text.trim()))
}

// === impl World ===

impl World {
    /// Nodes of which a user says something are looked at with every decision: it ends when blocks
    /// or Nodes change.
    pub(super) fn settle_reclaims(&mut self) {
        let nodes = self.view.nodes.iter();
        let said = nodes.filter(|(_, node)| node.evidence.value.reclaimed.is_some());
        let names: Vec<Name> = said.map(|(name, _)| name.clone()).collect();
        self.stale.nodes.extend(names);
    }

    /// The write that takes the annotation away, if it has done its work or can't do it.
    pub(super) fn end_of_reclaim(&self, name: &Name, object: &LandfallNode) -> Option<NodeWrite> {
        let verdict = reclaim::judge(&self.view, name)?;
        let object = Box::new(object.clone());
        (verdict != Reclaim::Stands).then_some(NodeWrite::EndReclaim { object, verdict })
    }
}

/// What is told of an annotation that is taken away unserved.
pub(crate) fn refusal(write: &NodeWrite) -> Option<Notice> {
    let NodeWrite::EndReclaim { object, verdict } = write else {
        return None;
    };
    let off = object.annotations().get(annotation::RECLAIM)?;
    let why = match verdict {
        Reclaim::Stands | Reclaim::Done => return None,
        Reclaim::WrongUid => format!(
            "no address is held here by a Node of UID {off}; the Node of this name has UID {}",
            object.spec.node.uid
        ),
        Reclaim::IsOn => {
            "the kubelet of that Node reports, so its machine is on; switch it off, wait \
                          until the Node's condition Ready is Unknown, and say it again"
                .to_owned()
        }
    };
    let message = format!("annotation {} is taken away: {why}", annotation::RECLAIM);
    let about = Regarding::ours("LandfallNode", &object.name_any(), object.uid());
    Some(Notice::about(about, event::RECLAIM_REFUSED, &message))
}
