//! Objects as Go reads them.

use super::*;

#[test]
fn keys_match_without_regard_to_case_and_the_last_one_wins() {
    let object = Object::read(r#"{"mtu": 1, "MTU": 2, "Mtu": null, "m\u0074u": 3}"#).unwrap();

    assert_eq!(object.get::<i64>("mtu").unwrap(), Some(3));
    assert_eq!(object.get::<i64>("master").unwrap(), None);
}

#[test]
fn null_is_as_good_as_absent() {
    let object = Object::read(r#"{"a": null, "list": [null, {"b": null}], "o": null}"#).unwrap();

    assert_eq!(object.value::<String>("a").unwrap(), "");
    assert!(object.object("o").unwrap().is_none());
    assert_eq!(object.objects("list").unwrap().len(), 1);
    assert_eq!(object.objects("none").unwrap().len(), 0);
    assert!(Object::read("null").unwrap().raw("a").is_none());
}

#[test]
fn a_value_of_another_kind_is_an_error_that_names_its_key() {
    let object = Object::read(r#"{"mtu": "1400", "ipam": []}"#).unwrap();

    let error = object.get::<i64>("mtu").unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read \"mtu\": invalid type: string"),
        "{error}"
    );
    assert!(object.object("ipam").is_err());
    assert!(Object::read("[]").is_err());
}
