//! CNI_ARGS.

use super::*;

#[test]
fn known_keys_are_found_and_others_ignored_on_request() {
    let arguments = "IgnoreUnknown=TRUE;K8S_POD_NAME=p;MAC=c2:11:22:33:44:55";
    assert_eq!(
        read(arguments, ["MAC", "IP"]),
        Ok([Some("c2:11:22:33:44:55"), None])
    );
    assert_eq!(read("", ["MAC"]), Ok([None]));
}

#[test]
fn the_texts_are_those_of_the_reference_library() {
    for (arguments, text) in [
        ("FOO=bar", r#"ARGS: unknown args ["FOO=bar"]"#),
        ("A=1;mac=x", r#"ARGS: unknown args ["A=1" "mac=x"]"#),
        ("IgnoreUnknown=1;", r#"ARGS: invalid pair """#),
        ("MAC=a=b", r#"ARGS: invalid pair "MAC=a=b""#),
        (
            "IgnoreUnknown=Maybe",
            r#"ARGS: error parsing value of pair "IgnoreUnknown=Maybe": boolean unmarshal error: invalid input maybe"#,
        ),
    ] {
        assert_eq!(read(arguments, ["MAC"]).unwrap_err().to_string(), text);
    }
}
