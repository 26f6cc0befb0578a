//! Attach: observe, plan, execute, read back; on error undo.

use std::path::{Path, PathBuf};

use landfall_core::{
    id::Name,
    link::{
        Conflict, Difference, Link, Observed, Setting, Step, check, next_index, plan_attach, undo,
    },
};
use nix::errno::Errno;

use crate::{
    error::{Hint, hint},
    message::{Asked, request},
    netns::{Inside, Netns, NetnsError},
    observe::{ObserveError, by_index, complete, find},
    parents::{self, Parent},
    socket::{NetlinkError, Request, Socket},
    sysctl::{SysctlError, Sysctls},
};

mod step;

pub use step::StepError;

/// How many indexes are tried.
const INDEX_ATTEMPTS: usize = 3;

/// The node's side of attaching: a netlink socket in the node's namespace, kept open. For one thread at
/// a time; each worker has its own.
#[derive(Debug)]
pub struct Node {
    host: Socket,
    proc_sys: PathBuf,
}

/// A link that is as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// As the kernel shows it now.
    pub link: Observed,
    /// False if it was there before.
    pub created: bool,
}

/// An attach that failed. What it had done is undone, but for `undo_failures`.
#[derive(Debug, thiserror::Error)]
#[error("cannot attach {name}{}", Failures(undo_failures))]
pub struct AttachError {
    /// The interface's name in the sandbox.
    pub name: Name,
    /// The first thing that went wrong.
    #[source]
    pub cause: Cause,
    /// What could not be taken back afterwards.
    pub undo_failures: Vec<Cause>,
}

/// Why an attach failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// No way into the sandbox.
    #[error(transparent)]
    Netns(#[from] NetnsError),
    /// What is there can't be read.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// Something else has the name.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The kernel refused a step.
    #[error(transparent)]
    Step(#[from] Box<StepError>),
    /// A sysctl was not taken.
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
    /// Everything was accepted and yet the link is not as wanted.
    #[error("the kernel accepted everything, but the link is not as wanted{}", Listed(.0))]
    Differs(Vec<Difference>),
}

struct Failures<'a>(&'a [Cause]);
struct Listed<'a>(&'a [Difference]);

/// One attach, on its thread inside the sandbox.
struct Visit<'a> {
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

// === impl Node ===

impl Node {
    /// Opens the node's side in the network namespace of the calling thread. `proc_sys` is where the
    /// node's `/proc/sys` can be written.
    pub fn open(proc_sys: &Path) -> Result<Self, NetlinkError> {
        Ok(Self {
            host: Socket::open()?,
            proc_sys: proc_sys.to_owned(),
        })
    }

    /// Makes a link as wanted, or completes one that is ours. On an error nothing is left behind.
    pub fn attach(&mut self, netns: &Netns, wanted: &Link) -> Result<Made, AttachError> {
        let mut wanted = wanted.clone();
        let mut result = self.try_attach(netns, &wanted);
        for _ in 1..INDEX_ATTEMPTS {
            if !matches!(&result, Err(error) if error.hint() == Some(&Hint::IndexTaken)) {
                break;
            }
            wanted.device.index = next_index(wanted.device.index);
            result = self.try_attach(netns, &wanted);
        }
        result
    }

    fn try_attach(&mut self, netns: &Netns, wanted: &Link) -> Result<Made, AttachError> {
        let failed = |(cause, undo_failures)| AttachError {
            name: wanted.device.name.clone(),
            cause,
            undo_failures,
        };
        let host = &mut self.host;
        let proc_sys = self.proc_sys.as_path();
        netns
            .enter(|inside| match Visit::begin(host, inside, proc_sys) {
                Ok(mut visit) => visit.attach(wanted),
                Err(error) => Err((error.into(), Vec::new())),
            })
            .unwrap_or_else(|error| Err((error.into(), Vec::new())))
            .map_err(failed)
    }

    /// What is there in place of the wanted link.
    pub fn observe(&self, netns: &Netns, wanted: &Link) -> Result<Option<Observed>, ObserveError> {
        netns.enter(|inside| {
            let sysctls = Sysctls::of(inside, &self.proc_sys);
            observe(&mut inside.socket()?, sysctls, wanted)
        })?
    }

    /// What is not as wanted.
    pub fn check(&self, netns: &Netns, wanted: &Link) -> Result<Vec<Difference>, ObserveError> {
        Ok(check(wanted, self.observe(netns, wanted)?.as_ref()))
    }

    /// The node's own links.
    pub fn parents(&mut self) -> Result<Vec<Parent>, ObserveError> {
        parents::list(&mut self.host)
    }
}

fn observe(
    socket: &mut Socket,
    sysctls: Sysctls<'_>,
    wanted: &Link,
) -> Result<Option<Observed>, ObserveError> {
    let Some(mut observed) = find(socket, &wanted.device).map_err(ObserveError::Links)? else {
        return Ok(None);
    };
    // A stranger under our name is not asked for sysctls that it may not have.
    if wanted.device.is(&observed) && observed.name == wanted.device.name {
        complete(&mut observed, socket, sysctls, wanted)?;
    }
    Ok(Some(observed))
}

// === impl Visit ===

impl<'a> Visit<'a> {
    fn begin(
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

    fn attach(&mut self, wanted: &Link) -> Result<Made, (Cause, Vec<Cause>)> {
        let clean = |cause| (cause, Vec::new());
        let observed = observe(&mut self.sandbox, self.sysctls, wanted)
            .map_err(|error| clean(error.into()))?;
        let steps = plan_attach(wanted, observed.as_ref()).map_err(|error| clean(error.into()))?;
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

    fn read_back(&mut self, wanted: &Link) -> Result<Observed, Cause> {
        let observed = observe(&mut self.sandbox, self.sysctls, wanted)?;
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
            let asked = request(step, std::os::fd::AsFd::as_fd(self.netns));
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
            let asked = request(&step, std::os::fd::AsFd::as_fd(self.netns));
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

// === impl AttachError ===

impl AttachError {
    /// What may help, where we know.
    pub fn hint(&self) -> Option<&Hint> {
        match &self.cause {
            Cause::Step(error) => error.hint.as_ref(),
            Cause::Netns(_)
            | Cause::Observe(_)
            | Cause::Conflict(_)
            | Cause::Sysctl(_)
            | Cause::Differs(_) => None,
        }
    }
}

impl std::fmt::Display for Failures<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for failure in self.0 {
            let chain = crate::error::Chain(failure);
            write!(f, " (and it could not be undone: {chain})")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, difference) in self.0.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            write!(f, "{separator}{difference}")?;
        }
        Ok(())
    }
}
