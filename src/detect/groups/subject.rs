//! A window as a subject: its scores and its line in words.

use super::{Gathered, Scored};
use crate::domain::{Plan, RankBy, Stage, Subject};
use std::fmt::Write as _;

/// Programs named in a title.
const NAMED: usize = 6;

pub(super) fn subject(groups: &Gathered, scored: &Scored, index: usize, plan: &Plan, stage: Stage) -> Subject {
    let window = &groups.windows.list[index];
    let pattern = &groups.windows.patterns[window.pattern as usize];
    let members = || window.launches.iter().map(|&launch| &groups.processes.list[launch as usize]);
    let rarity: f64 = pattern.iter().map(|&(name, _)| scored.frequencies.bits(groups.names.name(name))).sum();
    let loss = scored.distances.get(window.pattern as usize).copied();
    let learned = scored.launches.as_ref().map(|launches| launches.1.score(window, &groups.kinds));
    let whole = scored.launches.as_ref().map(|launches| launches.0.score(window, &groups.kinds));
    let prior = whole.zip(learned).map(|(whole, learned)| whole - learned);
    let first = members().next();
    let host = first.map_or("", |process| &process.computer);
    let user = first.and_then(|process| process.user.clone()).filter(|_| groups.setup.by_user);
    let mut kind = format!("process group, {} on {host}", length(groups.setup.window_seconds));
    if let Some(user) = &user {
        write!(kind, ", {user}").ok();
    }
    let mut subject = Subject {
        key: first.map(|process| process.key).unwrap_or_default(),
        title: title(groups, pattern).into(),
        subject: kind.into(),
        count: window.launches.len() as u64,
        first_seen: members().filter_map(|process| process.start).min(),
        last_seen: members().filter_map(|process| process.start).max(),
        computer: first.map(|process| process.computer.clone()).filter(|computer| !computer.is_empty()),
        user: first.and_then(|process| process.user.clone()),
        channel: first.and_then(|process| process.channel.clone()),
        provider: first.and_then(|process| process.provider.clone()),
        event_id: first.map(|process| process.event_id),
        record_id: first.and_then(|process| process.record_id),
        image: first.map(|process| process.image.clone()).filter(|image| !image.is_empty()),
        command_line: first.and_then(|process| process.command_line.clone()),
        learned,
        prior,
        loss,
        rarity: Some(rarity),
        members: members().flat_map(|process| [Some(process.key), process.twin]).flatten().collect(),
        ..Subject::default()
    };
    let by = if stage == Stage::First { RankBy::Rarity } else { plan.rank_by };
    subject.score = subject.value(by, plan.preset).unwrap_or(rarity);
    subject
}

/// `12 launches of 3 programs: cmd.exe 7, whoami.exe 4, net.exe`
fn title(groups: &Gathered, pattern: &[(u32, u32)]) -> String {
    let launches: u32 = pattern.iter().map(|(_, launches)| launches).sum();
    let mut programs: Vec<(u32, &str)> = pattern.iter().map(|&(name, launches)| (launches, groups.names.name(name))).collect();
    programs.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let named: Vec<String> =
        programs.iter().take(NAMED).map(|(launches, name)| if *launches > 1 { format!("{name} {launches}") } else { (*name).to_owned() }).collect();
    let more = if programs.len() > NAMED { format!(" and {} more", programs.len() - NAMED) } else { String::new() };
    let plural = |n: usize, word: &str| if n == 1 { format!("1 {word}") } else { format!("{n} {word}") };
    let launches = if launches == 1 { "1 launch".to_owned() } else { format!("{launches} launches") };
    let programs = if programs.len() == 1 { plural(1, "program") } else { plural(programs.len(), "programs") };
    format!("{launches} of {programs}: {}{more}", named.join(", "))
}

/// A window's length in words.
pub(super) fn length(seconds: u64) -> String {
    match seconds {
        86_400 => "1 day".into(),
        3600 => "1 hour".into(),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}
