use super::{Entry, EntryState, first_of, name};

#[test]
fn blocks_are_named_by_segment_and_first_address() {
    let rows = [
        ("10.20.1.7", "10.20.1.0", "default-0a140100"),
        ("10.20.1.255", "10.20.1.0", "default-0a140100"),
        (
            "fd00:20::1:ff",
            "fd00:20::1:0",
            "default-fd000020000000000000000000010000",
        ),
    ];
    for (address, first, expected) in rows {
        let address = address.parse().unwrap();
        assert_eq!(first_of(address).to_string(), first);
        assert_eq!(name("default", address), expected);
    }
}

#[test]
fn an_entry_reads_and_prints_the_same() {
    let text = r#"{"state":"Granted","seq":"71.4","network":"6f1c2f5e-3a4b-4c5d-8e9f-0123456789ab","node":"a","nodeUID":"6f1c2f5e-3a4b-4c5d-8e9f-0123456789ac","machineID":"6f1c2f5e-3a4b-4c5d-8e9f-0123456789ad","owner":"6f1c2f5e-3a4b-4c5d-8e9f-0123456789ae","interface":"net1","since":"2026-11-24T13:00:00.250000Z"}"#;
    let entry: Entry = serde_json::from_str(text).unwrap();
    assert!(entry.state.is_held() && !EntryState::Reserved.is_held());
    assert_eq!(serde_json::to_string(&entry).unwrap(), text);
}
