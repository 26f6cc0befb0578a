//! Steps, executed blindly.

use std::os::fd::AsFd;

use landfall_core::link::{Setting, Step, undo};
use nix::errno::Errno;

use super::{Cause, StepError, visit::Visit};
use crate::{
    error::{Hint, hint},
    message::{Asked, request},
    observe::by_index,
    socket::{NetlinkError, Request},
};

/// Steps that ended early.
pub(crate) struct Stopped {
    pub(crate) done: Vec<Step>,
    pub(crate) cause: Cause,
}

// === impl Stopped ===

impl Stopped {
    /// Nothing was done.
    pub(super) const fn before(cause: Cause) -> Self {
        Self {
            done: Vec::new(),
            cause,
        }
    }
}

// === impl Visit ===

impl Visit<'_> {
    /// Runs all steps; what can go in one send() does.
    pub(crate) fn execute(&mut self, steps: &[Step]) -> Result<(), Stopped> {
        let mut done = Vec::new();
        let mut waiting: Vec<(&Step, Request)> = Vec::new();
        for step in steps {
            let asked = request(step, self.netns.as_fd());
            if let Asked::Sandbox(request) = asked {
                waiting.push((step, request));
                continue;
            }
            self.flush(&mut waiting, &mut done)?;
            self.single(step, asked, &mut done)?;
        }
        self.flush(&mut waiting, &mut done)
    }

    fn single(
        &mut self,
        step: &Step,
        asked: Asked<'_>,
        done: &mut Vec<Step>,
    ) -> Result<(), Stopped> {
        let result = match asked {
            Asked::Sysctl(setting) => self.write(setting),
            Asked::Node(request) => {
                let answer = self.host.call(request);
                answer.map_err(|error| self.step_error(step, error))
            }
            Asked::Sandbox(request) => {
                let answer = self.sandbox.call(request);
                answer.map_err(|error| self.step_error(step, error))
            }
        };
        if result.as_ref().err().is_none_or(may_be_done) {
            done.push(step.clone());
        }
        result.map_err(|cause| Stopped {
            done: done.clone(),
            cause,
        })
    }

    fn write(&self, setting: &Setting) -> Result<(), Cause> {
        Ok(self.sysctls.write(setting)?)
    }

    fn flush(
        &mut self,
        waiting: &mut Vec<(&Step, Request)>,
        done: &mut Vec<Step>,
    ) -> Result<(), Stopped> {
        let (steps, requests): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
        let refusals = match self.sandbox.batch(requests) {
            Ok(refusals) => refusals,
            Err(error) => {
                // Nobody knows how far it came.
                done.extend(steps.iter().map(|step| (*step).clone()));
                let cause = steps.first().map(|step| self.step_error(step, error));
                return cause.map_or(Ok(()), |cause| {
                    Err(Stopped {
                        done: done.clone(),
                        cause,
                    })
                });
            }
        };
        let mut cause = None;
        for (place, step) in steps.into_iter().enumerate() {
            match refusals.iter().find(|(refused, _)| *refused == place) {
                None => done.push(step.clone()),
                // Another attach of the same sandbox was faster.
                Some((_, refusal))
                    if matches!(step, Step::RemoveRoute { .. })
                        && refusal.errno == Errno::ESRCH => {}
                Some((_, refusal)) if cause.is_none() => {
                    let error = NetlinkError::Refused(refusal.clone());
                    cause = Some(self.step_error(step, error));
                }
                Some(_) => {}
            }
        }
        cause.map_or(Ok(()), |cause| {
            Err(Stopped {
                done: done.clone(),
                cause,
            })
        })
    }

    /// Takes back what was done, and returns what could not be. What is gone already is taken back.
    pub(crate) fn undo(&mut self, done: &[Step]) -> Vec<Cause> {
        let mut failures = Vec::new();
        for step in undo(done) {
            let asked = request(&step, self.netns.as_fd());
            if let Err(stopped) = self.single(&step, asked, &mut Vec::new())
                && !is_gone(&stopped.cause)
            {
                failures.push(stopped.cause);
            }
        }
        failures
    }

    fn step_error(&mut self, step: &Step, source: NetlinkError) -> Cause {
        let taken = matches!(step, Step::Create(device) if self.has_index(device.index));
        let hint = match source.errno() {
            Some(Errno::EEXIST | Errno::EBUSY) if taken => Some(Hint::IndexTaken),
            Some(errno) => hint(step, errno, self.host),
            None => None,
        };
        Cause::Step(Box::new(StepError {
            step: step.clone(),
            source,
            hint,
        }))
    }

    /// Older kernels look for the index in the node's namespace, newer ones in the sandbox.
    fn has_index(&mut self, index: u32) -> bool {
        let has = |socket| matches!(by_index(socket, index), Ok(Some(_)));
        has(&mut self.sandbox) || has(self.host)
    }
}

/// A request whose answer was lost may have been carried out.
fn may_be_done(cause: &Cause) -> bool {
    matches!(cause, Cause::Step(error) if error.source.errno().is_none())
}

fn is_gone(cause: &Cause) -> bool {
    let gone = [
        Errno::ENODEV,
        Errno::ESRCH,
        Errno::EADDRNOTAVAIL,
        Errno::ENOENT,
    ];
    matches!(cause, Cause::Step(error) if error.source.errno().is_some_and(|e| gone.contains(&e)))
}
