//! What was found once, or shows a reader's way: each file of the corpus, at the target of its folder.

use std::{fs, path::PathBuf};

/// A folder's name, and what its files are given to.
type Target = (&'static str, fn(&[u8]));

#[test]
fn no_reader_is_broken_by_what_is_known() {
    let corpus = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("corpus");
    let targets: [Target; 4] = [
        ("stdin", landfall_fuzz::stdin),
        ("cni_args", landfall_fuzz::cni_args),
        ("netlink", landfall_fuzz::netlink),
        ("socket", landfall_fuzz::socket),
    ];
    for (name, target) in targets {
        let files = fs::read_dir(corpus.join(name)).unwrap();
        let mut tried = 0;
        for file in files {
            let path = file.unwrap().path();
            println!("{}", path.display());
            target(&fs::read(path).unwrap());
            tried += 1;
        }
        assert!(tried > 0, "{name} has no corpus");
    }
}
