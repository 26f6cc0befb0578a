use serde_json::{Value, json};

use super::with;

#[test]
fn one_place_is_changed_and_the_rest_stays() {
    let object = json!({"a": [{"b": 1}], "c": 2});
    let rows = [
        ("/c", json!(3), json!({"a": [{"b": 1}], "c": 3})),
        ("/c", Value::Null, json!({"a": [{"b": 1}]})),
        ("/a/0/b", json!(4), json!({"a": [{"b": 4}], "c": 2})),
        (
            "/a/1/b",
            json!(4),
            json!({"a": [{"b": 1}, {"b": 4}], "c": 2}),
        ),
        (
            "/d/e",
            json!(5),
            json!({"a": [{"b": 1}], "c": 2, "d": {"e": 5}}),
        ),
        (
            "/x~1y",
            json!(6),
            json!({"a": [{"b": 1}], "c": 2, "x/y": 6}),
        ),
    ];
    for (pointer, value, expected) in rows {
        assert_eq!(with(object.clone(), pointer, value), expected, "{pointer}");
    }
}
