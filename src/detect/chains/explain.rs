//! Why a chain scored as it did, in a responder's words.

use super::knowledge::Flags;
use super::launch::{Launches, Path, Shape, Texts, UserClass};
use super::scorer::{CHILD, Counted, NETWORK, Parts, RIGHTS, WORD};
use crate::domain::{Contribution, Explain, Integrity};
use std::sync::Arc;

/// Common values named per expectation.
const NAMED: usize = 3;

/// Everything needed to explain a run's chains.
pub(super) struct Explanation {
    pub(super) counted: Arc<Counted>,
    pub(super) launches: Arc<Launches>,
    /// Shape that stands for each subject.
    pub(super) shapes: Vec<u32>,
    pub(super) parts: Vec<Parts>,
}

impl Explain for Explanation {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        let Some(at) = self.shapes.get(index) else { return Vec::new() };
        let (shape, parts) = (&self.launches.shapes[*at as usize], &self.parts[*at as usize]);
        let mut points = self.learned(shape, parts);
        points.extend(self.prior(shape, &parts.flags));
        points.retain(|(points, _)| *points != 0.0);
        let whole: f64 = points.iter().map(|(points, _)| points.max(0.0)).sum::<f64>().max(f64::MIN_POSITIVE);
        points.sort_by(|a, b| b.0.total_cmp(&a.0));
        points.into_iter().map(|(points, c)| Contribution { share: points / whole, ..c }).collect()
    }
}

type Points = (f64, Contribution);

fn part(points: f64, name: &str, observed: String, expected: String) -> Points {
    (points, Contribution { name: name.into(), share: 0.0, observed, expected })
}

impl Explanation {
    fn learned(&self, shape: &Shape, parts: &Parts) -> Vec<Points> {
        let (counts, coverage, texts) = (&self.counted.counts, self.counted.coverage, &self.counted.texts);
        let child = named(texts, shape.child);
        let mut list = vec![
            part(
                coverage * CHILD * parts.child,
                "parent",
                format!("{child} started by {}, {} ({:.1} bits)", named(texts, shape.parent), self.how_often(shape), parts.child),
                self.expected_parents(shape),
            ),
            part(
                coverage * RIGHTS * parts.rights,
                "user and integrity",
                format!("{} run by {}, integrity {} ({:.1} bits)", child, shape.user.name(), shape.integrity.name(), parts.rights),
                shares(counts.rights.commonest(shape.child.name, NAMED), rights),
            ),
        ];
        if let Some((word, bits)) = counts.rarest_word(shape, texts) {
            let expected = shares(counts.words.commonest(shape.child.name, NAMED), |code| texts.name(code).to_owned());
            list.push(part(coverage * WORD * bits, "arguments", format!("'{word}' with {child} ({bits:.1} bits)"), expected));
        }
        if let Some(network) = parts.network {
            let seen = format!("{} > {} > {child}", named(texts, shape.grand), named(texts, shape.parent));
            let (name, expected) = if network > 0.0 {
                ("combination", "combinations of path, parents and user as in the baseline")
            } else {
                ("combination as in the baseline", "")
            };
            list.push(part(NETWORK * network, name, seen, expected.into()));
        }
        list
    }

    fn how_often(&self, shape: &Shape) -> String {
        let counts = &self.counted.counts.child;
        let seen = counts.seen(shape.parent.name, shape.child.name);
        match (self.counted.baseline, counts.count(shape.child.name) >= 1.0) {
            (true, _) if seen >= 1.0 => format!("known from {} distinct launches of the baseline", seen.floor()),
            (true, true) => "never seen with this parent in the baseline".into(),
            (true, false) => "never seen in the baseline".into(),
            (false, _) => format!("{seen:.0} distinct launches in this case"),
        }
    }

    fn expected_parents(&self, shape: &Shape) -> String {
        let (counts, texts) = (&self.counted.counts.child, &self.counted.texts);
        let parents = shares(counts.commonest_contexts(shape.child.name, NAMED), |code| word(texts, code));
        let children = shares(counts.commonest(shape.parent.name, NAMED), |code| word(texts, code));
        format!("started by {parents}; {} starts {children}", named(texts, shape.parent))
    }

    fn prior(&self, shape: &Shape, flags: &Flags) -> Vec<Points> {
        let texts = &self.counted.texts;
        let mut list = Vec::new();
        if flags.dual_use > 0 {
            let names: Vec<String> = [shape.grand, shape.parent, shape.child]
                .into_iter()
                .filter(|path| self.counted.knowledge.is_dual_use(texts.name(path.name)))
                .map(|path| named(texts, path))
                .collect();
            list.push(part(Flags::DUAL_USE * f64::from(flags.dual_use), "dual-use programs", names.join(", "), String::new()));
        }
        if flags.odd {
            list.push(part(Flags::ODD, "directory", texts.name(shape.child.directory).to_owned(), "programs under Windows or Program Files".into()));
        }
        if flags.url {
            list.push(part(Flags::URL, "web address in the arguments", String::new(), String::new()));
        }
        if flags.interactive {
            list.push(part(Flags::INTERACTIVE, "run by a person", String::new(), String::new()));
        }
        if flags.same_vendor {
            list.push(part(Flags::SAME_VENDOR, "vendor's program starting its own", String::new(), String::new()));
        }
        list
    }
}

fn named(texts: &Texts, path: Path) -> String {
    word(texts, path.name)
}

fn word(texts: &Texts, code: u32) -> String {
    match texts.name(code) {
        "" => "(unknown)".into(),
        name => name.into(),
    }
}

fn rights(code: u32) -> String {
    let levels = Integrity::ALL.len() as u32;
    let level = Integrity::ALL.get((code % levels) as usize).copied().unwrap_or_default();
    format!("{} {}", UserClass::named(code / levels), level.name())
}

fn shares(list: Vec<(u32, f64)>, name: impl Fn(u32) -> String) -> String {
    if list.is_empty() {
        return "nothing known".into();
    }
    list.into_iter().map(|(code, share)| format!("{} {:.0} %", name(code), share * 100.0)).collect::<Vec<_>>().join(", ")
}
