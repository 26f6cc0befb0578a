//! What an operator learns from its watches.

use super::Operator;
use crate::{dice::Dice, fault::Fault, site::Site, watch::Freshness};

// === impl Operator ===

impl Operator {
    /// Learns something from one of its watches.
    pub(super) fn look(&mut self, site: &mut Site, dice: &mut Dice) {
        let which = dice.below(7);
        if site.faults.rarely(Fault::StaleList, 30, dice) {
            let watched = &mut self.watched;
            let watch = [
                &mut watched.pods,
                &mut watched.kube_nodes,
                &mut watched.objects,
                &mut watched.blocks,
                &mut watched.claims,
                &mut watched.sets,
            ]
            .into_iter()
            .nth(which % 6);
            if let Some(watch) = watch {
                watch.restart();
            }
        }
        let most = 1 + dice.below(8);
        let stale = site.faults.may(Fault::StaleList);
        let freshness = if stale {
            Freshness::Any(dice)
        } else {
            Freshness::Newest
        };
        match which {
            0 => {
                let news = self.watched.pods.next(&site.api.pods, most, freshness);
                self.take_pods(news);
            }
            1 => {
                let news = self
                    .watched
                    .kube_nodes
                    .next(&site.api.kube_nodes, most, freshness);
                self.take_kube_nodes(news);
            }
            2 => {
                let news = self.watched.blocks.next(&site.api.blocks, most, freshness);
                self.take_blocks(news);
            }
            3 => {
                let news = self.watched.claims.next(&site.api.claims, most, freshness);
                self.take_claims(news);
            }
            4 => {
                let news = self.watched.sets.next(&site.api.sets, most, freshness);
                self.take_sets(news);
            }
            _ => {
                let news = self.watched.objects.next(&site.api.nodes, most, freshness);
                self.take_objects(news);
            }
        }
    }

    /// Learns all there is. An expired watch lists first, so twice.
    pub fn look_at_all(&mut self, site: &Site) {
        for _ in 0..2 {
            let api = &site.api;
            let news = self
                .watched
                .kube_nodes
                .next(&api.kube_nodes, usize::MAX, Freshness::Newest);
            self.take_kube_nodes(news);
            let news = self
                .watched
                .pods
                .next(&api.pods, usize::MAX, Freshness::Newest);
            self.take_pods(news);
            let news = self
                .watched
                .objects
                .next(&api.nodes, usize::MAX, Freshness::Newest);
            self.take_objects(news);
            let news = self
                .watched
                .blocks
                .next(&api.blocks, usize::MAX, Freshness::Newest);
            self.take_blocks(news);
            let news = self
                .watched
                .claims
                .next(&api.claims, usize::MAX, Freshness::Newest);
            self.take_claims(news);
            let news = self
                .watched
                .sets
                .next(&api.sets, usize::MAX, Freshness::Newest);
            self.take_sets(news);
        }
        self.settle_claims();
    }
}
