//! The protocol's rules as switches, so that a checker can turn one off and must then find a
//! counterexample.

/// One bool per rule. What ships is [`Rules::SHIPPED`]; anything else is a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one switch per rule; a mutant flips one"
)]
pub struct Rules {
    // Of the operator.
    /// A released acknowledgement must carry the entry's seq.
    pub released_matches_seq: bool,
    /// A released acknowledgement counts only from a machine that may speak for the entry.
    pub released_needs_voice: bool,
    /// A push needs an entry read with quorum after the node object that it replaces.
    pub push_needs_quorum: bool,
    /// A node's grant is removed only if the block is done with that seq.
    pub removal_compares_seq: bool,
    /// A grant that was pushed nowhere yet is pushed only from GRANTED, never from RESERVED.
    pub push_needs_granted: bool,
    /// A missing pod leads to a recall, never straight to FREE.
    pub missing_pod_recalls: bool,
    /// A held entry is never freed by time.
    pub held_outlasts_time: bool,
    /// A recall waits for the node; that its object lists the recall is no answer.
    pub recall_waits_for_node: bool,
    /// A grant is in the ledger before it enters a node object.
    pub ledger_first_on_grant: bool,
    /// A released grant leaves the ledger before it leaves the node object.
    pub ledger_first_on_free: bool,
    /// The seq is the block's, and outlives an entry that is forgotten.
    pub seq_outlives_entry: bool,
    /// A fence begins with FENCING in the ledger; what closes it comes later.
    pub fence_starts_in_ledger: bool,
    /// A fence is closed only after a write of the node object that followed FENCING, also where
    /// the grant was not there to be taken out.
    pub fence_needs_mark: bool,
    /// A fence is closed only on evidence read with quorum after that node object.
    pub fence_needs_quorum: bool,
    /// After a restore the ledger waits for every node, whether it answers or not.
    pub adoption_waits_for_all: bool,
    /// A restore ends every grant: those that came back with it are taken out.
    pub restored_grants_end: bool,
    /// An entry leaves CLAIMED only when its claim was seen ending or is known to be gone, never
    /// because it is missing in a cache.
    pub claim_is_seen_ending: bool,

    // Of the agent.
    /// A cold agent serves and acknowledges nothing before its quorum read and its scan.
    pub cold_waits: bool,
    /// The released set lies in `/run` before it is published, so a restart does not forget it.
    pub released_is_saved: bool,
    /// An acknowledgement is forgotten only once its own object shows it, and no grant of it.
    pub prune_waits: bool,
    /// A record holds its address from PENDING on.
    pub recall_heeds_pending: bool,
    /// An address that another host has is given back: the conflict alone frees nothing.
    pub conflict_is_released: bool,
    /// A newer ADD, or the DEL of its sandbox, ends an ADD.
    pub add_ends: bool,
    /// The device of an older sandbox goes before its record.
    pub device_before_record: bool,
}

impl Rules {
    /// The rules of the product.
    pub const SHIPPED: Self = Self {
        released_matches_seq: true,
        released_needs_voice: true,
        push_needs_quorum: true,
        removal_compares_seq: true,
        push_needs_granted: true,
        missing_pod_recalls: true,
        held_outlasts_time: true,
        recall_waits_for_node: true,
        ledger_first_on_grant: true,
        ledger_first_on_free: true,
        seq_outlives_entry: true,
        fence_starts_in_ledger: true,
        fence_needs_mark: true,
        fence_needs_quorum: true,
        adoption_waits_for_all: true,
        restored_grants_end: true,
        claim_is_seen_ending: true,
        cold_waits: true,
        released_is_saved: true,
        prune_waits: true,
        recall_heeds_pending: true,
        conflict_is_released: true,
        add_ends: true,
        device_before_record: true,
    };
}
