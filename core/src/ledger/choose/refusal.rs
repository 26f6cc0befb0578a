//! What a pod or a claim is told of an address that it can't have.

use alloc::string::String;

use super::Choice;
use crate::ledger::{Decision, view::Refusal};

// === impl Choice ===

impl Choice {
    /// Why an address is not to be had. `shortage` says it of one that nobody can have now.
    pub(in crate::ledger) fn refusal(
        self,
        decision: &mut Decision,
        shortage: impl FnOnce() -> String,
    ) -> Refusal {
        match self {
            Self::Invalid(message) => Refusal {
                reason: String::from("InvalidAnnotation"),
                message,
                is_final: true,
            },
            Self::Refused(refusal) => refusal,
            Self::Resting(until) => {
                decision.wake_at = Some(decision.wake_at.map_or(until, |at| at.min(until)));
                exhausted(shortage())
            }
            Self::Take(..) | Self::Missing(..) | Self::Full => exhausted(shortage()),
        }
    }
}

fn exhausted(message: String) -> Refusal {
    Refusal {
        reason: String::from("AddressPoolExhausted"),
        message,
        is_final: false,
    }
}
