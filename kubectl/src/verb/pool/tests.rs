use super::pool;
use crate::samples::Objects;

#[test]
fn a_pool_is_told_with_its_numbers_its_namespaces_and_its_holders() {
    let answer = pool(&Objects::good().snapshot(), "lan").unwrap();
    assert_eq!(answer.json["addresses"]["ipv4"]["free"], 252);
    assert_eq!(answer.json["heldByNamespace"]["shop"], 2);
    assert_eq!(answer.json["holdings"].as_array().unwrap().len(), 2);
    for part in ["IPv4     254", "NAMESPACE   HELD (of 5)", "shop/web"] {
        assert!(answer.text.contains(part), "{part:?}: {}", answer.text);
    }
}

#[test]
fn a_network_that_is_not_there_is_a_fault() {
    let error = pool(&Objects::good().snapshot(), "wan").unwrap_err();
    assert_eq!(error.to_string(), "there is no network wan");
}
