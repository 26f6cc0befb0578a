//! Prints the CustomResourceDefinitions, or writes them into the folder that is named.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let files = landfall_crds::yaml::files()?;
    let folder = std::env::args().nth(1);
    for (name, text) in files {
        match &folder {
            Some(folder) => fs::write(Path::new(folder).join(name), text)?,
            None => print!("---\n{text}"),
        }
    }
    Ok(())
}
