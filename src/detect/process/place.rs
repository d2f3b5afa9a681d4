//! Where a file, key or address lies, roughly: the same words on every machine.

use crate::features::path;

/// Levels of a registry key that tell what it is for, and roughly.
const KEY: usize = 5;
const ROOT: usize = 3;

/// Directories by the beginning of a normalised path; the first that fits.
const DIRECTORIES: [(&str, &str); 12] = [
    ("c:\\windows\\system32\\", "system32"),
    ("c:\\windows\\syswow64\\", "syswow64"),
    ("c:\\windows\\microsoft.net\\", ".net"),
    ("c:\\windows\\assembly\\", "assemblies"),
    ("c:\\windows\\winsxs\\", "winsxs"),
    ("c:\\windows\\temp\\", "windows temp"),
    ("c:\\windows\\", "windows"),
    ("c:\\program files (x86)\\", "programs"),
    ("c:\\program files\\", "programs"),
    ("c:\\programdata\\", "program data"),
    ("\\device\\", "device"),
    ("\\\\", "network"),
];

/// Directories inside a user's own, by a part of the path; the first that fits.
const OF_USERS: [(&str, &str); 6] = [
    ("\\temp\\", "user temp"),
    ("\\appdata\\local", "user local"),
    ("\\appdata\\roaming\\", "user roaming"),
    ("\\desktop\\", "desktop"),
    ("\\downloads\\", "downloads"),
    ("", "user"),
];

/// The class of the directory a normalised path lies in.
pub(super) fn of_file(normalised: &str) -> &'static str {
    if !normalised.contains('\\') {
        return "nowhere";
    }
    if normalised.starts_with("c:\\users\\") {
        return OF_USERS.iter().find(|(part, _)| normalised.contains(part)).map_or("user", |(_, name)| name);
    }
    DIRECTORIES.iter().find(|(start, _)| normalised.starts_with(start)).map_or("elsewhere", |(_, name)| name)
}

/// Where a file name ends: `.exe`, or nothing.
pub(super) fn extension(normalised: &str) -> &str {
    let name = normalised.rsplit('\\').next().unwrap_or_default();
    name.rfind('.').and_then(|at| name.get(at..)).filter(|end| end.len() <= 12).unwrap_or_default()
}

/// A registry path: its first five levels, its first three, and its last.
pub(super) fn of_key(raw: &str) -> (String, String, String) {
    let text = path::normalise(raw).replace("\\registry\\machine", "hklm").replace("\\registry\\user", "hku");
    let parts: Vec<&str> = text.split('\\').filter(|part| !part.is_empty()).map(control_set).collect();
    let upto = |levels: usize| parts[..parts.len().min(levels)].join("\\");
    (upto(KEY), upto(ROOT), parts.last().map_or(String::new(), |part| (*part).to_owned()))
}

/// The numbered control sets are the current one under another name.
fn control_set(part: &str) -> &str {
    let numbered = part.strip_prefix("controlset").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    if numbered { "currentcontrolset" } else { part }
}

/// A pipe's name, its numbers taken out.
pub(super) fn of_pipe(raw: &str) -> String {
    let mut name = String::new();
    for letter in path::normalise(raw).chars() {
        let letter = if letter.is_ascii_digit() { '#' } else { letter };
        if !(letter == '#' && name.ends_with('#')) {
            name.push(letter);
        }
    }
    name
}

/// The class of a port: the well-known ones by number.
pub(super) fn of_port(port: u32) -> String {
    match port {
        21 | 22 | 25 | 53 | 80 | 88 | 123 | 135 | 137..=139 | 389 | 443 | 445 | 636 | 1433 | 3268 | 3269 | 3389 | 5353 | 5355 | 5985 | 5986 | 8080 | 8443 => {
            port.to_string()
        }
        0..1024 => "below 1024".into(),
        1024..49152 => "1024 to 49151".into(),
        _ => "49152 and above".into(),
    }
}

/// The class of an IP address.
pub(super) fn of_address(text: &str) -> &'static str {
    use std::net::IpAddr;
    match text.trim().parse::<IpAddr>() {
        Err(_) => "no address",
        Ok(address) if address.is_loopback() => "loopback",
        Ok(address) if address.is_unspecified() => "unspecified",
        Ok(address) if address.is_multicast() => "multicast",
        Ok(IpAddr::V4(v4)) if v4.is_private() => "private",
        Ok(IpAddr::V4(v4)) if v4.is_link_local() || v4.is_broadcast() => "link",
        Ok(IpAddr::V6(v6)) if v6.is_unicast_link_local() => "link",
        Ok(IpAddr::V6(v6)) if v6.is_unique_local() => "private",
        Ok(_) => "public",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_somewhere() {
        let of = |raw: &str| of_file(&path::normalise(raw));
        assert_eq!(of(r"C:\Windows\System32\clr.dll"), "system32");
        assert_eq!(of(r"C:\Windows\x.exe"), "windows");
        assert_eq!(of(r"C:\Users\bob\AppData\Local\Temp\x.exe"), "user temp");
        assert_eq!(of(r"C:\Users\bob\Desktop\x.exe"), "desktop");
        assert_eq!(of(r"C:\Users\bob\x.exe"), "user");
        assert_eq!(of(r"D:\x.exe"), "elsewhere");
        assert_eq!(of("x.exe"), "nowhere");
        assert_eq!((extension(r"c:\a.b\c"), extension(r"c:\a\c.exe")), ("", ".exe"));
    }

    #[test]
    fn keys_lose_what_differs() {
        let (key, root, last) = of_key(r"HKLM\System\ControlSet001\Services\Dhcp\Parameters\Start");
        assert_eq!((key.as_str(), root.as_str(), last.as_str()), (r"hklm\system\currentcontrolset\services\dhcp", r"hklm\system\currentcontrolset", "start"));
        let (_, root, _) = of_key(r"\REGISTRY\MACHINE\SOFTWARE\Microsoft");
        assert_eq!(root, r"hklm\software\microsoft");
    }

    #[test]
    fn ports_addresses_and_pipes() {
        assert_eq!((of_port(445).as_str(), of_port(4444).as_str(), of_port(60_000).as_str()), ("445", "1024 to 49151", "49152 and above"));
        assert_eq!((of_address("10.1.2.3"), of_address("8.8.8.8"), of_address("fe80::1"), of_address("-")), ("private", "public", "link", "no address"));
        assert_eq!((of_address("0:0:0:0:0:0:0:1"), of_address("127.0.0.1")), ("loopback", "loopback"));
        assert_eq!(of_pipe(r"\PSHost.123.456"), of_pipe(r"\PSHost.9.77"));
    }
}
