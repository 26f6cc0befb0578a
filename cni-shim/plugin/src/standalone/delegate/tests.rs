//! Plugins of a few lines.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;

struct Script(PathBuf);

impl Script {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("landfall-delegate-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("plugin");
        fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn call(&self, input: &str) -> Result<String, CniError> {
        let path = format!("/nowhere:{}", self.0.display());
        call(&find("plugin", &path)?, Verb::Add, input)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_plugin_gets_the_configuration_and_its_verb() {
    let script = Script::new("echo", "echo $CNI_COMMAND; cat");

    let input = "x".repeat(1 << 20);
    assert_eq!(script.call(&input), Ok(format!("ADD\n{input}")));
}

#[test]
fn a_plugins_error_keeps_its_code() {
    let script = Script::new(
        "error",
        r#"echo '{"code": 11, "MSG": "later", "details": "d"}'; exit 1"#,
    );

    let error = script.call("").unwrap_err();
    assert_eq!(error.code, Code::TryAgainLater);
    assert_eq!((error.msg.as_str(), error.details.as_str()), ("later", "d"));
}

#[test]
fn a_plugin_that_fails_without_an_error_is_told_by_what_it_left() {
    for (name, text, msg) in [
        (
            "silent",
            "exit 3",
            "netplugin failed with no error message: exit status 3",
        ),
        (
            "stderr",
            "printf no >&2; exit 1",
            "netplugin failed: \"no\": exit status 1",
        ),
        (
            "killed",
            "kill -9 $$",
            "netplugin failed with no error message: signal: 9",
        ),
        (
            "garbage",
            "printf panic; exit 2",
            "netplugin failed but error parsing its diagnostic message \"panic\": expected value at \
             line 1 column 1",
        ),
    ] {
        let error = Script::new(name, text).call("").unwrap_err();
        assert_eq!((error.code, error.msg.as_str()), (Code::Other(0), msg));
    }
}

#[test]
fn a_plugin_is_a_regular_file_in_cni_path() {
    for (name, path, msg) in [
        ("", "/bin", "no plugin name provided"),
        ("../sh", "/bin", "invalid plugin name: ../sh"),
        (
            "nope",
            "/bin:/usr/bin",
            "failed to find plugin \"nope\" in path [/bin /usr/bin]",
        ),
        ("usr", "/", "failed to find plugin \"usr\" in path [/]"),
    ] {
        let error = find(name, path).unwrap_err();
        assert_eq!((error.code, error.msg.as_str()), (Code::INTERNAL, msg));
    }
}
