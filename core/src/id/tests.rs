extern crate std;
use std::string::ToString;

use super::{Seq, Uid};

#[test]
fn a_uuid_reads_and_prints_the_same() {
    let text = "6f1c2f5e-3a4b-4c5d-8e9f-0123456789ab";
    assert_eq!(Uid::of(text).to_string(), text);
}

#[test]
fn a_static_pod_uid_equals_its_dashed_form() {
    let hex = "6f1c2f5e3a4b4c5d8e9f0123456789ab";
    assert_eq!(
        Uid::of(hex),
        Uid::of("6f1c2f5e-3a4b-4c5d-8e9f-0123456789ab")
    );
}

#[test]
fn any_other_text_is_hashed_and_differs() {
    assert_ne!(Uid::of("my-static-pod"), Uid::of("my-static-pot"));
    assert_ne!(Uid::of(""), Uid(0));
}

#[test]
fn seq_is_ordered_by_epoch_first() {
    let old: Seq = "7.99".parse().unwrap();
    let new: Seq = "8.1".parse().unwrap();
    assert!(old < new);
    assert_eq!(new.to_string(), "8.1");
    assert!("8".parse::<Seq>().is_err() && "-1.2".parse::<Seq>().is_err());
}
