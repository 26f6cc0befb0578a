use serde_json::{Value, json};

use super::AddressClaim;

fn claim(spec: &Value) -> AddressClaim {
    let object = json!({
        "apiVersion": "landfall.dev/v1alpha1",
        "kind": "AddressClaim",
        "metadata": {"name": "db", "namespace": "prod"},
        "spec": spec,
    });
    serde_json::from_value(object).unwrap()
}

#[test]
fn type_says_which_field_is_there() {
    let rows = [
        (json!({"type": "Pod", "pod": {"name": "db-0"}}), ""),
        (
            json!({"type": "StatefulSet", "statefulSet": {"name": "db"}}),
            "",
        ),
        (
            json!({"type": "Workload", "workload": {"kind": "Deployment", "name": "web"}}),
            "",
        ),
        (json!({"type": "None"}), ""),
        (json!({"type": "Pod"}), "pod goes with type Pod"),
        (
            json!({"type": "None", "pod": {"name": "db-0"}}),
            "pod goes with type Pod",
        ),
        (
            json!({"type": "Pod", "statefulSet": {"name": "db"}}),
            "statefulSet goes with",
        ),
        (
            json!({"type": "Workload", "pod": {"name": "db"}}),
            "workload goes with",
        ),
    ];
    for (owner, expected) in rows {
        let claim = claim(&json!({"network": "storage", "for": owner}));
        let text = claim.validate_cel().map_err(|errors| errors.to_string());
        let text = text.err().unwrap_or_default();
        assert!(
            text.contains(expected) && text.is_empty() == expected.is_empty(),
            "{owner}\n{text}"
        );
    }
}

#[test]
fn addresses_are_addresses_and_stand_there_once() {
    let rows = [
        (json!([]), ""),
        (json!(["10.20.0.120", "fd00:20::120"]), ""),
        (json!(["10.20.0.120/24"]), "must be an address"),
        (
            json!(["10.20.0.120", "10.20.0.120"]),
            "stands in addresses twice",
        ),
    ];
    for (addresses, expected) in rows {
        let spec = json!({"network": "storage", "for": {"type": "None"}, "addresses": addresses});
        let text = claim(&spec)
            .validate_cel()
            .map_err(|errors| errors.to_string());
        let text = text.err().unwrap_or_default();
        assert!(
            text.contains(expected) && text.is_empty() == expected.is_empty(),
            "{addresses}\n{text}"
        );
    }
}

#[test]
fn network_and_owner_are_immutable() {
    let old = claim(&json!({"network": "storage", "for": {"type": "None"}}));
    let rows = [
        (
            json!({"network": "storage", "for": {"type": "None"}, "addresses": ["10.20.0.9"]}),
            "",
        ),
        (
            json!({"network": "backup", "for": {"type": "None"}}),
            "network is immutable",
        ),
        (
            json!({"network": "storage", "for": {"type": "Pod", "pod": {"name": "a"}}}),
            "for is immutable",
        ),
    ];
    for (spec, expected) in rows {
        let text = claim(&spec)
            .validate_cel_update(&old)
            .map_err(|errors| errors.to_string());
        let text = text.err().unwrap_or_default();
        assert!(
            text.contains(expected) && text.is_empty() == expected.is_empty(),
            "{text}"
        );
    }
}
