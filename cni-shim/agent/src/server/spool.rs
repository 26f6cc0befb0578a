//! DELs that the plugin wrote down while nobody listened.

use std::path::Path;

use landfall_plugin::{spec::CniError, spool, wire::Request};

use super::{Call, Numbers, Server};

impl Server {
    /// Serves what is in the spool. Before the first ADD: a DEL that is served after a later ADD of the
    /// same sandbox would take a live link.
    pub async fn empty_spool(&self, folder: &Path) {
        let spooled = match spool::list(folder) {
            Ok(spooled) => spooled,
            Err(error) => {
                tracing::warn!(%error, "the spool can't be read; the sweep finds what it names");
                return;
            }
        };
        for item in spooled {
            match &item.request {
                Ok(request) => self.repeat(request).await,
                Err(error) => tracing::warn!(%error, "a spooled DEL can't be read"),
            }
            // A DEL that failed has left its records DETACHING: the sweep goes on with it.
            if let Err(error) = spool::remove(&item.path) {
                tracing::warn!(%error, "a spooled DEL can't be removed");
            }
        }
    }

    async fn repeat(&self, request: &Request) {
        let container = &request.container_id;
        let result: Result<(), CniError> = match Call::of(request, None, &mut Numbers::default()) {
            Ok(Call::Del {
                container,
                interface,
                netns,
            }) => self.del(container, interface, netns).await,
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => tracing::info!(container, "served a DEL from the spool"),
            Err(error) => tracing::warn!(%error, container, "a DEL from the spool failed"),
        }
    }
}
