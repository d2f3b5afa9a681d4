//! What the documents refer to is there.

use std::path::Path;

/// Targets of Markdown links that are no addresses.
fn links(text: &str) -> Vec<&str> {
    let ends = text.match_indices("](").map(|(at, found)| at + found.len());
    let target = |from: usize| text[from..].split([')', '#']).next().unwrap_or_default();
    ends.map(target).filter(|target| !target.is_empty() && !target.contains("://")).collect()
}

/// Words in backticks that look like paths of the repository.
fn paths(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| ["src/", "tests/", "assets/", "docs/", "benches/"].iter().any(|start| word.starts_with(start)) && !word.contains([' ', '*', '<']))
        .collect()
}

#[test]
fn links_and_paths_in_the_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("CONTRIBUTING.md")];
    pages.extend(std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "md")));
    assert!(pages.len() >= 4);
    let mut astray = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let beside = page.parent().unwrap();
        astray.extend(links(&text).into_iter().filter(|target| !beside.join(target).exists()).map(|target| format!("{}: {target}", page.display())));
        astray.extend(paths(&text).into_iter().filter(|path| !root.join(path).exists()).map(|path| format!("{}: {path}", page.display())));
    }
    assert!(astray.is_empty(), "{}", astray.join("\n"));
}
