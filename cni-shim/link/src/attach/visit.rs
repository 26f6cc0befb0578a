//! One attach, on its thread inside the sandbox.

use std::path::Path;

use landfall_core::link::{Link, Observed, Step, check, plan_attach, take_over_default};

use super::{Cause, Made, StepError, execute::Stopped};
use crate::{
    netns::{Inside, Netns, NetnsError},
    observe::{ObserveError, complete, find, other_defaults},
    socket::Socket,
    sysctl::Sysctls,
};

/// One attach, on its thread inside the sandbox.
pub(crate) struct Visit<'a> {
    pub(super) host: &'a mut Socket,
    pub(super) sandbox: Socket,
    pub(super) sysctls: Sysctls<'a>,
    pub(super) netns: &'a Netns,
}

/// What is there in place of the wanted link. A stranger under its name is not asked for what it may not
/// have.
pub(super) fn observe(
    socket: &mut Socket,
    sysctls: Sysctls<'_>,
    wanted: &Link,
) -> Result<Option<Observed>, ObserveError> {
    let mut observed = observe_link(socket, wanted)?;
    if let Some(observed) = &mut observed
        && wanted.device.is_in_place(observed)
    {
        let read = wanted
            .settings
            .iter()
            .map(|setting| sysctls.read(&setting.path));
        observed.settings = read.collect::<Result<_, _>>()?;
    }
    Ok(observed)
}

/// As [`observe`], without the sysctls.
fn observe_link(socket: &mut Socket, wanted: &Link) -> Result<Option<Observed>, ObserveError> {
    let mut observed = find(socket, &wanted.device).map_err(ObserveError::Links)?;
    if let Some(observed) = &mut observed
        && wanted.device.is_in_place(observed)
    {
        complete(observed, socket, wanted)?;
    }
    Ok(observed)
}

// === impl Visit ===

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

    /// What is there is looked at only if the kernel refuses to make the link: nearly always there is
    /// nothing.
    pub(super) fn attach(&mut self, wanted: &Link) -> Result<Made, (Cause, Vec<Cause>)> {
        match self.follow(wanted, None) {
            Err(Stopped { done, cause }) if done.is_empty() && is_refused_link(&cause) => {
                self.complete(wanted, cause)
            }
            result => self.finish(wanted, None, result),
        }
    }

    /// Makes of what is there what is wanted.
    fn complete(&mut self, wanted: &Link, refusal: Cause) -> Result<Made, (Cause, Vec<Cause>)> {
        let observed = observe(&mut self.sandbox, self.sysctls, wanted)
            .map_err(|error| (error.into(), Vec::new()))?;
        let Some(observed) = observed else {
            return Err((refusal, Vec::new()));
        };
        let result = self.follow(wanted, Some(&observed));
        self.finish(wanted, Some(&observed), result)
    }

    /// Plans, and executes that.
    fn follow(&mut self, wanted: &Link, observed: Option<&Observed>) -> Result<Vec<Step>, Stopped> {
        let steps = plan_attach(wanted, observed).map_err(|error| Stopped::before(error.into()))?;
        let others = other_defaults(&mut self.sandbox, wanted);
        let others = others.map_err(|error| Stopped::before(error.into()))?;
        let steps = take_over_default(steps, wanted, &others);
        self.execute(&steps).map(|()| steps)
    }

    fn finish(
        &mut self,
        wanted: &Link,
        observed: Option<&Observed>,
        result: Result<Vec<Step>, Stopped>,
    ) -> Result<Made, (Cause, Vec<Cause>)> {
        let steps = match result {
            Ok(steps) => steps,
            Err(Stopped { done, cause }) => return Err((cause, self.undo(&done))),
        };
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
            observed.settings.clone_from(&wanted.settings);
        }
        let differences = check(wanted, observed.as_ref());
        match observed {
            Some(observed) if differences.is_empty() => Ok(observed),
            _ => Err(Cause::Differs(differences)),
        }
    }
}

/// The kernel said no to the link itself: something may be there already.
fn is_refused_link(cause: &Cause) -> bool {
    let made = |error: &StepError| matches!(error.step, Step::Create(_));
    matches!(cause, Cause::Step(error) if made(error) && error.source.errno().is_some())
}
