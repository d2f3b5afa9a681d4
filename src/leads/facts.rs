//! What one event says of itself that can connect it with others: sessions, tasks, services, files, addresses, other processes.
//!
//! Border: one event in, plain values out; knows field names and JSON, nothing of graphs.

use crate::domain::{EventRef, Guid};
use sonic_rs::LazyValue;
use std::borrow::Cow;

/// The fields that are looked at, wherever they stand in the payload.
const NAMES: [&str; 31] = [
    "QueryName",
    "TargetLogonId",
    "SubjectLogonId",
    "LogonId",
    "TaskName",
    "ServiceName",
    "ImagePath",
    "ServiceFileName",
    "TargetFilename",
    "ImageLoaded",
    "ObjectName",
    "TargetObject",
    "Details",
    "TargetProcessGUID",
    "TargetProcessGuid",
    "IpAddress",
    "SourceNetworkAddress",
    "DestinationIp",
    "DestinationHostname",
    "SourceIp",
    "Initiated",
    "TargetServerName",
    "WorkstationName",
    "LogonType",
    "TargetUserName",
    "ProcessID",
    "Path",
    "ActionName",
    "DestAddress",
    "Direction",
    "TargetImage",
];

/// Sessions of the system itself: every service runs in them, so that they connect nothing.
const SYSTEM_SESSIONS: [u64; 4] = [0, 0x3e4, 0x3e5, 0x3e7];
/// Letters of a text that are kept.
const LONGEST: usize = 1_024;

/// Which log an event is of, as far as its fields mean different things there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    Sysmon,
    Security,
    System,
    Tasks,
    Other,
}

impl Log {
    pub(super) fn of(event: &EventRef<'_>) -> Self {
        let names = [event.provider, event.channel];
        let has = |part: &str| names.iter().flatten().any(|name| contains_ignore_case(name, part));
        if has("sysmon") {
            Self::Sysmon
        } else if has("taskscheduler") {
            Self::Tasks
        } else if has("service control manager") {
            Self::System
        } else if has("security") {
            Self::Security
        } else {
            Self::Other
        }
    }
}

fn contains_ignore_case(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

/// A thing that is neither process nor session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    /// A service, by name.
    Service(String),
    /// A scheduled task, by path, in lower case.
    Task(String),
    /// A file, by path, in lower case.
    File(String),
}

/// A new logon: what kind, from where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Logon {
    pub kind: u8,
    /// Addresses and names that the logon came from, in lower case.
    pub from: Vec<String>,
    pub account: String,
}

/// A step towards another computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// Addresses and names of the other computer, in lower case.
    pub to: Vec<String>,
    /// The account it was done as, where that is told.
    pub account: String,
}

/// What one event says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The acting or new process.
    pub guid: Option<Guid>,
    /// The logon session that the event is of.
    pub session: Option<u64>,
    /// Service, task or file that the event is about.
    pub thing: Option<Thing>,
    /// A path that the thing runs: of a service or task.
    pub runs: Option<String>,
    /// A file that the process wrote.
    pub wrote: Option<String>,
    /// A library that the process loaded, from outside Windows' own folders.
    pub loaded: Option<String>,
    /// A process in which this one ran code.
    pub into: Option<Guid>,
    /// A process that the task's engine started, by ID.
    pub started_pid: Option<u32>,
    pub logon: Option<Logon>,
    pub reach: Option<Reach>,
    /// An address that the computer has itself.
    pub own_address: Option<String>,
    /// What a headline calls the event's object: file, key, task, service, address; as found.
    pub object: Option<String>,
}

/// Texts of [`NAMES`], sliced out of the payload without a tree; of a name that stands twice the first.
struct Columns<'a>([Option<Cow<'a, str>>; NAMES.len()]);

impl<'a> Columns<'a> {
    fn of(json: &'a str) -> Self {
        let mut found = Self([const { None }; NAMES.len()]);
        found.walk(json, 2);
        found
    }

    fn walk(&mut self, json: &'a str, depth: usize) {
        for (name, value) in sonic_rs::to_object_iter(json).map_while(Result::ok) {
            if let Some(slot) = NAMES.iter().position(|known| **known == *name).and_then(|at| self.0.get_mut(at)) {
                if slot.is_none() {
                    *slot = plain(&value);
                }
            } else if depth > 0
                && name != "System"
                && let Cow::Borrowed(raw) = value.as_raw_cow()
                && raw.starts_with('{')
            {
                self.walk(raw, depth - 1);
            }
        }
    }

    /// The value of a field; none when it says nothing.
    fn get(&self, name: &str) -> Option<&str> {
        let at = NAMES.iter().position(|known| *known == name)?;
        self.0.get(at)?.as_deref().map(str::trim).filter(|text| !matches!(*text, "" | "-" | "::1" | "127.0.0.1" | "?" | "0x0"))
    }

    fn session(&self, names: &[&str]) -> Option<u64> {
        names.iter().filter_map(|name| number(self.get(name)?)).find(|id| !SYSTEM_SESSIONS.contains(id))
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(|text| cut(text).to_owned())
    }

    fn lower(&self, names: &[&str]) -> Vec<String> {
        names.iter().filter_map(|name| self.get(name)).map(host).filter(|text| !text.is_empty()).collect()
    }
}

fn plain<'a>(value: &LazyValue<'a>) -> Option<Cow<'a, str>> {
    let raw = value.as_raw_cow();
    if let Cow::Borrowed(raw) = raw {
        if let Some(inner) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).filter(|inner| !inner.contains('\\')) {
            return Some(Cow::Borrowed(inner));
        }
        if raw.starts_with(|c: char| c.is_ascii_digit()) || matches!(raw, "true" | "false") {
            return Some(Cow::Borrowed(raw));
        }
    }
    sonic_rs::from_str::<String>(&raw).ok().map(Cow::Owned)
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(LONGEST).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A computer's name or address as it is compared: lower case, an IPv4 address out of its IPv6 clothes, no leading backslashes; empty = itself.
pub(super) fn host(text: &str) -> String {
    let text = text.trim().trim_start_matches('\\').to_ascii_lowercase();
    let text = text.strip_prefix("::ffff:").unwrap_or(&text);
    if matches!(text, "localhost" | "::1" | "127.0.0.1" | "-" | "0.0.0.0" | "::") { String::new() } else { text.to_owned() }
}

/// Values of a service's key that say what it runs.
const DEFINING: [&str; 4] = ["\\imagepath", "\\servicedll", "\\start", "\\failurecommand"];

fn ends_ignore_case(text: &str, end: &str) -> bool {
    text.len().checked_sub(end.len()).and_then(|at| text.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// A path as it is compared: lower case, backslashes, without quotes, arguments and device prefixes; environment roots spelt out.
pub(super) fn path(text: &str) -> String {
    let mut text = cut(text.trim()).to_lowercase().replace('/', "\\");
    if let Some(quoted) = text.strip_prefix('"') {
        text = quoted.split('"').next().unwrap_or_default().to_owned();
    } else if let Some(end) = text.find(".exe ").map(|at| at + 4) {
        text.truncate(end);
    }
    for prefix in ["\\??\\", "\\\\?\\", "\\device\\harddiskvolume1", "\\device\\harddiskvolume2", "\\device\\harddiskvolume3", "\\device\\harddiskvolume4"] {
        if let Some(rest) = text.strip_prefix(prefix) {
            text = if prefix.starts_with("\\device") { format!("c:{rest}") } else { rest.to_owned() };
        }
    }
    for (from, to) in [
        ("%systemroot%", "c:\\windows"),
        ("\\systemroot", "c:\\windows"),
        ("%windir%", "c:\\windows"),
        ("%systemdrive%", "c:"),
        ("%comspec%", "c:\\windows\\system32\\cmd.exe"),
    ] {
        if let Some(rest) = text.strip_prefix(from) {
            text = format!("{to}{rest}");
        }
    }
    text
}

/// Whether a library lies where Windows keeps its own: loading one of those connects nothing.
fn is_windows_own(path: &str) -> bool {
    ["c:\\windows\\system32\\", "c:\\windows\\syswow64\\", "c:\\windows\\winsxs\\", "c:\\windows\\assembly\\", "c:\\windows\\microsoft.net\\"]
        .iter()
        .any(|own| path.starts_with(own))
}

/// The name of the service whose key a registry path names.
fn service_key(target: &str) -> Option<&str> {
    let lower = target.to_ascii_lowercase();
    let at = lower.find("\\services\\").filter(|_| lower.contains("controlset"))? + "\\services\\".len();
    target.get(at..)?.split('\\').next().filter(|name| !name.is_empty() && name.len() < 80)
}

/// Reads one event.
pub(super) fn facts(event: &EventRef<'_>) -> Facts {
    let log = Log::of(event);
    let columns = Columns::of(event.fields);
    let mut found = Facts { guid: event.process_guid.and_then(Guid::parse), ..Facts::default() };
    found.session = columns.session(&["TargetLogonId", "LogonId", "SubjectLogonId"]);
    let task = |name: &str| Thing::Task(name.trim_start_matches('\\').to_lowercase());
    match (log, event.event_id.unwrap_or_default()) {
        (Log::Sysmon, 2 | 11 | 15 | 23 | 26 | 29) => {
            found.object = columns.owned("TargetFilename");
            found.wrote = columns.get("TargetFilename").map(path);
            if let Some(name) = found.wrote.as_deref().and_then(|path| path.split_once("\\system32\\tasks\\")).map(|(_, name)| name.to_owned()) {
                found.thing = Some(task(&name));
            }
        }
        (Log::Sysmon, 6 | 7) => {
            found.object = columns.owned("ImageLoaded");
            found.loaded = columns.get("ImageLoaded").map(path).filter(|path| !is_windows_own(path));
        }
        (Log::Sysmon, 8) => {
            found.object = columns.owned("TargetImage");
            found.into = columns.get("TargetProcessGUID").or_else(|| columns.get("TargetProcessGuid")).and_then(Guid::parse);
        }
        (Log::Sysmon, 12..=14) => {
            found.object = columns.owned("TargetObject");
            // Making a service's key or changing what it runs is about the service; reading and counting under it is not.
            let target = columns.get("TargetObject");
            let defines = event.event_id == Some(13) && target.is_some_and(|key| DEFINING.iter().any(|value| ends_ignore_case(key, value)));
            found.thing = target.filter(|_| defines).and_then(service_key).map(|name| Thing::Service(name.to_lowercase()));
            if columns.get("TargetObject").is_some_and(|target| contains_ignore_case(target, "imagepath")) {
                found.runs = columns.get("Details").map(path);
            }
        }
        (Log::Sysmon, 3) => {
            let outgoing = columns.get("Initiated").is_none_or(|text| text.eq_ignore_ascii_case("true"));
            let to = columns.lower(&["DestinationIp", "DestinationHostname"]);
            found.object = columns.owned("DestinationHostname").or_else(|| columns.owned("DestinationIp"));
            if outgoing {
                found.own_address = columns.get("SourceIp").map(host);
                found.reach = (!to.is_empty()).then(|| Reach { to, account: String::new() });
            }
        }
        (Log::Sysmon, 22) => found.object = columns.owned("QueryName"),
        (Log::Sysmon, 10) => found.object = columns.owned("TargetImage"),
        (Log::Security, 5156) => {
            let to = columns.lower(&["DestAddress"]);
            let outgoing = columns.get("Direction").is_some_and(|text| text.contains("14593"));
            found.object = columns.owned("DestAddress");
            found.reach = (outgoing && !to.is_empty()).then(|| Reach { to, account: String::new() });
        }
        (Log::Security, 4624) => {
            found.session = columns.session(&["TargetLogonId"]);
            found.logon = Some(Logon {
                kind: columns.get("LogonType").and_then(|text| text.parse().ok()).unwrap_or(0),
                from: columns.lower(&["IpAddress", "WorkstationName", "SourceNetworkAddress"]),
                account: columns.get("TargetUserName").unwrap_or_default().to_lowercase(),
            });
            found.object = columns.owned("TargetUserName");
        }
        (Log::Security, 4634 | 4647) => found.session = columns.session(&["TargetLogonId"]),
        (Log::Security, 4672) => found.session = columns.session(&["SubjectLogonId"]),
        (Log::Security, 4648) => {
            found.session = columns.session(&["SubjectLogonId"]);
            let to = columns.lower(&["TargetServerName"]);
            found.object = columns.owned("TargetServerName");
            found.reach = (!to.is_empty()).then(|| Reach { to, account: columns.get("TargetUserName").unwrap_or_default().to_lowercase() });
        }
        (Log::Security, 4697) | (Log::System, 7045) => {
            found.session = columns.session(&["SubjectLogonId"]);
            found.object = columns.owned("ServiceName");
            found.thing = columns.get("ServiceName").map(|name| Thing::Service(name.to_lowercase()));
            found.runs = columns.get("ImagePath").or_else(|| columns.get("ServiceFileName")).map(path);
        }
        (Log::Security, 4698..=4702) => {
            found.session = columns.session(&["SubjectLogonId"]);
            found.object = columns.owned("TaskName");
            found.thing = columns.get("TaskName").map(task);
        }
        (Log::Security, 4656 | 4658 | 4660 | 4663 | 5140 | 5145) => {
            found.session = columns.session(&["SubjectLogonId"]);
            found.object = columns.owned("ObjectName");
        }
        (Log::Tasks, id) => {
            found.object = columns.owned("TaskName");
            found.thing = columns.get("TaskName").map(task);
            found.runs = columns.get("Path").or_else(|| columns.get("ActionName")).map(path);
            found.started_pid = columns.get("ProcessID").filter(|_| id == 129).and_then(|text| text.parse().ok());
        }
        _ => {}
    }
    // A row of a timeline: the file it is about.
    if event.event_id.is_none() && found.guid.is_none() && event.pid.is_none() && found.thing.is_none() {
        found.thing = event.image.map(path).filter(|path| !path.is_empty()).map(Thing::File);
        found.object = event.image.map(|image| cut(image).to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event<'a>(provider: &'a str, id: u32, fields: &'a str) -> EventRef<'a> {
        EventRef { provider: Some(provider), event_id: Some(id), fields, ..EventRef::default() }
    }

    #[test]
    fn a_remote_logon_says_its_session_and_where_it_came_from() {
        let found = facts(&event(
            "Microsoft-Windows-Security-Auditing",
            4624,
            r#"{"EventData":{"SubjectLogonId":"0x3e7","TargetLogonId":"0x1a2b","LogonType":3,"IpAddress":"::ffff:10.0.0.7","WorkstationName":"-","TargetUserName":"W.Keller"},"System":{"EventID":4624}}"#,
        ));
        assert_eq!(found.session, Some(0x1a2b));
        assert_eq!(found.logon, Some(Logon { kind: 3, from: vec!["10.0.0.7".into()], account: "w.keller".into() }));
    }

    #[test]
    fn services_and_tasks_are_things_and_sessions_of_the_system_are_none() {
        let found =
            facts(&event("Service Control Manager", 7045, r#"{"EventData":{"ServiceName":"PSEXESVC","ImagePath":"\"%SystemRoot%\\PSEXESVC.exe\" -x"}}"#));
        assert_eq!((found.thing, found.runs.as_deref()), (Some(Thing::Service("psexesvc".into())), Some("c:\\windows\\psexesvc.exe")));
        let found = facts(&event(
            "Microsoft-Windows-Sysmon",
            13,
            r#"{"EventData":{"TargetObject":"HKLM\\System\\CurrentControlSet\\Services\\Evil\\ImagePath","Details":"%COMSPEC% /c x"}}"#,
        ));
        assert_eq!((found.thing, found.session), (Some(Thing::Service("evil".into())), None));
        let found = facts(&event("Microsoft-Windows-TaskScheduler", 106, r#"{"EventData":{"TaskName":"\\Updater\\X","SubjectLogonId":"0x3e7"}}"#));
        assert_eq!((found.thing, found.session), (Some(Thing::Task("updater\\x".into())), None));
    }

    #[test]
    fn damaged_payloads_say_nothing() {
        for fields in ["", "[]", "{", r#"{"EventData":[1]}"#, r#"{"EventData":{"TargetLogonId":{"a":1}}}"#] {
            let found = facts(&event("Microsoft-Windows-Security-Auditing", 4624, fields));
            assert_eq!((found.session, found.thing), (None, None), "{fields}");
        }
    }

    #[test]
    fn paths_are_compared_without_what_they_are_dressed_in() {
        for (from, to) in [
            (r#""C:\Program Files\a b\x.exe" -k"#, r"c:\program files\a b\x.exe"),
            (r"C:\Temp\x.exe -k net", r"c:\temp\x.exe"),
            (r"\??\C:\Windows\x.sys", r"c:\windows\x.sys"),
            (r"\Device\HarddiskVolume2\Windows\x.exe", r"c:\windows\x.exe"),
            ("%SystemRoot%/System32/svchost.exe -k a", r"c:\windows\system32\svchost.exe"),
        ] {
            assert_eq!(path(from), to);
        }
    }
}
