//! Headlines: what a lead's most unusual steps did, in a sentence. Templates over named steps; nothing is made up.

use super::techniques::Place;
use crate::features::path::{base, without_program};

/// Letters of an argument list that a headline shows.
const ARGUMENTS: usize = 60;
/// Letters of a sentence that stands in for a phrase.
const SENTENCE: usize = 110;

/// One step as a headline sees it.
pub(super) struct Told<'a> {
    pub place: Place,
    pub event_id: u32,
    /// What the event is about; empty = nothing.
    pub object: &'a str,
}

/// What a step did, beginning with a verb, for `powershell.exe ... wrote x.dll`, and how much that tells: 2 what changes the system or reaches others,
/// 1 what touches files, 0 what every process does. None where the step only tells of a process that started.
pub(super) fn deed(told: &Told<'_>) -> Option<(u8, String)> {
    let worth = match (told.place, told.event_id) {
        (Place::Sysmon, 7) => u8::from(!is_system(told.object)),
        (Place::Sysmon, 10) => u8::from(base(told.object) == "lsass.exe") * 2,
        (Place::Sysmon, 2 | 11 | 15 | 22 | 23 | 26) => 1,
        (Place::Security, 4656 | 4658 | 4663 | 4703) | (Place::Sysmon, 12 | 17 | 18) => 0,
        (Place::Sysmon, 13 | 14) => u8::from(technique_key(told.object)) + 1,
        _ => 2,
    };
    Some((worth, words(told)?))
}

/// Whether a library lies where Windows keeps its own.
fn is_system(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["\\windows\\system32\\", "\\windows\\syswow64\\", "\\windows\\winsxs\\", "\\windows\\assembly\\", "\\microsoft.net\\"].iter().any(|own| path.contains(own))
}

/// Whether a registry path is one from which programs are started.
fn technique_key(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["\\currentversion\\run", "\\services\\", "image file execution options", "\\winlogon\\", "\\shell\\open\\command"].iter().any(|key| path.contains(key))
}

fn words(told: &Told<'_>) -> Option<String> {
    let object = told.object;
    let named = |text: &str| if text.is_empty() { None } else { Some(text.to_owned()) };
    Some(match (told.place, told.event_id) {
        (Place::Sysmon, 1) | (Place::Security, 4688) => return None,
        (Place::Sysmon, 3) | (Place::Security, 5156) => format!("connected to {}", named(object)?),
        (Place::Sysmon, 6) => format!("loaded the driver {}", file(object)?),
        (Place::Sysmon, 7) => format!("loaded {}", file(object)?),
        (Place::Sysmon, 8) => format!("ran code in {}", named(&base(object))?),
        (Place::Sysmon, 10) => format!("opened {}", named(&base(object))?),
        (Place::Sysmon, 11 | 15) => format!("wrote {}", file(object)?),
        (Place::Sysmon, 23 | 26) => format!("deleted {}", file(object)?),
        (Place::Sysmon, 12..=14) => format!("changed the registry at {}", tail(object)?),
        (Place::Sysmon, 17) => "made a named pipe".into(),
        (Place::Sysmon, 18) => "connected to a named pipe".into(),
        (Place::Sysmon, 19..=21) => "subscribed to WMI events".into(),
        (Place::Sysmon, 22) => format!("looked up {}", named(object)?),
        (Place::Sysmon, 25) => "had its image tampered with".into(),
        (Place::System, 7045) | (Place::Security, 4697) => format!("installed the service {}", quoted(object)?),
        (Place::Security, 4698) | (Place::Tasks, 106) => format!("created the task {}", quoted(object)?),
        (Place::Security, 4699) | (Place::Tasks, 141) => format!("deleted the task {}", quoted(object)?),
        (Place::Security, 4702) | (Place::Tasks, 140) => format!("changed the task {}", quoted(object)?),
        (Place::Security, 4624) => format!("logged on as {}", named(object)?),
        (Place::Security, 4648) => format!("used another account on {}", named(object)?),
        (Place::Security, 4663 | 4656) => format!("accessed {}", file(object)?),
        (_, 1102 | 104 | 517) => "cleared a log".into(),
        (Place::Security, 4720) => "created an account".into(),
        (Place::Security, 4728 | 4732 | 4756) => "added a member to a group".into(),
        (Place::PowerShell, 4104) => "ran a PowerShell script".into(),
        _ => return None,
    })
}

/// A process in a headline: its name and the beginning of its arguments.
pub(super) fn process(image: &str, command_line: Option<&str>) -> String {
    let name = base(image);
    let name = if name.is_empty() { "a process".to_owned() } else { name };
    match command_line.map(|line| without_program(line.trim(), image)).filter(|rest| !rest.is_empty()) {
        Some(rest) => format!("{name} {}", cut(rest, ARGUMENTS)),
        None => name,
    }
}

/// A sentence of an event, cut to a headline's length.
pub(super) fn sentence(message: &str) -> String {
    cut(message.lines().next().unwrap_or_default(), SENTENCE)
}

/// A list in words: `a, b and c`.
pub(super) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn cut(text: &str, most: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default().trim_end()),
        None => text.trim_end().to_owned(),
    }
}

/// A file by its name and the directory that holds it: `micamgr.dll in ProgramData`.
fn file(path: &str) -> Option<String> {
    let name = path.rsplit(['\\', '/']).next().filter(|name| !name.is_empty())?;
    let directory = path.rsplit(['\\', '/']).nth(1).filter(|directory| !directory.is_empty() && !directory.ends_with(':'));
    Some(directory.map_or_else(|| cut(name, ARGUMENTS), |directory| format!("{} in {}", cut(name, ARGUMENTS), cut(directory, ARGUMENTS / 2))))
}

/// The last two names of a registry path.
fn tail(path: &str) -> Option<String> {
    let mut names = path.rsplit('\\').filter(|name| !name.is_empty());
    let last = names.next()?;
    Some(names.next().map_or_else(|| cut(last, ARGUMENTS), |before| format!("{}\\{}", cut(before, ARGUMENTS / 2), cut(last, ARGUMENTS))))
}

fn quoted(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| format!("\"{}\"", cut(name.trim_start_matches('\\'), ARGUMENTS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_name_what_they_were_done_to() {
        let told = |place, event_id, object| deed(&Told { place, event_id, object });
        assert_eq!(told(Place::Sysmon, 11, r"C:\ProgramData\micamgr.dll"), Some((1, "wrote micamgr.dll in ProgramData".into())));
        assert_eq!(told(Place::Security, 4698, r"\Mica Update"), Some((2, "created the task \"Mica Update\"".into())));
        assert_eq!(told(Place::Sysmon, 7, r"C:\Windows\System32\msvcrt.dll").map(|(worth, _)| worth), Some(0));
        assert_eq!(told(Place::Sysmon, 11, ""), None);
        assert_eq!(told(Place::Sysmon, 1, "x"), None);
        assert_eq!(process(r"C:\Windows\System32\cmd.exe", Some(r"cmd.exe /c whoami")), "cmd.exe /c whoami");
        assert_eq!(listed(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!(cut("abcdef", 3), "abc...");
    }
}
