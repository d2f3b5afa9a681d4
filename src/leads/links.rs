//! Links between nodes beside parenthood: what the traces of [`super::ground`] join to.
//!
//! Border: facts in, links out; which of them join leads is decided in [`super::group`]. Bounded: a file that many write, a name that many
//! computers have, a session that many reach connect nothing.

use super::facts::path;
use super::ground::{Ground, Map, NONE, NodeKind, SLACK};
use crate::domain::LinkKind;
use crate::features::path::base;

/// Writers of one path, or runners of it, beyond which the path connects nothing.
const COMMON: usize = 12;
/// How long after a service or task was made its program is looked for.
const SOON: i64 = 10 * 60 * 1_000_000_000;
/// How far apart two computers may tell of one connection.
const REMOTE: i64 = 20 * 1_000_000_000;
/// Computers that a seldom seen program runs on at most.
const FEW: usize = 6;

/// One link. Both ends are nodes; hubs are never ends, except of what is a fact about the hub itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    pub kind: LinkKind,
    pub a: u32,
    pub b: u32,
    /// Code of the path, name or account that connects them; [`NONE`] = none.
    pub text: u32,
}

/// Every link, in order: the most specific kinds first.
pub(super) fn links(ground: &Ground) -> Vec<Link> {
    let mut found = Vec::new();
    files(ground, &mut found);
    things(ground, &mut found);
    remote(ground, &mut found);
    remote_starts(ground, &mut found);
    programs(ground, &mut found);
    let traces = &ground.traces;
    found.extend(traces.into.iter().map(|&(a, b)| Link { kind: LinkKind::Injection, a, b, text: NONE }));
    let hub = |node: u32| ground.process(node).is_some_and(|p| p.hub);
    found.retain(|link| link.a != link.b && !hub(link.a) && !hub(link.b));
    found.sort_unstable();
    found.dedup();
    found
}

/// A file that was written, then run or loaded on the same computer.
fn files(ground: &Ground, found: &mut Vec<Link>) {
    let mut written: Map<(u32, u32), Vec<(i64, u32)>> = Map::default();
    for &(writer, path, time) in &ground.traces.wrote {
        let Some(node) = ground.nodes.get(writer as usize) else { continue };
        let list = written.entry((node.computer, path)).or_default();
        if list.len() <= COMMON && !list.iter().any(|(_, other)| *other == writer) {
            list.push((time, writer));
        }
    }
    let mut join = |user: u32, path: u32, time: i64| {
        let Some(node) = ground.nodes.get(user as usize) else { return };
        let Some(writers) = written.get(&(node.computer, path)).filter(|list| list.len() <= COMMON) else { return };
        for &(_, writer) in writers.iter().filter(|(at, _)| *at <= time.saturating_add(SLACK)) {
            found.push(Link { kind: LinkKind::File, a: writer, b: user, text: path });
        }
    };
    let mut runners: Map<(u32, u32), u32> = Map::default();
    for (at, process) in ground.processes.iter().enumerate() {
        let (Some(start), Some(node)) = (process.start, ground.nodes.get(at)) else { continue };
        let runs = runners.entry((node.computer, node.name)).or_default();
        *runs += 1;
        if *runs as usize <= COMMON {
            join(at as u32, node.name, start);
        }
    }
    for &(loader, path, time) in &ground.traces.loaded {
        join(loader, path, time);
    }
    for &(thing, path, time) in &ground.traces.runs {
        join(thing, path, time);
    }
}

/// Services and tasks with what they ran, and with who made them.
fn things(ground: &Ground, found: &mut Vec<Link>) {
    let kind_of = |thing: u32| match ground.nodes.get(thing as usize).map(|node| node.kind) {
        Some(NodeKind::Task) => LinkKind::Task,
        Some(NodeKind::Service) => LinkKind::Service,
        Some(NodeKind::Session) => LinkKind::Session,
        _ => LinkKind::File,
    };
    for &(other, thing) in &ground.traces.about {
        found.push(Link { kind: kind_of(thing), a: other, b: thing, text: NONE });
    }
    for &(task, process) in &ground.traces.started {
        found.push(Link { kind: LinkKind::Task, a: task, b: process, text: NONE });
    }
    let mut paths: Map<(u32, u32), Vec<(i64, u32)>> = Map::default();
    for &(thing, path, time) in &ground.traces.runs {
        if let Some(node) = ground.nodes.get(thing as usize) {
            let list = paths.entry((node.computer, path)).or_default();
            if list.len() <= COMMON && !list.iter().any(|(_, other)| *other == thing) {
                list.push((time, thing));
            }
        }
    }
    let mut named: Map<(u32, NodeKind, u32), u32> = Map::default();
    for (at, node) in ground.nodes.iter().enumerate() {
        if matches!(node.kind, NodeKind::Service | NodeKind::Task) {
            named.insert((node.computer, node.kind, node.name), at as u32);
        }
    }
    for (at, process) in ground.processes.iter().enumerate() {
        let Some(node) = ground.nodes.get(at) else { continue };
        let parent = ground.process(process.parent).map(|p| base(&p.image)).unwrap_or_default();
        if let Some(start) = process.start
            && matches!(parent.as_str(), "services.exe" | "svchost.exe" | "taskeng.exe" | "")
            && let Some(list) = paths.get(&(node.computer, node.name)).filter(|list| list.len() <= COMMON)
        {
            let fits = |time: i64| time <= start.saturating_add(SLACK) && start.saturating_sub(time) <= SOON;
            for &(_, thing) in list.iter().filter(|(time, _)| fits(*time)) {
                found.push(Link { kind: kind_of(thing), a: thing, b: at as u32, text: NONE });
            }
        }
        makers(ground, at as u32, node.computer, &named, found);
    }
}

/// A process whose command line makes or runs a service or task by name.
fn makers(ground: &Ground, process: u32, computer: u32, named: &Map<(u32, NodeKind, u32), u32>, found: &mut Vec<Link>) {
    let Some(facts) = ground.process(process) else { return };
    let (kind, link) = match base(&facts.image).as_str() {
        "schtasks.exe" | "at.exe" => (NodeKind::Task, LinkKind::Task),
        "sc.exe" | "net.exe" | "net1.exe" => (NodeKind::Service, LinkKind::Service),
        _ => return,
    };
    let Some(line) = facts.command_line.as_deref() else { return };
    for name in words_of(line) {
        if let Some(&thing) = ground.texts.get(&name).and_then(|name| named.get(&(computer, kind, name))) {
            found.push(Link { kind: link, a: process, b: thing, text: NONE });
        }
    }
}

/// The words of a command line, and what stands in quotes, in lower case and without leading backslashes.
fn words_of(line: &str) -> Vec<String> {
    let line = line.to_lowercase();
    let quoted = line.split('"').skip(1).step_by(2);
    let mut words: Vec<String> = quoted.chain(line.split_whitespace()).map(|word| word.trim_matches(['"', '\\', ' ']).to_owned()).collect();
    words.retain(|word| word.len() >= 3);
    words.sort_unstable();
    words.dedup();
    words
}

/// A process that reached another computer, and the session that its account began there within seconds.
fn remote(ground: &Ground, found: &mut Vec<Link>) {
    // By computer: its names and addresses.
    let mut who: Map<String, Vec<u32>> = Map::default();
    for (code, name) in ground.hosts.names().enumerate() {
        for known in [name, name.split('.').next().unwrap_or(name)] {
            let list = who.entry(known.to_owned()).or_default();
            if !known.is_empty() && !list.contains(&(code as u32)) {
                list.push(code as u32);
            }
        }
    }
    for &(computer, address) in &ground.traces.addresses {
        let list = who.entry(ground.texts.name(address).to_owned()).or_default();
        if !list.contains(&computer) && list.len() <= 2 {
            list.push(computer);
        }
    }
    let computers = |names: &[String]| -> Vec<u32> {
        let mut all: Vec<u32> = names.iter().filter_map(|name| who.get(name).or_else(|| who.get(name.split('.').next()?))).flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    // Logons over the network, by computer, in order of time.
    let mut logons: Map<u32, Vec<(i64, u32, usize)>> = Map::default();
    for (at, (session, logon, time)) in ground.traces.logons.iter().enumerate() {
        if let Some(node) = ground.nodes.get(*session as usize)
            && matches!(logon.kind, 3 | 8 | 9 | 10)
        {
            logons.entry(node.computer).or_default().push((*time, *session, at));
        }
    }
    for list in logons.values_mut() {
        list.sort_unstable();
    }
    for (node, reach, time) in &ground.traces.reaches {
        let Some(from) = ground.nodes.get(*node as usize).map(|node| node.computer) else { continue };
        if ground.process(*node).is_some_and(|p| p.hub) {
            continue;
        }
        for to in computers(&reach.to).into_iter().filter(|to| *to != from) {
            let Some(list) = logons.get(&to) else { continue };
            let begin = list.partition_point(|(at, _, _)| *at < time.saturating_sub(SLACK));
            for (_, session, logon) in list.iter().skip(begin).take_while(|(at, _, _)| *at <= time.saturating_add(REMOTE)).take(3) {
                let Some((_, logon, _)) = ground.traces.logons.get(*logon) else { continue };
                let same_account = !reach.account.is_empty() && reach.account == logon.account;
                let from_there = computers(&logon.from).contains(&from);
                let machine = logon.account.ends_with('$');
                if !machine && (same_account || (from_there && reach.account.is_empty())) {
                    found.push(Link { kind: LinkKind::Remote, a: *node, b: *session, text: NONE });
                }
            }
        }
    }
}

/// A process that was started for somebody on another computer (WMI, remote management, DCOM, tasks) moments after that account's session began over
/// the network: Windows gives such a process a session of its own.
fn remote_starts(ground: &Ground, found: &mut Vec<Link>) {
    let mut sessions: Map<(u32, &str), Vec<(i64, u32)>> = Map::default();
    for (session, logon, time) in &ground.traces.logons {
        if let Some(node) = ground.nodes.get(*session as usize)
            && matches!(logon.kind, 3 | 8)
            && !logon.account.is_empty()
            && !logon.account.ends_with('$')
        {
            sessions.entry((node.computer, &logon.account)).or_default().push((*time, *session));
        }
    }
    for list in sessions.values_mut() {
        list.sort_unstable();
    }
    for (at, process) in ground.processes.iter().enumerate() {
        let (Some(start), Some(node), Some(user)) = (process.start, ground.nodes.get(at), process.user.as_deref()) else { continue };
        let parent = ground.process(process.parent).map(|p| base(&p.image)).unwrap_or_default();
        if !matches!(parent.as_str(), "wmiprvse.exe" | "svchost.exe" | "dllhost.exe" | "taskeng.exe" | "winrshost.exe" | "wsmprovhost.exe") {
            continue;
        }
        let account = user.rsplit('\\').next().unwrap_or(user).to_lowercase();
        let Some(list) = sessions.get(&(node.computer, account.as_str())) else { continue };
        let before = list.partition_point(|(time, _)| *time <= start.saturating_add(SLACK));
        if let Some(&(time, session)) = before.checked_sub(1).and_then(|last| list.get(last))
            && start.saturating_sub(time) <= REMOTE
        {
            found.push(Link { kind: LinkKind::Remote, a: session, b: at as u32, text: NONE });
        }
    }
}

/// Start, computer and node of each run of a program.
type Runs = Vec<(i64, u32, u32)>;

/// A program seldom seen, outside the system's folders, that runs on several computers.
fn programs(ground: &Ground, found: &mut Vec<Link>) {
    let mut runs: Map<&str, Runs> = Map::default();
    for (at, process) in ground.processes.iter().enumerate() {
        let (Some(start), Some(node)) = (process.start, ground.nodes.get(at)) else { continue };
        let path = ground.texts.name(node.name);
        if !process.hub && !path.is_empty() && !path.starts_with("c:\\windows\\s") && !path.starts_with("c:\\program files") {
            runs.entry(path).or_default().push((start, node.computer, at as u32));
        }
    }
    let mut all: Vec<(&str, Runs)> = runs.into_iter().collect();
    all.sort_unstable_by_key(|(path, _)| *path);
    for (_, mut list) in all {
        list.sort_unstable();
        let mut computers: Vec<u32> = list.iter().map(|(_, computer, _)| *computer).collect();
        computers.sort_unstable();
        computers.dedup();
        if (2..=FEW).contains(&computers.len()) && list.len() <= COMMON {
            for pair in list.windows(2) {
                if let [(_, from, a), (_, to, b)] = pair
                    && from != to
                {
                    found.push(Link { kind: LinkKind::SameProgram, a: *a, b: *b, text: ground.nodes.get(*a as usize).map_or(NONE, |n| n.name) });
                }
            }
        }
    }
}

/// A link in words.
pub(super) fn words(ground: &Ground, link: Link) -> String {
    let (a, b) = (ground.title(link.a), ground.title(link.b));
    let computer = |node: u32| ground.nodes.get(node as usize).map(|node| ground.computer(node.computer)).unwrap_or_default();
    match link.kind {
        LinkKind::Parent => format!("{a} started {b}"),
        LinkKind::Injection => format!("{a} ran code in {b}"),
        LinkKind::File if path(ground.process(link.b).map_or("", |p| &p.image)) == ground.texts.name(link.text) => {
            format!("{a} wrote {}, which ran", ground.texts.name(link.text))
        }
        LinkKind::File if link.text == NONE => format!("{a} and {b}"),
        LinkKind::File => format!("{a} wrote {}, which {b} used", ground.texts.name(link.text)),
        LinkKind::Service | LinkKind::Task if (link.b as usize) < ground.processes.len() => format!("{a} ran {b}"),
        LinkKind::Service | LinkKind::Task => format!("{a} made or used {b}"),
        LinkKind::Remote if computer(link.a) == computer(link.b) => format!("{b} started moments after {a} had begun over the network, as its account"),
        LinkKind::Remote => format!("{a} on {} reached {}, where {b} began", computer(link.a), computer(link.b)),
        LinkKind::Session if (link.b as usize) < ground.processes.len() => format!("{a} and {b} ran in one logon session, moments apart"),
        LinkKind::Session => format!("{a} ran in {b}"),
        LinkKind::SameProgram => format!("{} ran on {} and on {}", ground.texts.name(link.text), computer(link.a), computer(link.b)),
        LinkKind::Account => format!("{a} and {b} are of the same account"),
        LinkKind::Burst => format!("{a} and {b} came moments apart"),
    }
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn names_are_words_or_what_stands_in_quotes() {
        let words = words_of(r#"schtasks /create /tn "\Mica Update" /sc daily /tr C:\x.exe"#);
        assert!(["mica update", "daily", r"c:\x.exe"].iter().all(|word| words.iter().any(|w| w == word)), "{words:?}");
        assert!(!words_of("sc create evilservice").iter().any(|word| word == "evil"));
    }
}
