//! Routes and neighbours of every attachment.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(
    validation = Rule::new("isCIDR(self.destination) && cidr(self.destination).masked() == cidr(self.destination)")
        .message("destination must be a subnet such as 10.30.0.0/16, written by its first address"),
    validation = Rule::new("!isCIDR(self.destination) || cidr(self.destination).prefixLength() > 0")
        .message("a default route is not set here: use defaultRoute: Always"),
    validation = Rule::new("!has(self.gateway) || isIP(self.gateway)")
        .message("gateway must be an address such as 10.20.0.254"),
    validation = Rule::new("!has(self.gateway) || !isIP(self.gateway) || !isCIDR(self.destination) || ip(self.gateway).family() == cidr(self.destination).ip().family()")
        .message("gateway and destination must be both IPv4 or both IPv6")
)]
pub struct RouteSpec {
    /// Where to. Next attachment.
    #[schemars(length(min = 1, max = 43))]
    pub destination: String,
    /// Through whom. Absent: the destination is on the link. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 39))]
    pub gateway: Option<String>,
    /// The metric; the lowest counts. Absent: the kernel's. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 4_294_967_295_u32))]
    pub metric: Option<u32>,
}

/// A permanent neighbour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(
    validation = Rule::new("isIP(self.address)").message("address must be an address such as 10.20.0.254")
)]
pub struct NeighborSpec {
    /// Its address. Next attachment.
    #[schemars(length(min = 1, max = 39))]
    pub address: String,
    /// Its hardware address. Next attachment.
    #[schemars(
        length(max = 17),
        regex(pattern = r"^[0-9a-fA-F][02468aceACE]([:-][0-9a-fA-F]{2}){5}$")
    )]
    pub mac: String,
}
