//! The script on the simulated API server.

use std::{collections::BTreeSet, rc::Rc};

use anyhow::{Context, Result, bail};
use landfall_core::id::Name;
use landfall_sim::server::{Collection, Kind, Object, Refusal, Revision};

use super::{Line, Outcome, Server, Shown, Step};

type Probe = Object<String, u64, u64>;

/// The server, and its answers so far: a step that was refused shows what the one before has shown.
#[derive(Default)]
pub(super) struct Simulated {
    revision: Revision,
    probes: Collection<String, u64, u64>,
    answers: Vec<Rc<Probe>>,
}

fn guard(is_guarded: bool) -> BTreeSet<Name> {
    let guard = is_guarded.then(|| Name::from("landfall.dev/probe"));
    guard.into_iter().collect()
}

fn shown(object: &Probe) -> Shown {
    Shown {
        name: object.meta.key.clone(),
        version: object.meta.version,
        generation: object.meta.generation,
        value: object.spec,
        status: object.status,
        is_guarded: !object.meta.finalizers.is_empty(),
        is_deleting: object.meta.is_deleting,
    }
}

// === impl Simulated ===

impl Simulated {
    fn request(&mut self, step: &Step) -> Result<Result<Option<Rc<Probe>>, Refusal>> {
        let revision = &mut self.revision;
        let answer = |number: usize| self.answers.get(number).cloned().context("no such answer");
        Ok(match step {
            Step::Create {
                name,
                value,
                is_guarded,
            } => {
                let finalizers = guard(*is_guarded);
                let made = self
                    .probes
                    .create(revision, name.clone(), *value, finalizers);
                made.map(Some)
            }
            Step::Replace {
                answer: number,
                has_version,
                value,
                is_guarded,
            } => {
                let mut object = (*answer(*number)?).clone();
                object.spec = *value;
                object.meta.finalizers = guard(*is_guarded && !object.meta.is_deleting);
                if !has_version {
                    object.meta.version = 0;
                }
                let replaced = self.probes.replace(revision, &object);
                // Its end: what is answered to that is the last state before.
                let is_there = self.probes.get(&object.meta.key).is_some();
                replaced.map(|object| is_there.then_some(object))
            }
            Step::Patch {
                answer: number,
                value,
            } => {
                let seen = answer(*number)?.meta.clone();
                let tests = (seen.uid, seen.generation);
                let patched = self.probes.patch(revision, &seen.key, tests, *value);
                patched.map(Some)
            }
            Step::PatchStatus {
                answer: number,
                status,
            } => {
                let seen = answer(*number)?;
                let test = |stored: &Probe| stored.spec == seen.spec;
                let name = &seen.meta.key;
                let patched = self.probes.patch_status(revision, name, test, *status);
                patched.map(Some)
            }
            Step::Delete {
                answer: number,
                is_tested,
            } => {
                let seen = answer(*number)?.meta.clone();
                let uid = is_tested.then_some(seen.uid);
                let version = is_tested.then_some(seen.version);
                let deleted = self.probes.delete(revision, &seen.key, uid, version);
                deleted.map(|()| self.probes.get(&seen.key).cloned())
            }
        })
    }
}

impl Server for Simulated {
    fn run(&mut self, step: &Step) -> Result<Outcome> {
        let outcome = self.request(step)?;
        let answered = outcome.as_ref().ok().and_then(Option::as_ref);
        let known = answered.or_else(|| self.answers.last()).cloned();
        let Some(known) = known else {
            bail!("the first step shows nothing: {outcome:?}");
        };
        self.answers.push(known);
        Ok(outcome.map(|object| object.map(|object| shown(&object))))
    }

    fn list(&mut self) -> Result<Vec<Shown>> {
        Ok(self.probes.all().map(|object| shown(object)).collect())
    }

    fn watch(&mut self, answer: usize) -> Result<Vec<Line>> {
        let from = self.answers.get(answer).context("no such answer")?;
        let events = self.probes.after(from.meta.version);
        let Ok(events) = events else {
            bail!("nothing was compacted: {:?}", events.err());
        };
        let word = |kind: Kind| match kind {
            Kind::Added => "ADDED",
            Kind::Modified => "MODIFIED",
            Kind::Deleted => "DELETED",
        };
        Ok(events
            .map(|event| (word(event.kind), shown(&event.object)))
            .collect())
    }
}
