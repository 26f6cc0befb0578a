//! kubelet and its runtime: sandboxes for the pods that it knows, and no others.

use std::{collections::BTreeSet, rc::Rc};

use landfall_core::{
    agent::{AddRequest, Asked, Event},
    id::{Name, Uid},
};

use crate::{
    api::PodObject,
    dice::Dice,
    fault::Fault,
    machine::{Machine, Stage},
    networks::Networks,
    server::Kind,
    site::Site,
    watch::{Freshness, News},
};

// === impl Machine ===

impl Machine {
    /// Learns of pods. Whether there was something to learn.
    pub fn watch_pods(&mut self, site: &mut Site, dice: &mut Dice) -> bool {
        if !self.reaches(site) || self.is_replaced {
            return false;
        }
        if site.faults.rarely(Fault::StaleKubelet, 30, dice) {
            self.pod_watch.restart();
        }
        if self.pod_watch.is_current(&site.api.pods) {
            return false;
        }
        let stale = site.faults.may(Fault::StaleKubelet);
        let freshness = if stale {
            Freshness::Any(dice)
        } else {
            Freshness::Newest
        };
        match self.pod_watch.next(&site.api.pods, 32, freshness) {
            News::List(objects) => {
                let mine = objects.into_iter().filter(|pod| pod.spec.node == self.name);
                self.pods = mine.map(|pod| (pod.meta.key.clone(), pod)).collect();
            }
            News::Events(events) => {
                for event in events
                    .into_iter()
                    .filter(|e| e.object.spec.node == self.name)
                {
                    let key = event.object.meta.key.clone();
                    if event.kind == Kind::Deleted {
                        self.pods.remove(&key);
                    } else {
                        self.pods.insert(key, event.object);
                    }
                }
            }
            News::Expired => {}
        }
        true
    }

    /// Whether kubelet keeps a sandbox of this pod.
    fn keeps(&self, pod: &PodObject) -> bool {
        let known = self.pods.get(&pod.meta.key);
        known.is_some_and(|known| {
            known.spec.owner == pod.spec.owner && !known.meta.is_deleting && !known.status.is_over
        })
    }

    /// One thing that kubelet does. Whether there was one to do.
    pub fn kubelet(&mut self, networks: &Networks, site: &mut Site, dice: &mut Dice) -> bool {
        self.faults_of_calls(site, dice);
        // It starts others first now and then, and does nothing only if there is nothing to do.
        !dice.one_in(3) && self.end_one(site, dice)
            || self.start_one(networks, site, dice)
            || self.finish_one(site)
            || self.give_up(site, dice)
            || self.end_one(site, dice)
    }

    /// A sandbox that has been detached ends, or one that nobody keeps is detached.
    fn end_one(&mut self, site: &mut Site, dice: &mut Dice) -> bool {
        let mut sandboxes = self.sandboxes.iter();
        let ending = sandboxes.find(|(_, sandbox)| sandbox.stage == Stage::Ending);
        if let Some((container, _)) = ending {
            let container = container.clone();
            self.end_namespace(&container, site);
            return true;
        }
        let doomed = self.sandboxes.iter().find(|(_, sandbox)| {
            let is_over = sandbox.stage == Stage::Up && !self.keeps(&sandbox.pod);
            sandbox.stage == Stage::Doomed || is_over
        });
        let Some(container) = doomed.map(|(container, _)| container.clone()) else {
            return false;
        };
        self.delete(&container, site, dice);
        true
    }

    /// A sandbox for a pod that has none.
    fn start_one(&mut self, networks: &Networks, site: &mut Site, dice: &mut Dice) -> bool {
        let served: BTreeSet<Uid> = self
            .sandboxes
            .values()
            .filter(|sandbox| matches!(sandbox.stage, Stage::Adding(_) | Stage::Up))
            .map(|sandbox| sandbox.pod.spec.owner)
            .collect();
        let lone: Vec<&Rc<PodObject>> = self
            .pods
            .values()
            .filter(|pod| self.keeps(pod) && !served.contains(&pod.spec.owner))
            .collect();
        let Some(pod) = dice.pick(lone.into_iter()).cloned() else {
            return false;
        };
        self.start(&pod, networks, site, dice);
        true
    }

    fn start(
        &mut self,
        pod: &Rc<PodObject>,
        networks: &Networks,
        site: &mut Site,
        dice: &mut Dice,
    ) {
        let token = self.token();
        let container = format!("{}-{}-{}", self.name, self.id.0 & 0xff, token.0);
        let asked = pod.spec.wants.iter().map(|want| Asked {
            network: networks.name_of(want.network),
            interface: want.interface.clone(),
            addresses: want.addresses.clone(),
        });
        let request = AddRequest {
            token,
            container: Name::from(container.as_str()),
            owner: pod.spec.owner,
            asked: asked.collect(),
        };
        self.add(pod, request, site, dice);
    }

    fn delete(&mut self, container: &Name, site: &mut Site, dice: &mut Dice) {
        let token = self.token();
        if let Some(sandbox) = self.sandboxes.get_mut(container) {
            sandbox.stage = Stage::Deleting(token);
        }
        let event = Event::Del {
            token,
            container: container.clone(),
            interface: None,
        };
        self.tell(event, site, dice);
    }

    /// A pod that is being deleted and has no sandbox left is gone from the API server.
    fn finish_one(&self, site: &mut Site) -> bool {
        if !self.reaches(site) {
            return false;
        }
        let has_sandbox = |pod: &PodObject| {
            let mut sandboxes = self.sandboxes.values();
            sandboxes.any(|sandbox| sandbox.pod.spec.owner == pod.spec.owner)
        };
        let over = self.pods.values().find(|pod| {
            let stored = site.api.pods.get(&pod.meta.key);
            let is_stored = stored.is_some_and(|stored| stored.meta.uid == pod.meta.uid);
            pod.meta.is_deleting && is_stored && !has_sandbox(pod)
        });
        let Some(key) = over.map(|pod| pod.meta.key.clone()) else {
            return false;
        };
        site.finish_pod(&key);
        true
    }

    /// ADDs do not wait for ever: no fault, the plugin's own limit of 2 s.
    fn give_up(&mut self, site: &mut Site, dice: &mut Dice) -> bool {
        let now = site.now;
        let old = self
            .sandboxes
            .values()
            .find_map(|sandbox| match sandbox.stage {
                Stage::Adding(token) if sandbox.began + 2_000 < now => Some(token),
                _ => None,
            });
        let Some(token) = old else { return false };
        self.tell(Event::Timeout(token), site, dice);
        true
    }

    fn faults_of_calls(&mut self, site: &mut Site, dice: &mut Dice) {
        let adding = self
            .sandboxes
            .iter()
            .find_map(|(container, sandbox)| match sandbox.stage {
                Stage::Adding(token) => Some((container.clone(), token)),
                _ => None,
            });
        if let Some((container, token)) = adding {
            if site.faults.rarely(Fault::AddTimeout, 3, dice) {
                self.tell(Event::Timeout(token), site, dice);
            } else if site.faults.rarely(Fault::AddAborted, 3, dice) {
                self.doom(&container);
                self.tell(Event::Abort(token), site, dice);
            } else if site.faults.rarely(Fault::AddDeleted, 3, dice) {
                self.delete(&container, site, dice);
            }
            return;
        }
        if site.faults.rarely(Fault::SandboxLost, 4, dice) {
            let up: Vec<Name> = self
                .sandboxes
                .iter()
                .filter(|(_, sandbox)| sandbox.stage == Stage::Up)
                .map(|(container, _)| container.clone())
                .collect();
            if let Some(container) = dice.pick(up.into_iter()) {
                self.doom(&container);
            }
        } else if site.faults.rarely(Fault::LateDel, 4, dice)
            && let Some(container) = dice.pick(self.old.iter()).cloned()
        {
            let token = self.token();
            let event = Event::Del {
                token,
                container,
                interface: None,
            };
            self.tell(event, site, dice);
        }
    }

    fn doom(&mut self, container: &Name) {
        if let Some(sandbox) = self.sandboxes.get_mut(container) {
            sandbox.stage = Stage::Doomed;
        }
    }
}

// === impl Site ===

impl Site {
    /// kubelet says that the last sandbox of a pod is gone.
    pub(crate) fn finish_pod(&mut self, key: &Name) {
        self.trace.line(|| format!("pod {key} is gone"));
        let Some(object) = self.api.pods.get(key) else {
            return;
        };
        let mut object = (**object).clone();
        object.meta.finalizers.clear();
        let done = self.api.pods.replace(&mut self.api.revision, &object);
        debug_assert!(done.is_ok(), "read a moment ago");
    }
}
