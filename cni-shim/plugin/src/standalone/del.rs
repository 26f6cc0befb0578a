//! DEL: the link first, then its addresses, so that none is free while it is in use. The reference does
//! it the other way round, and leaves the link where an IPAM plugin fails.

use landfall_core::id::Name;
use landfall_link::{Chain, Detached, detach_named};

use super::{
    Call, internal,
    sandbox::{self, SandboxError},
};
use crate::spec::CniError;

impl Call<'_> {
    /// May be called twice, with the sandbox gone, the parent gone, or nothing ever made.
    pub(super) fn del(&self, remark: &mut Option<String>) -> Result<(), CniError> {
        self.refuse_own_netns()?;
        if self.ipam().needs_link() {
            self.ipam_del()?;
        }
        let outcome = self.detach(remark)?;
        if self.config.vlan.is_some() {
            self.leave_vlan(remark);
        }
        if !self.ipam().needs_link() {
            self.ipam_del()?;
        }
        outcome
    }

    /// A VLAN that stays is no reason to call again: the last DEL of the next attachment removes it.
    fn leave_vlan(&self, remark: &mut Option<String>) {
        let netns = sandbox::open(self.netns_path()).ok();
        let below = self.below(netns.as_ref());
        let own = sandbox::own();
        let released = below.and_then(|mut below| {
            let here = match netns {
                Some(netns) if self.config.link_in_container => netns,
                _ => own?,
            };
            self.release_vlan_in_turn(&mut below, &here)
        });
        if let Err(error) = released {
            *remark = Some(format!("landfall: DEL leaves a VLAN behind: {error}"));
        }
    }

    /// An outer error: the link is there and stays, and so do its addresses. An inner one: there can be no
    /// link, but the runtime should know.
    fn detach(&self, remark: &mut Option<String>) -> Result<Result<(), CniError>, CniError> {
        if self.environment.netns.is_none() {
            return Ok(Ok(()));
        }
        let netns = match sandbox::open(self.netns_path()) {
            Ok(netns) => netns,
            Err(SandboxError::Missing(_)) => return Ok(Ok(())),
            Err(error @ SandboxError::NoNamespace { .. }) => return Ok(Err(internal(error))),
            Err(error) => return Err(internal(error)),
        };
        let name = &self.environment.interface;
        match detach_named(&netns, &Name::from(name.as_str())) {
            Ok(Detached::Removed | Detached::Absent) => Ok(Ok(())),
            Ok(Detached::Foreign(found)) => {
                let driver = &found.driver;
                *remark = Some(format!(
                    "landfall: DEL leaves {name} where it is: it is {driver}, and none that this plugin \
                     makes"
                ));
                Ok(Ok(()))
            }
            Err(error) => Err(internal(Chain(&error))),
        }
    }
}
