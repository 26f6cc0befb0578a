//! Agents that die before and after each of their effects on files and on the kernel.

use std::{fs, time::Instant};

use anyhow::{Result, bail, ensure};
use landfall_tests::stage::kube::OURS;
use serde_json::json;

use crate::{
    audit, choice,
    control::{SERVER, STAGE},
    crash, docs,
    kubelet::Pod,
    node::Node,
    operator,
    place::Program,
    world::{self, World, until},
};

const NETWORK: &str = "lan";
/// So many deaths in CI.
const MOST: usize = 24;

/// What an agent that dies is doing.
#[derive(Clone, Copy, Debug)]
enum Scene {
    /// It starts on a new node; pods start, one twice, and end.
    Pods,
    /// It starts again; a DEL has waited for it.
    Again,
    /// It is uninstalled, and comes back.
    Uninstall,
    /// A record of its folder can't be read.
    Unreadable,
}

const SCENES: [Scene; 4] = [
    Scene::Pods,
    Scene::Again,
    Scene::Uninstall,
    Scene::Unreadable,
];

/// An agent, and the one that kubelet starts in its place when it has ended.
struct Agent<'a> {
    node: &'a Node,
    program: Option<Program>,
    died: bool,
}

// === impl Agent ===

impl Agent<'_> {
    fn start(&mut self, environment: &[(&str, &str)]) {
        self.program = Some(self.node.start_agent(environment));
    }

    /// Starts the next one, if it has ended.
    fn turn(&mut self) {
        if self.program.as_mut().is_some_and(Program::has_ended) {
            self.died = true;
            self.start(&[]);
        }
    }

    fn end(&mut self) {
        self.program = None;
    }

    fn ready(&mut self) -> Result<()> {
        let node = self.node;
        until("the agent is ready", &mut || self.turn(), || node.answers())
    }
}

/// One run of a scene. Returns whether the agent died.
fn play(world: &World, node: &Node, scene: Scene, environment: &[(&str, &str)]) -> Result<bool> {
    let mut agent = Agent {
        node,
        program: None,
        died: false,
    };
    let mut pods = Vec::new();
    let result = act(world, &mut agent, scene, environment, &mut pods);
    let result = result.and_then(|()| {
        until("all is at rest", &mut || agent.turn(), || {
            audit::at_rest(world.api(), &[node], &pods)
        })?;
        let pings = pods.iter().filter_map(|pod| pod.sandbox.as_ref());
        for sandbox in pings {
            ensure!(
                sandbox.netns.pings("10.9.1.1"),
                "{} is cut off",
                sandbox.container
            );
        }
        // What everybody had goes back.
        for pod in &mut pods {
            if pod.sandbox.is_some() {
                pod.delete(NETWORK, &mut || agent.turn())?;
            }
        }
        until("nothing is left", &mut || agent.turn(), || {
            audit::at_rest(world.api(), &[node], &pods)
        })
    });
    if let (Err(_), Some(program)) = (&result, &agent.program) {
        eprintln!("{}", program.tail());
    }
    if result.is_err() {
        // Or the next run would find them.
        for pod in &mut pods {
            pod.cut_off();
            drop(pod.forget());
        }
    }
    let died = agent.died;
    agent.end();
    node.wipe();
    result.map(|()| died)
}

fn act<'a>(
    world: &'a World,
    agent: &mut Agent<'a>,
    scene: Scene,
    environment: &[(&str, &str)],
    pods: &mut Vec<Pod<'a>>,
) -> Result<()> {
    let node = agent.node;
    let bind = |role| Pod::bind(world.api(), node, role, NETWORK);
    if matches!(scene, Scene::Pods) {
        agent.start(environment);
        agent.ready()?;
        pods.extend(["stays", "goes"].map(bind));
        for index in [0, 1, 0] {
            pods[index].start(NETWORK, &mut || agent.turn())?;
        }
        pods[1].delete(NETWORK, &mut || agent.turn())?;
        return Ok(());
    }
    agent.start(&[]);
    agent.ready()?;
    pods.extend(["stays", "goes"].map(bind));
    for pod in &mut *pods {
        pod.start(NETWORK, &mut || agent.turn())?;
    }
    match scene {
        Scene::Pods => {}
        Scene::Again => {
            agent.end();
            pods[1].delete(NETWORK, &mut || {})?;
            agent.start(environment);
        }
        Scene::Uninstall => {
            agent.end();
            agent.start(environment);
            agent.ready()?;
            uninstall(world, agent, true)?;
            until("it is out", &mut || agent.turn(), || node.is_chained(false))?;
            uninstall(world, agent, false)?;
            until("it is back", &mut || agent.turn(), || node.is_chained(true))?;
            pods[1].delete(NETWORK, &mut || agent.turn())?;
        }
        Scene::Unreadable => {
            agent.end();
            fs::write(node.run_dir().join("attachments/odd:net1.json"), "{")?;
            agent.start(environment);
            agent.ready()?;
            until("it is set aside", &mut || agent.turn(), || node.set_aside())?;
            pods[1].delete(NETWORK, &mut || agent.turn())?;
        }
    }
    agent.ready()
}

fn uninstall(world: &World, agent: &Agent<'_>, out: bool) -> Result<()> {
    let path = format!("{OURS}/landfallnodes/{}", agent.node.name);
    let changes = json!({"spec": {"uninstall": out}});
    world.api().patch(&path, &changes)
}

#[test]
fn an_agent_that_dies_before_or_after_any_effect_leaves_nothing_behind() -> Result<()> {
    world::run(|world| {
        let node = Node::new(1, world, SERVER);
        let _operator = operator::start(world, SERVER);
        world.network(NETWORK, 1)?;
        let mut all = Vec::new();
        for scene in SCENES {
            let passings = record(world, &node, scene)?;
            eprintln!("{scene:?}: {} passings", passings.len());
            all.extend(passings.into_iter().map(|passing| (scene, passing)));
        }
        let passings: Vec<_> = all
            .iter()
            .map(|(_, passing): &(_, String)| passing.clone())
            .collect();
        docs::check("agent", &crash::effects(&passings));
        let (mut missed, mut failed) = (Vec::new(), Vec::new());
        let chosen = choice::some(all, MOST);
        let count = chosen.len();
        for (scene, passing) in chosen {
            let start = Instant::now();
            let died = play(world, &node, scene, &[(crash::AT, &passing)]);
            let name = format!("{scene:?}, {passing}");
            let seconds = start.elapsed().as_secs_f32();
            eprintln!("{name}: {died:?}, {seconds:.1} s");
            match died {
                Ok(true) => {}
                Ok(false) => missed.push(name),
                Err(error) => failed.push(format!("{name}: {error:#}")),
            }
        }
        ensure!(failed.is_empty(), "{failed:#?}");
        eprintln!("{count} deaths; passed by in a second run: {missed:?}");
        // Threads take turns as they like: the last passing of a name may be missing in another run.
        ensure!(missed.len() <= 1 + count / 10, "{missed:?}");
        Ok(())
    })
}

/// The passings of a run in which nobody dies.
fn record(world: &World, node: &Node, scene: Scene) -> Result<Vec<String>> {
    let path = STAGE.folder().join(format!("{scene:?}.passings"));
    let name = path.display().to_string();
    if play(world, node, scene, &[(crash::RECORD, &name)])? {
        bail!("{scene:?}: the agent ended by itself");
    }
    let text = fs::read_to_string(&path)?;
    Ok(text.lines().map(str::to_owned).collect())
}
