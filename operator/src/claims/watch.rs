//! IPAMClaims. Their definition is the NPWG's, and need not be there.

use kube::{
    Api, Client,
    api::ListParams,
    core::{ApiResource, DynamicObject},
};

use super::ClaimFacts;
use crate::watches::{Change, Optional};

pub(super) fn resource() -> ApiResource {
    ApiResource {
        group: "k8s.cni.cncf.io".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "k8s.cni.cncf.io/v1alpha1".to_owned(),
        kind: "IPAMClaim".to_owned(),
        plural: "ipamclaims".to_owned(),
    }
}

/// All of them, by a quorum read; none where there is no such thing.
pub(crate) async fn list_ipam_claims(client: &Client) -> kube::Result<Vec<ClaimFacts>> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource());
    match api.list(&ListParams::default()).await {
        Ok(list) => Ok(list.items.into_iter().map(ClaimFacts::ipam).collect()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// They, as a watch of what need not be there.
pub(crate) fn optional_ipam_claims() -> Optional<ClaimFacts> {
    Optional {
        resource: resource(),
        read: ClaimFacts::ipam,
        change: Change::IpamClaim,
    }
}
