//! Claims that entries name and no watch shows: whether they are gone for ever.

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
    /// Reads all claims, with quorum and later than the entries that name these. A UID that is not among
    /// them never comes back. Returns when to decide again because of it.
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
        let mut next = now.saturating_add(PERIOD);
        for gone in unknown.difference(&there) {
            tracing::info!(claim = %gone, "the claim is gone: what is kept for it goes back");
            self.world.claim_is_gone(*gone);
            next = now;
        }
        Some(next)
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
