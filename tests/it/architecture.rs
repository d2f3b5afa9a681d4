//! Holds the imports against the picture in `src/lib.rs`, and the dependencies against the promise that nothing phones home.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What each module may use of the others (`domain`, `control` and `files` are everybody's).
const USES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("control", &[]),
    ("files", &[]),
    ("ingest", &[]),
    ("case", &[]),
    ("features", &[]),
    ("nn", &[]),
    ("detect", &["nn", "features"]),
    ("leads", &["features", "score"]),
    ("score", &[]),
    ("export", &["score"]),
    ("synth", &[]),
    ("engine", &["ingest", "case", "detect", "leads", "nn", "features", "score", "export", "synth"]),
    ("app", &["engine", "case", "score", "export"]),
    ("ui", &["app", "engine", "case", "score", "export", "nn"]),
    ("cli", &["engine", "case", "score", "export", "ingest", "synth", "nn", "ui"]),
];

/// Crates that only some modules may use.
const CONFINED: &[(&str, &[&str])] = &[
    ("eframe", &["ui"]),
    ("egui", &["ui"]),
    ("egui_plot", &["ui"]),
    ("egui_table", &["ui"]),
    ("rfd", &["ui"]),
    ("winit", &["ui"]),
    ("burn", &["nn", "detect"]),
    ("evtx", &["ingest"]),
    ("rusqlite", &["case"]),
    ("polars", &["ingest", "case", "features"]),
    ("polars_io", &["ingest", "case", "features"]),
    ("csv", &["ingest", "export"]),
    ("indicatif", &["cli"]),
    ("clap", &["cli"]),
    ("directories", &["files", "app", "ingest", "ui"]),
    ("tempfile", &["files"]),
    ("tracing_subscriber", &["files"]),
    ("ctrlc", &["cli"]),
];

fn sources() -> BTreeMap<PathBuf, String> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path, text);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// The module a file belongs to; `None` for `lib.rs` and `main.rs`.
fn module(path: &Path) -> Option<String> {
    let relative = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let mut parts = relative.components();
    let first = parts.next()?.as_os_str().to_str()?.to_owned();
    parts.next().map(|_| first)
}

/// The part of a file before its unit tests, without comments.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]").next().unwrap_or_default();
    body.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Names that follow `prefix` in `text`, those in braces too.
fn after<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    let word = |t: &'a str| t.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let mut names = vec![];
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        if let Some(inside) = rest.strip_prefix('{') {
            let list = inside.split('}').next().unwrap_or_default();
            names.extend(list.split(',').map(|n| word(n.trim())));
        } else {
            names.push(word(rest));
        }
    }
    names
}

#[test]
fn modules_use_only_what_the_picture_allows() {
    let mut wrong = vec![];
    for (path, text) in sources() {
        let Some(module) = module(&path) else { continue };
        let (_, allowed) = USES.iter().find(|(name, _)| *name == module).unwrap_or_else(|| panic!("{module} is not in the picture"));
        for used in after(&code(&text), "crate::") {
            let known = USES.iter().any(|(name, _)| *name == used);
            if known && used != module && !["domain", "control", "files"].contains(&used) && !allowed.contains(&used) {
                wrong.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn crates_stay_in_their_modules() {
    let mut wrong = vec![];
    for (path, text) in sources() {
        let Some(module) = module(&path) else { continue };
        let code = code(&text);
        for (name, allowed) in CONFINED {
            let used = code.lines().any(|line| {
                line.match_indices(&format!("{name}::")).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    // `super::evtx::` is our own module of that name, not the crate; `::evtx::` is the crate.
                    let own = line[..at].ends_with("super::") || line[..at].ends_with("self::") || line[..at].ends_with(&format!("{module}::"));
                    !own && before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
                })
            });
            if used && !allowed.contains(&module.as_str()) {
                wrong.push(format!("{} uses the crate {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_binary_is_thin() {
    let main = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).unwrap();
    assert!(main.lines().count() < 60);
}

#[test]
fn nothing_in_the_product_speaks_http() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = std::process::Command::new(cargo)
        .args(["tree", "-e", "normal", "--locked", "--offline", "--prefix", "none", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output();
    let Ok(tree) = tree else {
        crate::support::skipped("cargo cannot be run here");
        return;
    };
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8_lossy(&tree.stdout);
    assert!(text.contains("evtx v"), "the tree lists our dependencies");
    for name in ["reqwest", "hyper", "object_store", "ureq", "isahc", "curl", "attohttpc", "surf"] {
        assert!(!text.lines().any(|l| l.starts_with(&format!("{name} v"))), "{name} is in the product");
    }
}
