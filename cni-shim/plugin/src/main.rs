//! The binary that the container runtime executes.

use std::{
    env,
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
};

use landfall_core::network::NetworkKind;
use landfall_plugin::{
    command::{self, Said},
    config::MAX_INPUT,
    env::Environment,
    run::{Node, Output, run},
    spec::{CniError, Code, VERSIONS, Verb},
    standalone::{self, result},
    wire::RUN_DIR,
};

const HELP: &str = "\
landfall: CNI plugin for macvlan and ipvlan networks of pods

A container runtime executes it, with CNI_COMMAND and the other variables of the CNI specification in
its environment and a network configuration on its standard input.

Usage:
  CNI_COMMAND=ADD|DEL|CHECK|GC|STATUS|VERSION landfall < CONFIGURATION
  landfall import FILE     the network that does what a configuration of CNI or Docker did
  landfall explain FILE    the commands of ip(8) that do the same by hand
  landfall --help | --version

Called as macvlan or ipvlan, or with a driver in the configuration, it takes the place of the reference
plugin of that name and needs no agent: docs/standalone.md.

Environment:
  LANDFALL_RUN_DIR   the folder of the agent's socket and of the spool [default: /run/landfall]
";

fn main() -> ExitCode {
    match env::args().nth(1).as_deref() {
        Some("--help" | "-h" | "help") => print(HELP),
        Some("--version" | "-V") => print(concat!("landfall ", env!("CARGO_PKG_VERSION"), "\n")),
        Some("import") => say(&command::import(&env::args().skip(2).collect::<Vec<_>>())),
        Some("explain") => say(&command::explain(&env::args().skip(2).collect::<Vec<_>>())),
        Some(argument) => {
            remark(&format!(
                "landfall: unknown argument {argument}; try --help"
            ));
            ExitCode::from(2)
        }
        None => call(),
    }
}

fn say(said: &Said) -> ExitCode {
    if !said.remark.is_empty() {
        remark(&said.remark);
    }
    if print(&said.result) == ExitCode::SUCCESS {
        ExitCode::from(said.code)
    } else {
        ExitCode::FAILURE
    }
}

fn call() -> ExitCode {
    // A variable that is no UTF-8 is as good as absent, and then reported as missing.
    match Environment::read(|name| env::var(name).ok()) {
        Ok(Some(environment)) => serve(&Environment {
            called_as: called_as(),
            ..environment
        }),
        Ok(None) => {
            let versions = VERSIONS.join(", ");
            remark(&format!(
                "landfall {}: CNI plugin for macvlan and ipvlan networks of pods\nCNI protocol \
                 versions supported: {versions}",
                env!("CARGO_PKG_VERSION")
            ));
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

/// A link, or a copy, of this program in place of a reference plugin.
fn called_as() -> Option<NetworkKind> {
    let name = env::args_os().next()?;
    let name = Path::new(&name).file_name()?.to_str()?;
    standalone::driver(name)
}

fn serve(environment: &Environment) -> ExitCode {
    let input = match environment.verb {
        Verb::Version => Ok(Vec::new()),
        Verb::Add | Verb::Del | Verb::Check | Verb::Gc | Verb::Status => read(),
    };
    let run_dir = env::var_os("LANDFALL_RUN_DIR").unwrap_or_else(|| RUN_DIR.into());
    let node = Node::below(Path::new(&run_dir));
    match input.and_then(|input| Ok(finish(&run(environment, &input, &node)?))) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn read() -> Result<Vec<u8>, CniError> {
    let mut input = Vec::new();
    let limit = u64::try_from(MAX_INPUT).unwrap_or(u64::MAX);
    io::stdin()
        .lock()
        .take(limit.saturating_add(1))
        .read_to_end(&mut input)
        .map_err(|error| CniError::new(Code::Io, format!("cannot read stdin: {error}")))?;
    if input.len() > MAX_INPUT {
        return Err(CniError::new(
            Code::Decode,
            format!("the network configuration is longer than {MAX_INPUT} bytes"),
        ));
    }
    Ok(input)
}

fn finish(output: &Output<'_>) -> ExitCode {
    if let Some(text) = &output.remark {
        remark(text);
    }
    print(&output.result)
}

fn fail(error: &CniError) -> ExitCode {
    print(&result::indent(error));
    ExitCode::FAILURE
}

/// To the runtime. If it is gone, nobody wants the result.
fn print(text: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// To the runtime's log.
fn remark(text: &str) {
    let mut stderr = io::stderr().lock();
    // Nowhere to complain about it.
    drop(writeln!(stderr, "{text}"));
}
