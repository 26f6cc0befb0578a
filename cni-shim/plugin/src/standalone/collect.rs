//! GC: what belongs to no attachment that is alive is given back. The reference does nothing.

use super::{Call, internal, ipam::Ipam, object::Object};
use crate::{
    spec::{CniError, Verb},
    wire::Valid,
};

/// What lives.
const KEY: &str = "cni.dev/valid-attachments";

impl Call<'_> {
    /// Links go with their sandboxes; addresses are what can be left over.
    pub(super) fn collect(&self) -> Result<(), CniError> {
        let told = match self.ipam() {
            Ipam::Plugin(name) => self.execute(name, Verb::Gc).map(drop),
            Ipam::None | Ipam::BuiltIn => Ok(()),
        };
        // host-local itself has no GC.
        if self.ipam().has_files() {
            self.collect_files()?;
        }
        told
    }

    fn collect_files(&self) -> Result<(), CniError> {
        let Some(valid) = self.valid()? else {
            return Ok(());
        };
        match self.store()?.lock_existing().map_err(internal)? {
            Some(store) => store.retain(&valid).map_err(internal),
            None => Ok(()),
        }
    }

    /// `None`: the runtime does not say. An empty list, which Go may write as null, says that none is.
    fn valid(&self) -> Result<Option<Vec<Valid>>, CniError> {
        let config = Object::read(self.input).unwrap_or_default();
        if !config.keys().any(|key| key.eq_ignore_ascii_case(KEY)) {
            return Ok(None);
        }
        let list = config.objects(KEY).map_err(internal)?;
        let valid = list.iter().map(|one| {
            Ok(Valid {
                container_id: one.value("containerID")?,
                interface: one.value("ifname")?,
            })
        });
        let valid: Result<Vec<_>, super::object::Malformed> = valid.collect();
        valid.map(Some).map_err(internal)
    }
}
