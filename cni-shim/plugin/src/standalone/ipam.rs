//! Where addresses come from: another plugin, or the files of this host, or nowhere.

use super::{
    Call, delegate,
    host_local::{self, ConfigError, Holder, HostLocal, Store},
    internal,
    object::Object,
    result::CniResult,
};
use crate::spec::{CniError, Verb, Version};

/// Who gives addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ipam<'a> {
    /// Nobody.
    None,
    /// We, in host-local's files: `"type": "landfall"`.
    BuiltIn,
    /// The plugin of that name.
    Plugin(&'a str),
}

/// What an ADD of IPAM gave.
pub(super) enum Taken {
    /// Our own result.
    Result(CniResult),
    /// What a plugin printed, for a configuration of that version.
    Printed(String, Version),
}

// === impl Taken ===

impl Taken {
    /// The addresses; there must be one.
    pub(super) fn result(self) -> Result<CniResult, CniError> {
        let result = match self {
            Self::Result(result) => result,
            Self::Printed(text, version) => CniResult::read(&text, version).map_err(internal)?,
        };
        if result.ips.is_empty() {
            return Err(internal("IPAM plugin returned missing IP config"));
        }
        Ok(result)
    }
}

// === impl Ipam ===

impl Ipam<'_> {
    /// A DHCP lease is given back through the link, so here the reference's order is the right one: the
    /// address belongs to the LAN's server, and is free only when that is told.
    pub(super) fn needs_link(self) -> bool {
        self == Ipam::Plugin("dhcp")
    }

    /// Whether its addresses are in host-local's files.
    pub(super) fn has_files(self) -> bool {
        matches!(self, Self::BuiltIn | Ipam::Plugin("host-local"))
    }
}

impl Call<'_> {
    /// Who gives addresses.
    pub(super) fn ipam(&self) -> Ipam<'_> {
        match self.config.ipam.as_str() {
            "" => Ipam::None,
            "landfall" => Ipam::BuiltIn,
            plugin => Ipam::Plugin(plugin),
        }
    }

    /// Takes addresses. An error: none were taken.
    pub(super) fn ipam_add(&self) -> Result<Taken, CniError> {
        Ok(match self.ipam() {
            Ipam::None => Taken::Printed(self.execute("", Verb::Add)?, self.config.version),
            Ipam::BuiltIn => {
                let config = self.host_local().map_err(internal)?;
                Taken::Result(host_local::allocate(&config, self.holder()).map_err(internal)?)
            }
            Ipam::Plugin(name) => {
                Taken::Printed(self.execute(name, Verb::Add)?, self.config.version)
            }
        })
    }

    /// Gives them back. There may be none.
    pub(super) fn ipam_del(&self) -> Result<(), CniError> {
        match self.ipam() {
            Ipam::None => Ok(()),
            Ipam::BuiltIn => match self.store()?.lock_existing().map_err(internal)? {
                Some(store) => store.release_all(self.holder()).map_err(internal),
                None => Ok(()),
            },
            Ipam::Plugin(name) => self.execute(name, Verb::Del).map(drop),
        }
    }

    /// Whether they are still ours.
    pub(super) fn ipam_check(&self) -> Result<(), CniError> {
        match self.ipam() {
            Ipam::None => Ok(()),
            Ipam::BuiltIn => {
                let store = self.store()?.lock_existing().map_err(internal)?;
                let own = store.map(|store| store.of(self.holder())).transpose();
                if own.map_err(internal)?.is_some_and(|own| !own.is_empty()) {
                    return Ok(());
                }
                let container = &self.environment.container_id;
                Err(internal(format!(
                    "host-local: Failed to find address added by container {container}"
                )))
            }
            Ipam::Plugin(name) => self.execute(name, Verb::Check).map(drop),
        }
    }

    /// Calls an IPAM plugin.
    pub(super) fn execute(&self, name: &str, verb: Verb) -> Result<String, CniError> {
        let program = delegate::find(name, &self.environment.path)?;
        delegate::call(&program, verb, self.input)
    }

    /// The ranges of host-local's files.
    pub(super) fn host_local(&self) -> Result<HostLocal, ConfigError> {
        HostLocal::read(
            &self.object(),
            &self.config.name,
            self.config.version,
            &self.environment.args,
        )
    }

    /// host-local's files.
    pub(super) fn store(&self) -> Result<Store, CniError> {
        Store::of(&self.object(), &self.config.name).map_err(internal)
    }

    fn object(&self) -> Object<'_> {
        // It was read before.
        Object::read(self.input).unwrap_or_default()
    }

    fn holder(&self) -> Holder<'_> {
        Holder {
            container: &self.environment.container_id,
            interface: &self.environment.interface,
        }
    }
}
