//! Where addresses come from: another plugin, or the files of this host, or nowhere.

use super::{
    Call, delegate,
    host_local::{self, ConfigError, Holder, HostLocal, Store},
    internal,
    object::Object,
    result::CniResult,
};
use crate::spec::{CniError, Verb};

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

    /// Takes addresses.
    pub(super) fn ipam_add(&self) -> Result<CniResult, CniError> {
        let result = match self.ipam() {
            Ipam::None => self.execute("", Verb::Add).map(|_| CniResult::default())?,
            Ipam::BuiltIn => {
                let config = self.host_local().map_err(internal)?;
                host_local::allocate(&config, self.holder()).map_err(internal)?
            }
            Ipam::Plugin(name) => {
                let printed = self.execute(name, Verb::Add)?;
                CniResult::read(&printed, self.config.version).map_err(internal)?
            }
        };
        if result.ips.is_empty() {
            return Err(internal("IPAM plugin returned missing IP config"));
        }
        Ok(result)
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
