//! The committed YAML is what the types print.

use std::{fs, path::PathBuf};

#[test]
fn the_committed_yaml_is_what_the_types_print() {
    let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("yaml");
    let files = landfall_crds::yaml::files().unwrap();
    let mut names: Vec<String> = Vec::new();
    for (name, text) in files {
        let committed = fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert!(
            committed == text,
            "yaml/{name} is stale; run `cargo run -p landfall-crds --bin crdgen -- crds/yaml`"
        );
        names.push(name);
    }
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "yaml/{name} belongs to no type");
    }
}
