//! What a schedule is made of. Everything is drawn from the seed.

use landfall_core::network::NodeDeletion;

use crate::{
    dice::Dice,
    fault::{Fault, Faults},
    networks::{Networks, Sketch},
    restores::Restores,
};

/// A schedule's cluster, load and faults.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How many nodes.
    pub nodes: usize,
    /// Networks.
    pub networks: Networks,
    /// Nodes have a providerID.
    pub has_provider: bool,
    /// What the deletion of a Node says.
    pub deletion: NodeDeletion,
    /// Users make claims.
    pub has_claims: bool,
    /// So many pods at most.
    pub pods: usize,
    /// Steps before the faults stop.
    pub steps: usize,
    /// Faults.
    pub faults: Faults,
    /// Restores of etcd.
    pub restores: Restores,
    /// How many operators decide.
    pub operators: usize,
    /// The whole state is audited after every so many steps.
    pub audit_every: usize,
}

const SMALL: &[&[Sketch]] = &[
    &[("lan", "lan", &["10.0.0.0/29"])],
    &[("lan", "lan", &["10.0.0.0/28"])],
    &[("lan", "lan", &["10.0.0.0/29", "fd00::/125"])],
    &[
        ("lan", "lan", &["10.0.0.0/29"]),
        ("six", "lan", &["fd00::/125"]),
    ],
    // Two networks hand out the same addresses of one segment.
    &[
        ("lan", "lan", &["10.0.0.0/28"]),
        ("both", "lan", &["10.0.0.0/29", "fd00::/125"]),
    ],
    // A pool over two blocks, and a network without addresses.
    &[
        ("lan", "lan", &["10.0.0.252/30", "10.0.1.0/30"]),
        ("bare", "lan", &[]),
    ],
    &[
        ("lan", "lan", &["10.0.0.0/29"]),
        ("san", "san", &["10.1.0.0/29", "fd01::/125"]),
    ],
];

const LARGE: &[Sketch] = &[
    ("lan", "lan", &["10.0.0.0/21"]),
    ("both", "lan", &["10.0.0.0/22", "fd00::/118"]),
    ("san", "san", &["10.1.0.0/23"]),
    ("bare", "lan", &[]),
];

// === impl Scenario ===

impl Scenario {
    /// Two to four nodes, a dozen pods.
    pub fn small(dice: &mut Dice) -> Self {
        let sketches = dice.pick(SMALL.iter()).copied().unwrap_or_default();
        let mut scenario = Self::of(sketches, dice);
        scenario.nodes = 2 + dice.below(3);
        scenario.pods = 4 + dice.below(10);
        scenario.steps = 300 + dice.below(2_000);
        scenario
    }

    /// Fifty nodes, thousands of pods.
    pub fn large(dice: &mut Dice) -> Self {
        let mut scenario = Self::of(LARGE, dice);
        scenario.nodes = 50;
        scenario.pods = 3_000;
        scenario.steps = 150_000;
        scenario.audit_every = 2_000;
        if scenario.restores != Restores::Never {
            // See `World::replace`.
            scenario.faults.forbid(Fault::Replaced);
        }
        scenario
    }

    fn of(sketches: &[Sketch], dice: &mut Dice) -> Self {
        let deletions = [NodeDeletion::Hold, NodeDeletion::Auto, NodeDeletion::Fenced];
        let deletion = dice.pick(deletions.into_iter()).unwrap_or_default();
        let rest = if dice.one_in(2) { 0 } else { 30_000 };
        let networks = Networks::of(sketches, deletion, rest);
        let restores = Restores::of(dice);
        let faults = Faults::of(dice);
        Self {
            nodes: 2,
            networks: if dice.one_in(3) {
                networks.probed()
            } else {
                networks
            },
            has_provider: dice.one_in(2),
            deletion,
            has_claims: !dice.one_in(3),
            pods: 8,
            steps: 400,
            faults,
            restores,
            operators: 2,
            audit_every: 1,
        }
    }

    /// Whether a deleted Node is taken as a machine that is off: then nobody deletes that of one that
    /// runs.
    pub fn deletion_counts(&self) -> bool {
        match self.deletion {
            NodeDeletion::Fenced => true,
            NodeDeletion::Auto => self.has_provider,
            NodeDeletion::Hold => false,
        }
    }
}
