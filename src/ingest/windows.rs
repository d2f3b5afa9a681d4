//! Fills an event's columns from its named values: which process acted, for whom, with which command line.
//!
//! Serves every format that holds whole Windows events. Border: the values stay as found in `fields`; here they are only copied and spelt alike.

use super::message;
use super::values::{Values, text};
use crate::domain::Event;

const SYSMON: &str = "Microsoft-Windows-Sysmon";
const NULL_SID: &str = "S-1-0-0";
const NULL_GUID: &str = "{00000000-0000-0000-0000-000000000000}";

/// Fills user, process columns and message; `provider`, `channel`, `event_id` stand in `event` already.
/// `system_user` is `System/Security/@UserID`.
pub(super) fn complete(event: &mut Event, values: &Values<'_>, system_user: Option<&str>) {
    let picked = Picked::from(values);
    let sysmon = event.provider.as_deref().is_some_and(|provider| provider == SYSMON);
    let creation_4688 = !sysmon && event.event_id == Some(4688) && picked.new_process_id.is_some();
    if creation_4688 {
        event.pid = number(picked.new_process_id);
        event.ppid = number(picked.process_id);
        event.image = words(picked.new_process_name);
        event.parent_image = words(picked.parent_process_name);
    } else {
        event.pid = number(picked.process_id.or(picked.source_process_id).or(picked.new_process_id));
        event.ppid = number(picked.parent_process_id);
        event.image = [picked.image, picked.source_image, picked.new_process_name, picked.process_name, picked.application].into_iter().find_map(words);
        event.parent_image = words(picked.parent_image.or(picked.parent_process_name));
    }
    event.process_guid = picked.process_guid.or(picked.source_process_guid).and_then(guid);
    event.parent_guid = picked.parent_process_guid.and_then(guid);
    event.command_line = words(picked.command_line);
    event.user = user(event, sysmon, &picked, system_user);
    event.message = message::message(event, values);
}

/// Level in words.
pub(super) fn level(number: u64) -> String {
    match number {
        0 | 4 => "Information".into(),
        1 => "Critical".into(),
        2 => "Error".into(),
        3 => "Warning".into(),
        5 => "Verbose".into(),
        other => other.to_string(),
    }
}

fn user(event: &Event, sysmon: bool, picked: &Picked<'_>, system_user: Option<&str>) -> Option<String> {
    let subject = || account(picked.subject_domain, picked.subject_user, picked.subject_sid);
    let target = || account(picked.target_domain, picked.target_user, picked.target_sid);
    let system = || system_user.filter(|sid| !sid.is_empty()).map(str::to_owned);
    if sysmon {
        return words(picked.user).or_else(|| words(picked.source_user)).or_else(system);
    }
    match event.event_id {
        Some(4688) if picked.subject_user.is_some() => {
            let acts_for_another = picked.target_sid.and_then(text).is_some_and(|sid| sid != NULL_SID);
            if acts_for_another { target().or_else(subject) } else { subject() }
        }
        Some(4624 | 4625) if picked.target_user.is_some() => target().or_else(subject),
        // The Security log leaves System/Security empty: then who the event itself names.
        _ => system().or_else(subject).or_else(target),
    }
}

/// `DOMAIN\name`, the name alone, or the SID when the name is not given.
fn account(domain: Option<&str>, name: Option<&str>, sid: Option<&str>) -> Option<String> {
    match (words(domain), words(name)) {
        (Some(domain), Some(name)) => Some(format!("{domain}\\{name}")),
        (None, Some(name)) => Some(name),
        (_, None) => words(sid).filter(|sid| sid != NULL_SID),
    }
}

/// A text that says something.
fn words<'a>(raw: impl Into<Option<&'a str>>) -> Option<String> {
    let text = text(raw.into()?)?;
    let text = text.trim();
    (!text.is_empty() && text != "-").then(|| text.to_owned())
}

/// A decimal or `0x` number.
fn number(raw: Option<&str>) -> Option<u32> {
    let text = text(raw?)?;
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A GUID braced and in lower case; the null GUID names nothing.
pub(super) fn guid(raw: &str) -> Option<String> {
    let text = text(raw)?;
    let bare = text.trim().trim_start_matches('{').trim_end_matches('}');
    let shaped =
        bare.len() == 36 && bare.bytes().enumerate().all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    let guid = format!("{{{}}}", bare.to_ascii_lowercase());
    (shaped && guid != NULL_GUID).then_some(guid)
}

macro_rules! picked {
    ($($field:ident: $($name:literal)|+;)+) => {
        /// The values that columns come from, raw.
        #[derive(Default)]
        struct Picked<'a> {
            $($field: Option<&'a str>,)+
        }

        impl<'a> Picked<'a> {
            fn from(values: &'a Values<'_>) -> Self {
                let mut picked = Self::default();
                for (name, raw) in values.iter() {
                    let slot = match name {
                        $($($name)|+ => &mut picked.$field,)+
                        _ => continue,
                    };
                    // Re-encoded evidence has nulls where a value is not known.
                    if slot.is_none() && raw != "null" {
                        *slot = Some(raw);
                    }
                }
                picked
            }
        }
    };
}

picked! {
    user: "User";
    source_user: "SourceUser";
    subject_user: "SubjectUserName";
    subject_domain: "SubjectDomainName";
    subject_sid: "SubjectUserSid";
    target_user: "TargetUserName";
    target_domain: "TargetDomainName";
    target_sid: "TargetUserSid" | "TargetSid";
    new_process_id: "NewProcessId";
    new_process_name: "NewProcessName";
    process_id: "ProcessId" | "ProcessID" | "Process ID";
    process_name: "ProcessName" | "Process Name";
    source_process_id: "SourceProcessId" | "SourceProcessID";
    parent_process_id: "ParentProcessId" | "ParentProcessID";
    parent_process_name: "ParentProcessName";
    process_guid: "ProcessGuid" | "ProcessGUID";
    source_process_guid: "SourceProcessGuid" | "SourceProcessGUID";
    parent_process_guid: "ParentProcessGuid" | "ParentProcessGUID";
    image: "Image";
    source_image: "SourceImage";
    parent_image: "ParentImage";
    application: "Application";
    command_line: "CommandLine";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(provider: &str, id: u32, values: &[(&'static str, &'static str)], system_user: Option<&str>) -> Event {
        let mut list = Values::default();
        for (name, raw) in values {
            list.push(*name, *raw);
        }
        let mut event = Event { provider: Some(provider.into()), event_id: Some(id), ..Event::default() };
        complete(&mut event, &list, system_user);
        event
    }

    #[test]
    fn in_4688_process_id_is_the_parent_and_hex() {
        let values = [
            ("SubjectUserSid", "\"S-1-5-21-1\""),
            ("SubjectUserName", "\"bob\""),
            ("SubjectDomainName", "\"ACME\""),
            ("NewProcessId", "\"0x1f4\""),
            ("NewProcessName", r#""C:\\Windows\\System32\\cmd.exe""#),
            ("ProcessId", "\"0x64\""),
            ("TargetUserSid", "\"S-1-0-0\""),
            ("TargetUserName", "\"-\""),
            ("ParentProcessName", r#""C:\\Windows\\explorer.exe""#),
            ("CommandLine", "\"\""),
        ];
        let event = event("Microsoft-Windows-Security-Auditing", 4688, &values, None);
        assert_eq!((event.pid, event.ppid), (Some(500), Some(100)));
        assert_eq!(event.image.as_deref(), Some("C:\\Windows\\System32\\cmd.exe"));
        assert_eq!(event.parent_image.as_deref(), Some("C:\\Windows\\explorer.exe"));
        assert_eq!(event.user.as_deref(), Some("ACME\\bob"));
        assert_eq!(event.command_line, None);
    }

    #[test]
    fn in_4688_a_target_that_is_not_the_null_sid_is_the_user() {
        let values = [
            ("SubjectUserName", "\"WS1$\""),
            ("SubjectDomainName", "\"ACME\""),
            ("NewProcessId", "\"0x1f4\""),
            ("TargetUserSid", "\"S-1-5-21-7\""),
            ("TargetUserName", "\"eve\""),
            ("TargetDomainName", "\"ACME\""),
        ];
        assert_eq!(event("Microsoft-Windows-Security-Auditing", 4688, &values, None).user.as_deref(), Some("ACME\\eve"));
    }

    #[test]
    fn logons_name_their_target_and_others_the_system_user_or_the_subject() {
        let values = [("SubjectUserName", "\"WS1$\""), ("SubjectDomainName", "\"ACME\""), ("TargetUserName", "\"eve\""), ("TargetDomainName", "\"ACME\"")];
        let user = |id, system| event("Microsoft-Windows-Security-Auditing", id, &values, system).user;
        assert_eq!(user(4624, None).as_deref(), Some("ACME\\eve"));
        assert_eq!(user(4672, None).as_deref(), Some("ACME\\WS1$"));
        assert_eq!(user(106, Some("S-1-5-18")).as_deref(), Some("S-1-5-18"));
    }

    #[test]
    fn sysmon_names_process_parent_and_user() {
        let values = [
            ("ProcessGuid", "\"{AABBCCDD-0000-1111-2222-333344445555}\""),
            ("ProcessId", "4321"),
            ("Image", r#""C:\\a.exe""#),
            ("User", r#""ACME\\bob""#),
            ("ParentProcessGuid", "\"00000000-0000-0000-0000-000000000000\""),
            ("ParentProcessId", "null"),
            ("ParentImage", "\"-\""),
        ];
        let event = event(SYSMON, 1, &values, Some("S-1-5-18"));
        assert_eq!(event.process_guid.as_deref(), Some("{aabbccdd-0000-1111-2222-333344445555}"));
        assert_eq!((event.pid, event.ppid, event.parent_guid, event.parent_image), (Some(4321), None, None, None));
        assert_eq!(event.user.as_deref(), Some("ACME\\bob"));
    }

    #[test]
    fn process_access_is_the_sources() {
        let values = [("SourceProcessGUID", "\"AABBCCDD-0000-1111-2222-333344445555\""), ("SourceProcessId", "8"), ("SourceImage", "\"s.exe\"")];
        let event = event(SYSMON, 10, &values, None);
        assert_eq!(event.process_guid.as_deref(), Some("{aabbccdd-0000-1111-2222-333344445555}"));
        assert_eq!((event.pid, event.image.as_deref()), (Some(8), Some("s.exe")));
    }
}
