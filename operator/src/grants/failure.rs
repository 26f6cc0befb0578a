//! Why a request did not do what it should.

use std::time::Duration;

use kube::core::{Status, response::StatusDetails};

use crate::leader::NotLeading;

/// How long a request may take. Longer, its outcome is unknown and the object is read again.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Why a request did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The object is not the version that was asked for.
    #[error("the object has changed since it was read: {0}")]
    Lost(String),
    /// The API server will not have it: its schema, an admission policy or RBAC says so. The same write
    /// is refused again until somebody changes that.
    #[error("the API server refuses it: {0}")]
    Refused(String),
    /// There is no such object.
    #[error("the object is not there")]
    Gone,
    /// There is one already.
    #[error("the object is there already")]
    Exists,
    /// It was not sent.
    #[error(transparent)]
    NotLeading(NotLeading),
    /// No answer: it may have been done, or be done later.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Silence,
    /// The API server's answer is not one of ours.
    #[error("unexpected answer: {0}")]
    Answer(&'static str),
    /// Anything else.
    #[error(transparent)]
    Api(kube::Error),
}

// === impl Failure ===

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        if let kube::Error::Service(reason) = &error
            && let Some(reason) = reason.downcast_ref::<NotLeading>()
        {
            return Self::NotLeading(*reason);
        }
        let kube::Error::Api(status) = &error else {
            return Self::Api(error);
        };
        let message = || status.message.clone();
        if status.is_already_exists() {
            Self::Exists
        } else if status.is_conflict() || is_failed_patch(status) {
            Self::Lost(message())
        } else if status.is_invalid() || status.is_forbidden() {
            Self::Refused(message())
        } else if status.is_not_found() {
            Self::Gone
        } else {
            Self::Api(error)
        }
    }
}

/// Waits for an answer, at most [`PATIENCE`].
pub(super) async fn within<T>(
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(PATIENCE, request).await {
        Err(_) => Err(Failure::Silence),
        Ok(answer) => Ok(answer?),
    }
}

/// A JSON patch whose `test` fails, a schema and an admission policy all answer 422 Invalid. The last two
/// name the object; of the first the API server says neither what nor why (`tests/admit/writers.rs` asks
/// the real one).
fn is_failed_patch(status: &Status) -> bool {
    let details = status.details.as_ref();
    let says_nothing =
        |details: &StatusDetails| details.name.is_empty() && details.causes.is_empty();
    status.is_invalid() && details.is_none_or(says_nothing)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// In the shape that the API server's code gives them; the third is of our own policy.
    fn answers() -> [(&'static str, serde_json::Value); 6] {
        let invalid = |message: &str, details: serde_json::Value| {
            json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "reason": "Invalid", "details": details, "code": 422,
            })
        };
        let object = json!({"name": "a", "group": "landfall.dev", "kind": "landfallnodes"});
        let cause = json!({
            "name": "a", "group": "landfall.dev", "kind": "LandfallNode",
            "causes": [{"reason": "FieldValueInvalid", "message": "Invalid", "field": "spec"}],
        });
        [
            (
                "Lost",
                invalid(
                    "the server rejected our request due to an error in our request",
                    json!({}),
                ),
            ),
            (
                "Refused",
                invalid(
                    "LandfallNode.landfall.dev \"a\" is invalid: spec: Invalid",
                    cause,
                ),
            ),
            (
                "Refused",
                invalid(
                    "landfallnodes.landfall.dev \"a\" is forbidden: ValidatingAdmissionPolicy 'p' \
                     with binding 'p' denied request: no",
                    object,
                ),
            ),
            (
                "Refused",
                json!({"status": "Failure", "message": "no", "reason": "Forbidden", "code": 403}),
            ),
            (
                "Lost",
                json!({"status": "Failure", "message": "no", "reason": "Conflict", "code": 409}),
            ),
            (
                "Exists",
                json!({"status": "Failure", "message": "no", "reason": "AlreadyExists", "code": 409}),
            ),
        ]
    }

    #[test]
    fn a_refused_write_is_not_taken_for_a_lost_one() {
        for (expected, answer) in answers() {
            let status: Status = serde_json::from_value(answer.clone()).unwrap();
            let failure = Failure::from(kube::Error::Api(Box::new(status)));
            let seen = format!("{failure:?}");
            assert!(seen.starts_with(expected), "{answer} is {seen}");
        }
    }
}
