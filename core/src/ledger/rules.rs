//! The protocol's rules as switches, so that a checker can turn one off and must then find a
//! counterexample.

/// One bool per rule. What ships is [`Rules::SHIPPED`]; anything else is a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one switch per rule; a mutant flips one"
)]
pub struct Rules {
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
    /// A fence is closed only after a write of the node object that followed FENCING.
    pub fence_needs_mark: bool,
    /// A fence is closed only on evidence read with quorum after that node object.
    pub fence_needs_quorum: bool,
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
        fence_needs_mark: true,
        fence_needs_quorum: true,
    };
}
