//! Knowledge of ordinary Windows hosts, compiled in from `assets/synth/`: programs, what starts what, services, tasks, shapes of events, words.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A program as its version information describes it.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) key: &'static str,
    pub(super) path: &'static str,
    pub(super) description: &'static str,
    pub(super) product: &'static str,
    pub(super) company: &'static str,
    pub(super) version: &'static str,
    pub(super) original: &'static str,
}

/// One way in which a program starts another.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) parent: &'static str,
    pub(super) program: &'static str,
    /// The name under which later rows refer to the process: `svchost:Schedule`.
    pub(super) instance: &'static str,
    pub(super) weight: f64,
    pub(super) integrity: &'static str,
    pub(super) user: &'static str,
    pub(super) life: f64,
    pub(super) command: &'static str,
}

/// What a program does to files, the registry, the network.
#[derive(Debug)]
pub(super) struct Effect {
    pub(super) kind: &'static str,
    pub(super) mean: f64,
    pub(super) what: &'static str,
}

/// A service of daily life.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) shown: &'static str,
    pub(super) name: &'static str,
    pub(super) weight: f64,
}

/// A scheduled task.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) name: &'static str,
    pub(super) action: &'static str,
    pub(super) program: Option<&'static str>,
    pub(super) user: &'static str,
    pub(super) weight: f64,
    pub(super) hosts: &'static str,
    pub(super) command: &'static str,
}

/// The shape of an event, as its row in `events.tsv` gives it.
#[derive(Debug)]
pub(super) struct ShapeRow {
    pub(super) key: &'static str,
    pub(super) provider: &'static str,
    pub(super) guid: &'static str,
    pub(super) id: u16,
    pub(super) version: u8,
    pub(super) level: u8,
    pub(super) task: u16,
    pub(super) opcode: u8,
    pub(super) keywords: u64,
    pub(super) channel: &'static str,
    pub(super) user: &'static str,
    pub(super) element: &'static str,
    pub(super) qualifiers: Option<u16>,
    pub(super) fields: Vec<(&'static str, &'static str)>,
}

/// Words from which names are drawn.
#[derive(Debug, Deserialize)]
pub(super) struct Words {
    pub(super) domains: Vec<String>,
    pub(super) first: Vec<String>,
    pub(super) last: Vec<String>,
    pub(super) topics: Vec<String>,
    pub(super) things: Vec<String>,
    pub(super) sites: Vec<String>,
    pub(super) extensions: Vec<String>,
    pub(super) departments: Vec<String>,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) programs: BTreeMap<&'static str, Program>,
    /// By what calls for them (`boot`, `logon`, `user`, `machine`, `admin`, ...), in the file's order.
    pub(super) launches: BTreeMap<&'static str, Vec<Launch>>,
    /// What a program brings along, by its key.
    pub(super) children: BTreeMap<&'static str, Vec<Launch>>,
    pub(super) effects: BTreeMap<&'static str, Vec<Effect>>,
    pub(super) services: Vec<Service>,
    pub(super) tasks: Vec<Task>,
    pub(super) shapes: Vec<ShapeRow>,
    pub(super) words: Words,
}

static TABLES: LazyLock<Result<Tables>> = LazyLock::new(Tables::read);

/// The tables, read once.
///
/// # Errors
/// When a compiled-in table is malformed; a test keeps that from happening.
pub(super) fn tables() -> Result<&'static Tables> {
    TABLES.as_ref().map_err(|error| anyhow::anyhow!("assets/synth: {error:#}"))
}

/// The rows of a table with `N` columns.
fn rows<const N: usize>(name: &str, text: &'static str) -> Result<Vec<[&'static str; N]>> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').collect();
        match <[&str; N]>::try_from(cells) {
            Ok(cells) => found.push(cells),
            Err(cells) => bail!("{name}, line {}: {} columns instead of {N}", index + 1, cells.len()),
        }
    }
    Ok(found)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().with_context(|| format!("'{text}' is no number"))
}

impl Tables {
    fn read() -> Result<Self> {
        let mut vendors = BTreeMap::new();
        for [key, product, company, version] in rows("vendors.tsv", include_str!("../../assets/synth/vendors.tsv"))? {
            vendors.insert(key, (product, company, version));
        }
        let mut programs = BTreeMap::new();
        for [key, path, description, vendor, original] in rows("programs.tsv", include_str!("../../assets/synth/programs.tsv"))? {
            let (product, company, version) = *vendors.get(vendor).with_context(|| format!("programs.tsv: unknown vendor {vendor}"))?;
            let original = if original.is_empty() { path.rsplit('\\').next().unwrap_or(path) } else { original };
            programs.insert(key, Program { key, path, description, product, company, version, original });
        }
        let mut launches: BTreeMap<_, Vec<Launch>> = BTreeMap::new();
        let mut children: BTreeMap<_, Vec<Launch>> = BTreeMap::new();
        for [when, parent, instance, weight, integrity, user, life, command] in rows("launches.tsv", include_str!("../../assets/synth/launches.tsv"))? {
            let name = instance.split(':').next().unwrap_or(instance);
            let program = programs.get(name).with_context(|| format!("launches.tsv: unknown program {name}"))?.key;
            let launch = Launch { parent, program, instance, weight: number(weight)?, integrity, user, life: number(life)?, command };
            if when == "child" { children.entry(parent).or_default().push(launch) } else { launches.entry(when).or_default().push(launch) }
        }
        let mut effects: BTreeMap<_, Vec<Effect>> = BTreeMap::new();
        for [program, kind, mean, what] in rows("effects.tsv", include_str!("../../assets/synth/effects.tsv"))? {
            effects.entry(program).or_default().push(Effect { kind, mean: number(mean)?, what });
        }
        let services = rows("services.tsv", include_str!("../../assets/synth/services.tsv"))?;
        let services = services.into_iter().map(|[shown, name, weight]| Ok(Service { shown, name, weight: number(weight)? })).collect::<Result<_>>()?;
        let mut tasks = Vec::new();
        for [name, action, program, user, weight, hosts, command] in rows("tasks.tsv", include_str!("../../assets/synth/tasks.tsv"))? {
            let program = if program == "-" { None } else { Some(programs.get(program).with_context(|| format!("tasks.tsv: unknown program {program}"))?.key) };
            tasks.push(Task { name, action, program, user, weight: number(weight)?, hosts, command });
        }
        let words = toml::from_str(include_str!("../../assets/synth/words.toml")).context("words.toml")?;
        Ok(Self { programs, launches, children, effects, services, tasks, shapes: shapes()?, words })
    }
}

fn shapes() -> Result<Vec<ShapeRow>> {
    let mut shapes = Vec::new();
    for [key, provider, guid, id, version, level, task, opcode, keywords, channel, user, element, qualifiers, fields] in
        rows("events.tsv", include_str!("../../assets/synth/events.tsv"))?
    {
        let fields = fields
            .split(',')
            .map(|field| field.split_once(':').with_context(|| format!("events.tsv, {key}: field '{field}' has no kind")))
            .collect::<Result<_>>()?;
        shapes.push(ShapeRow {
            key,
            provider,
            guid,
            id: number(id)?,
            version: number(version)?,
            level: number(level)?,
            task: number(task)?,
            opcode: number(opcode)?,
            keywords: u64::from_str_radix(keywords, 16)?,
            channel,
            user,
            element,
            qualifiers: if qualifiers == "-" { None } else { Some(number(qualifiers)?) },
            fields,
        });
    }
    Ok(shapes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_reads_and_every_name_in_them_is_known() {
        let tables = tables().expect("compiled in");
        assert!(tables.programs.len() > 100 && tables.shapes.len() > 50);
        for program in tables.effects.keys().chain(tables.children.keys()) {
            assert!(tables.programs.contains_key(program), "{program}");
        }
        let boot: Vec<&str> =
            ["boot", "boot.server", "boot.file", "boot.dc"].iter().flat_map(|when| &tables.launches[when]).map(|launch| launch.instance).collect();
        for (when, launches) in &tables.launches {
            for launch in launches {
                let known = boot.contains(&launch.parent) || tables.programs.contains_key(launch.parent) || launch.parent == "system";
                assert!(known, "{when}: {}", launch.parent);
            }
        }
    }
}
