use serde_json::json;

use super::repair;

#[test]
fn what_derive_writes_is_repaired() {
    let mut schema = json!({
        "type": "object",
        "description": "One\nparagraph.\n\nAnother\none.",
        "properties": {
            "type": {"type": "string", "nullable": true, "default": null},
            "a": {"type": "integer", "format": "uint16", "maximum": 65535.0, "minimum": 0.0},
            "b": {"type": "integer", "format": "uint64", "multipleOf": 0.5},
            "c": {"type": "string", "format": "ip"},
            "d": {"type": "string", "format": "date-time"},
            "nullable": {"type": "boolean", "default": false},
        },
    });
    repair(&mut schema);
    let expected = json!({
        "type": "object",
        "description": "One paragraph.\nAnother one.",
        "properties": {
            "type": {"type": "string"},
            "a": {"type": "integer", "format": "int32", "maximum": 65535, "minimum": 0},
            "b": {"type": "integer", "format": "int64", "multipleOf": 0.5},
            "c": {"type": "string"},
            "d": {"type": "string", "format": "date-time"},
            "nullable": {"type": "boolean", "default": false},
        },
    });
    assert_eq!(schema, expected);
}
