//! Whether a pod or a claim can have an address, and what it is told if not.

use alloc::string::String;
use core::net::IpAddr;

use super::Choice;
use crate::ledger::{BlockId, Decision, draft::Drafts, view::Refusal};

// === impl Choice ===

impl Choice {
    /// The address, if it can be had; its block may have to be made first.
    pub(in crate::ledger) fn had(self, drafts: &mut Drafts<'_>) -> Result<(BlockId, IpAddr), Self> {
        match self {
            Self::Take(id, address) => Ok((id, address)),
            Self::Missing(id, address) => {
                drafts.miss(id.clone());
                Ok((id, address))
            }
            Self::Resting(_) | Self::Full | Self::Invalid(_) | Self::Refused(_) => Err(self),
        }
    }

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
