//! Claims that the watch has not shown, and that are read: all before the first decision, later those
//! that entries name.

use std::collections::BTreeSet;

use kube::api::ListParams;
use landfall_core::{id::Uid, ledger::Millis};
use landfall_crds::guarded;

use super::{Failure, Ledger, Shell, failure::within};
use crate::claims::{ClaimFacts, list_ipam_claims};

/// Between two looks: a claim that the watch has not shown yet is shown in a moment.
const PERIOD: Millis = 1_000;

// === impl Shell ===

impl Shell {
    /// Reads all claims when this operator begins to decide: its watch may be behind that of pods, and a
    /// pod whose claim is not known would be granted another address. Returns whether they are known
    /// now: nothing is decided before.
    pub(super) async fn read_claims(&mut self) -> bool {
        if !self.world.due.claims {
            return true;
        }
        match self.ledger.list_claims().await {
            Ok(claims) => {
                for claim in claims {
                    self.world.claim_is_there(claim);
                }
                self.world.due.claims = false;
                true
            }
            Err(error) => {
                tracing::warn!(%error, "claims can't be read; nothing is decided before");
                false
            }
        }
    }

    /// Reads all claims, with quorum and later than the entries that name these. A UID that is not among
    /// them never comes back; until it is known who they are for, their networks' pods wait. Returns when
    /// to decide again because of it.
    pub(super) async fn look_for_claims(&mut self, unknown: &BTreeSet<Uid>) -> Option<Millis> {
        let now = (self.clock)();
        let next = self
            .claims_read
            .map_or(now, |last| last.saturating_add(PERIOD));
        if unknown.is_empty() {
            return None;
        }
        if now < next {
            return Some(next);
        }
        self.claims_read = Some(now);
        let claims = match self.ledger.list_claims().await {
            Ok(claims) => claims,
            Err(error) => {
                tracing::warn!(%error, "claims can't be read");
                return Some(now.saturating_add(PERIOD));
            }
        };
        let there: BTreeSet<Uid> = claims.iter().map(ClaimFacts::uid).collect();
        for claim in claims {
            self.world.claim_is_there(claim);
        }
        for gone in unknown.difference(&there) {
            tracing::info!(claim = %gone, "the claim is gone: what is kept for it goes back");
            self.world.claim_is_gone(*gone);
        }
        Some(now)
    }
}

// === impl Ledger ===

impl Ledger {
    /// All claims of both kinds, by quorum reads.
    pub(super) async fn list_claims(&self) -> Result<Vec<ClaimFacts>, Failure> {
        let own = within(self.claims.list(&ListParams::default())).await?;
        let others = within(list_ipam_claims(&self.client)).await?;
        let own = own.items.into_iter().map(|object| {
            guarded::read(object).map_or_else(ClaimFacts::unread, ClaimFacts::address)
        });
        Ok(own.chain(others).collect())
    }
}
