//! Techniques of ATT&CK that an event shows by its own facts; the table stands in `assets/techniques.tsv`.

use crate::domain::Technique;
use std::sync::{Arc, LazyLock};

/// Where an event was logged, as the table names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Sysmon,
    Security,
    System,
    Tasks,
    PowerShell,
    Defender,
    Other,
}

impl Place {
    /// By provider or channel.
    pub(super) fn of(provider: Option<&str>, channel: Option<&str>) -> Self {
        let text = format!("{} {}", provider.unwrap_or_default(), channel.unwrap_or_default()).to_lowercase();
        let known = [
            ("sysmon", Self::Sysmon),
            ("taskscheduler", Self::Tasks),
            ("powershell", Self::PowerShell),
            ("defender", Self::Defender),
            ("service control manager", Self::System),
            ("security", Self::Security),
            ("system", Self::System),
        ];
        known.into_iter().find(|(name, _)| text.contains(name)).map_or(Self::Other, |(_, place)| place)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sysmon => "sysmon",
            Self::Security => "security",
            Self::System => "system",
            Self::Tasks => "tasks",
            Self::PowerShell => "powershell",
            Self::Defender => "defender",
            Self::Other => "",
        }
    }
}

/// One line of the table.
struct Line {
    technique: Technique,
    /// None = a process started.
    events: Option<(String, Vec<u32>)>,
    programs: Vec<String>,
    /// Alternatives of parts that must all be there.
    texts: Vec<Vec<String>>,
}

static TABLE: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let lines = include_str!("../../assets/techniques.tsv").lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.filter_map(line).collect()
});

fn line(text: &str) -> Option<Line> {
    let mut cells = text.split('\t');
    let technique = Technique { id: cells.next()?.into(), name: cells.next()?.into() };
    let events = match cells.next()? {
        "start" => None,
        other => {
            let (place, ids) = other.split_once(':')?;
            Some((place.to_owned(), ids.split(',').filter_map(|id| id.parse().ok()).collect()))
        }
    };
    let list = |cell: Option<&str>| cell.filter(|cell| !cell.is_empty()).map(str::to_owned).into_iter().collect::<Vec<_>>();
    let programs = list(cells.next()).iter().flat_map(|cell| cell.split('|').map(str::to_owned)).collect();
    let texts = list(cells.next()).iter().flat_map(|cell| cell.split('|').map(|all| all.split('&').map(str::to_owned).collect())).collect();
    Some(Line { technique, events, programs, texts })
}

/// What is known of an event.
pub(super) struct Shown<'a> {
    pub place: Place,
    pub event_id: u32,
    /// Base name of the program, in lower case.
    pub program: &'a str,
    /// Command line, object and sentence, in lower case.
    pub text: &'a str,
}

/// The technique that the event shows, if it shows one.
pub(super) fn technique(shown: &Shown<'_>) -> Option<Technique> {
    let start = matches!((shown.place, shown.event_id), (Place::Sysmon, 1) | (Place::Security, 4688));
    let fits = |line: &&Line| {
        let place = match &line.events {
            None => start,
            Some((place, ids)) => (place == "any" || place == shown.place.name()) && ids.contains(&shown.event_id),
        };
        place
            && (line.programs.is_empty() || line.programs.iter().any(|program| program == shown.program))
            && (line.texts.is_empty() || line.texts.iter().any(|all| all.iter().all(|part| shown.text.contains(part.as_str()))))
    };
    TABLE.iter().find(fits).map(|line| Technique { id: Arc::clone(&line.technique.id), name: Arc::clone(&line.technique.name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_name_techniques() {
        let of = |place, event_id, program, text| technique(&Shown { place, event_id, program, text }).map(|t| t.id.to_string());
        assert_eq!(of(Place::Sysmon, 1, "schtasks.exe", "schtasks /create /tn x").as_deref(), Some("T1053.005"));
        assert_eq!(of(Place::Security, 4688, "rundll32.exe", "rundll32 comsvcs.dll, minidump 612 x").as_deref(), Some("T1003.001"));
        assert_eq!(of(Place::System, 7045, "", "").as_deref(), Some("T1543.003"));
        assert_eq!(of(Place::Other, 1102, "", "").as_deref(), Some("T1070.001"));
        assert_eq!(of(Place::Sysmon, 3, "schtasks.exe", "schtasks /create"), None);
        assert_eq!(of(Place::Sysmon, 1, "notepad.exe", ""), None);
    }

    #[test]
    fn every_line_of_the_table_is_whole() {
        let written = include_str!("../../assets/techniques.tsv").lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).count();
        assert_eq!(TABLE.len(), written);
        assert!(TABLE.iter().all(|line| line.technique.id.starts_with('T') && line.events.as_ref().is_none_or(|(_, ids)| !ids.is_empty())));
    }
}
