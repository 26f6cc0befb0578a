//! Links of the node that are made for a network, and carry its mark.

use landfall_core::id::Name;
use netlink_packet_route::link::{LinkAttribute, LinkFlags};
use nix::errno::Errno;

use crate::{
    attach::Node,
    message,
    observe::by_name,
    socket::{NetlinkError, Request},
};

impl Node {
    /// Makes a link on the node, marks it by an alias, sets it up and returns its index. Half a link is
    /// removed: it would look like a user's own.
    pub(crate) fn make_marked(
        &mut self,
        create: Request,
        name: &Name,
        alias: &str,
    ) -> Result<u32, NetlinkError> {
        self.host().call(create)?;
        let result = self.finish_marked(name, alias);
        if let Ok(Some(index)) = result {
            return Ok(index);
        }
        if let Ok(Some(index)) = self.index_of(name) {
            drop(self.host().call(message::remove(index)));
        }
        let gone = NetlinkError::Garbled("the new link vanished");
        Err(result.err().unwrap_or(gone))
    }

    fn finish_marked(&mut self, name: &Name, alias: &str) -> Result<Option<u32>, NetlinkError> {
        let Some(index) = self.index_of(name)? else {
            return Ok(None);
        };
        let alias = LinkAttribute::IfAlias(alias.to_owned());
        self.host().call(message::set_link(index, [alias]))?;
        let up = message::flag(index, LinkFlags::Up, true);
        // With its parent down it can't be up yet; whoever sets the parent up sets it up too.
        match self.host().call(up) {
            Err(error) if error.errno() == Some(Errno::ENETDOWN) => Ok(Some(index)),
            result => result.map(|()| Some(index)),
        }
    }

    fn index_of(&mut self, name: &Name) -> Result<Option<u32>, NetlinkError> {
        Ok(by_name(self.host(), name.as_str())?.map(|link| link.index))
    }
}
