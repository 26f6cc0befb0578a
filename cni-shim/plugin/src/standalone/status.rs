//! STATUS: could an ADD succeed now? The reference looks at the IPAM plugin only.

use std::{os::unix::net::UnixStream, path::Path};

use super::{Call, host_local, ipam::Ipam, object::Object};
use crate::spec::{CniError, Code, Verb};

/// Where the DHCP daemon listens if the configuration does not say.
const DHCP_SOCKET: &str = "/run/cni/dhcp.sock";

impl Call<'_> {
    pub(super) fn status(&self) -> Result<(), CniError> {
        let unavailable = |error: CniError| CniError {
            code: Code::NotAvailable,
            ..error
        };
        // In a sandbox there is no parent before there is a sandbox, and after another plugin it is that
        // one's interface.
        if !self.config.link_in_container && self.config.prev_result.is_none() {
            let mut below = self.below(None).map_err(unavailable)?;
            self.parent(&mut below, None).map_err(unavailable)?;
        }
        if let Ipam::Plugin(name) = self.ipam() {
            self.execute(name, Verb::Status)?;
        }
        if self.ipam() == Ipam::Plugin("dhcp") {
            self.dhcp_daemon()?;
        }
        if self.ipam().has_files() {
            self.room()?;
        }
        Ok(())
    }

    fn dhcp_daemon(&self) -> Result<(), CniError> {
        let ipam = Object::read(self.input).ok();
        let ipam = ipam.and_then(|config| config.object("ipam").ok().flatten());
        let path = ipam.and_then(|ipam| ipam.value::<String>("daemonSocketPath").ok());
        let path = path.filter(|path| !path.is_empty());
        let path = path.as_deref().unwrap_or(DHCP_SOCKET);
        match UnixStream::connect(Path::new(path)) {
            Ok(_) => Ok(()),
            Err(error) => Err(CniError::new(
                Code::NotAvailable,
                format!("the DHCP daemon does not listen at {path}: {error}; start `dhcp daemon`"),
            )),
        }
    }

    fn room(&self) -> Result<(), CniError> {
        let unavailable = |why: &dyn std::fmt::Display| CniError::new(Code::NotAvailable, why);
        let config = self.host_local().map_err(|error| unavailable(&error))?;
        match host_local::has_room(&config) {
            Ok(true) => Ok(()),
            Ok(false) => Err(unavailable(&format!(
                "no address is left in {}",
                config.folder.display()
            ))),
            Err(error) => Err(unavailable(&error)),
        }
    }
}
