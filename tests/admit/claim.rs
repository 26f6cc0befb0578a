//! Good and bad claims.

use landfall_tests::manifest::{landfall, with};
use serde_json::{Value, json};

use crate::rows::{accepts, refuses};

fn good() -> Value {
    let spec = json!({"network": "storage", "for": {"type": "Pod", "pod": {"name": "db-0"}}});
    with(
        landfall("AddressClaim", "good", &spec),
        "/metadata/namespace",
        json!("default"),
    )
}

#[test]
fn claims_for_pods_sets_workloads_and_nobody_are_accepted() {
    let table = r#"
/spec/addresses | ["10.20.0.120", "fd00:20::120"]
/spec/for       | {"type": "StatefulSet", "statefulSet": {"name": "db"}}
/spec/for       | {"type": "Workload", "workload": {"kind": "Deployment", "name": "web"}}
/spec/for       | {"type": "None"}
"#;
    accepts(&good(), table);
}

#[test]
fn claims_that_make_no_sense_are_refused_and_say_why() {
    let table = r#"
/spec/network   | null                                      | spec.network   | Required value
/spec/network   | "ns/storage"                              | spec.network   | should match
/spec/for       | null                                      | spec.for       | Required value
/spec/for       | {"type": "Pod"}                           | spec.for       | pod goes with type Pod
/spec/for       | {"type": "None", "pod": {"name": "db-0"}} | spec.for       | pod goes with type Pod
/spec/for       | {"type": "StatefulSet"}                   | spec.for       | statefulSet goes with type StatefulSet
/spec/for       | {"type": "Workload"}                      | spec.for       | workload goes with type Workload
/spec/for       | {"type": "Deployment"}                    | spec.for.type  | supported values
/spec/addresses | ["10.20.0.120/24"]                        | spec.addresses | without a prefix length
/spec/addresses | ["10.20.0.1", "10.20.0.1"]                | spec.addresses | stands in addresses twice
"#;
    refuses(&good(), table);
}
