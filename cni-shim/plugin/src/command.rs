//! What a person calls: `landfall import FILE`, `landfall explain FILE`.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::{
    config::MAX_INPUT,
    import::{self, Fault},
};

const IMPORT_HELP: &str = "\
Prints the MacvlanNetwork or IpvlanNetwork (YAML) that does what another product's configuration did.
A comment stands for whatever has no equivalent. Nothing is changed anywhere.

Usage: landfall import FILE      - is the standard input

FILE is one of
  a CNI configuration     .conf or .conflist, of type macvlan, ipvlan or vlan, with the IPAM plugins
                          host-local, static, dhcp or whereabouts; rkt's files in net.d are of this form
  docker network inspect  its output, for networks with the driver macvlan or ipvlan
  Kubernetes objects      a NetworkAttachmentDefinition, or a list of them, as YAML or JSON
  cloud-config            with write_files into a folder net.d

Example: docker network inspect pub_net | landfall import - | kubectl apply -f -

Exit codes: 0 printed, 1 nothing in it can be imported, 2 wrong arguments, 3 the file can't be read
";

const EXPLAIN_HELP: &str = "\
Prints the commands of ip(8) that do by hand what a configuration describes, for one sandbox: the network
namespace pod, the interface net1 in it. Nothing is changed anywhere.

Usage: landfall explain FILE      - is the standard input

FILE is one of those that landfall import reads; landfall import --help lists them.

Exit codes: 0 printed, 1 nothing in it can be explained, 2 wrong arguments, 3 the file can't be read
";

/// What a command says, and how it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// For the standard output.
    pub result: String,
    /// For the standard error; without its last line break.
    pub remark: String,
    /// The exit code.
    pub code: u8,
}

/// `landfall import ARGUMENTS`.
pub fn import(arguments: &[String]) -> Said {
    of_file("import", IMPORT_HELP, arguments, import::import)
}

/// `landfall explain ARGUMENTS`.
pub fn explain(arguments: &[String]) -> Said {
    of_file("explain", EXPLAIN_HELP, arguments, import::explain)
}

/// A command that makes one text of another.
fn of_file(
    command: &str,
    help: &str,
    arguments: &[String],
    made_of: fn(&str, &str) -> Result<String, Fault>,
) -> Said {
    let file = match one_file(command, help, arguments) {
        Ok(file) => file,
        Err(said) => return said,
    };
    let name = match file {
        "-" => "stdin".to_owned(),
        path => {
            let name = Path::new(path).file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        }
    };
    let text = match read(file) {
        Ok(text) => text,
        Err(error) => return Said::fail(3, format!("landfall {command}: {name}: {error}")),
    };
    match made_of(&name, &text) {
        Ok(result) => Said {
            result,
            ..Said::default()
        },
        Err(fault) => Said::fail(1, format!("landfall {command}: {fault}")),
    }
}

/// The only argument, unless it asks for help.
fn one_file<'a>(command: &str, help: &str, arguments: &'a [String]) -> Result<&'a str, Said> {
    let usage = |problem: &str| {
        Said::fail(
            2,
            format!("landfall {command}: {problem}; try landfall {command} --help"),
        )
    };
    match arguments {
        [help_wanted] if ["--help", "-h"].contains(&help_wanted.as_str()) => Err(Said {
            result: help.to_owned(),
            ..Said::default()
        }),
        [option] if option.starts_with('-') && option != "-" => {
            Err(usage(&format!("unknown option {option}")))
        }
        [file] => Ok(file),
        [] => Err(usage("a file is missing")),
        [_, _, ..] => Err(usage("only one file is read at a time")),
    }
}

fn read(file: &str) -> io::Result<String> {
    let input: Box<dyn Read> = match file {
        "-" => Box::new(io::stdin().lock()),
        path => Box::new(File::open(path)?),
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_INPUT).unwrap_or(u64::MAX);
    input
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() > MAX_INPUT {
        let text = format!("it is longer than {MAX_INPUT} bytes");
        return Err(io::Error::other(text));
    }
    String::from_utf8(bytes).map_err(io::Error::other)
}

impl Said {
    const fn fail(code: u8, remark: String) -> Self {
        Self {
            result: String::new(),
            remark,
            code,
        }
    }
}
