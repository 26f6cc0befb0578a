//! The one place that every write of the operator passes.

use axum::http::Method;
use kube::{Client, client::Body};
use tower::service_fn;

use super::Leadership;

/// A request that writes was not sent: another operator leads, or this one ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not sent: this operator does not lead")]
pub(crate) struct NotLeading;

/// A client that reads at any time, and writes only while this operator leads. What has been sent is
/// waited for, also if leadership ends meanwhile.
pub(crate) fn gated(client: Client, leadership: &Leadership) -> Client {
    let namespace = client.default_namespace().to_owned();
    let leadership = leadership.clone();
    let gate = move |request: axum::http::Request<Body>| {
        let (client, leadership) = (client.clone(), leadership.clone());
        async move {
            if request.method() == Method::GET {
                return client.send(request).await;
            }
            let Some(writing) = leadership.write() else {
                return Err(kube::Error::Service(NotLeading.into()));
            };
            let answer = client.send(request).await;
            drop(writing);
            answer
        }
    };
    Client::new(service_fn(gate), namespace)
}
