//! One attach, on its thread inside the sandbox.

use std::{os::fd::AsFd, path::Path};

use landfall_core::link::{
    Link, Observed, Setting, Step, check, plan_attach, take_over_default, undo,
};
use nix::errno::Errno;

use super::{Cause, Made, StepError};
use crate::{
    error::{Hint, hint},
    message::{Asked, request},
    netns::{Inside, Netns, NetnsError},
    observe::{ObserveError, by_index, complete, find, other_defaults},
    socket::{NetlinkError, Request, Socket},
    sysctl::Sysctls,
};

/// One attach, on its thread inside the sandbox.
pub(super) struct Visit<'a> {
    host: &'a mut Socket,
    sandbox: Socket,
    sysctls: Sysctls<'a>,
    netns: &'a Netns,
}

/// Steps that ended early.
struct Stopped {
    done: Vec<Step>,
    cause: Cause,
}

/// What is there in place of the wanted link.
pub(super) fn observe(
    socket: &mut Socket,
    sysctls: Sysctls<'_>,
    wanted: &Link,
) -> Result<Option<Observed>, ObserveError> {
    let mut observed = observe_link(socket, wanted)?;
    if let Some(observed) = &mut observed
        && is_asked(observed, wanted)
    {
        let settings = wanted.settings();
        let read = settings.iter().map(|setting| sysctls.read(&setting.path));
        observed.settings = read.collect::<Result<_, _>>()?;
    }
    Ok(observed)
}

/// As [`observe`], without the sysctls.
fn observe_link(socket: &mut Socket, wanted: &Link) -> Result<Option<Observed>, ObserveError> {
    let mut observed = find(socket, &wanted.device).map_err(ObserveError::Links)?;
    if let Some(observed) = &mut observed
        && is_asked(observed, wanted)
    {
        complete(observed, socket, wanted)?;
    }
    Ok(observed)
}

/// A stranger under our name is not asked for what it may not have.
fn is_asked(observed: &Observed, wanted: &Link) -> bool {
    wanted.device.is(observed) && observed.name == wanted.device.name
}

impl<'a> Visit<'a> {
    pub(super) fn begin(
        host: &'a mut Socket,
        inside: &'a Inside<'a>,
        proc_sys: &'a Path,
    ) -> Result<Self, NetnsError> {
        Ok(Self {
            host,
            sandbox: inside.socket()?,
            sysctls: Sysctls::of(inside, proc_sys),
            netns: inside.netns(),
        })
    }

    pub(super) fn attach(&mut self, wanted: &Link) -> Result<Made, (Cause, Vec<Cause>)> {
        let clean = |cause| (cause, Vec::new());
        let observed = observe(&mut self.sandbox, self.sysctls, wanted)
            .map_err(|error| clean(error.into()))?;
        let steps = plan_attach(wanted, observed.as_ref()).map_err(|error| clean(error.into()))?;
        let others = other_defaults(&mut self.sandbox, wanted);
        let others = others.map_err(|error| clean(error.into()))?;
        let steps = take_over_default(steps, wanted, &others);
        if let Err(Stopped { done, cause }) = self.execute(&steps) {
            return Err((cause, self.undo(&done)));
        }
        match self.read_back(wanted) {
            Ok(link) => Ok(Made {
                link,
                created: observed.is_none(),
            }),
            Err(cause) => Err((cause, self.undo(&steps))),
        }
    }

    /// What the kernel made of it. Sysctls that it has just taken are not read again: 15 us each.
    fn read_back(&mut self, wanted: &Link) -> Result<Observed, Cause> {
        let mut observed = observe_link(&mut self.sandbox, wanted)?;
        if let Some(observed) = &mut observed {
            observed.settings = wanted.settings();
        }
        let differences = check(wanted, observed.as_ref());
        match observed {
            Some(observed) if differences.is_empty() => Ok(observed),
            _ => Err(Cause::Differs(differences)),
        }
    }

    /// Runs all steps; what can go in one send() does.
    fn execute(&mut self, steps: &[Step]) -> Result<(), Stopped> {
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
    fn undo(&mut self, done: &[Step]) -> Vec<Cause> {
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
