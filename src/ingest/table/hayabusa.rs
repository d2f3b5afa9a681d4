//! Hayabusa's abbreviations, spelt out, so that its rows meet those of the logs themselves.

use crate::domain::Event;

/// Abbreviated channels.
const CHANNELS: &[(&str, &str)] = &[
    ("App", "Application"),
    ("AppLocker", "Microsoft-Windows-AppLocker/EXE and DLL"),
    ("BitsCli", "Microsoft-Windows-Bits-Client/Operational"),
    ("CodeInteg", "Microsoft-Windows-CodeIntegrity/Operational"),
    ("Defender", "Microsoft-Windows-Windows Defender/Operational"),
    ("DHCP-Svr", "Microsoft-Windows-DHCP-Server/Operational"),
    ("DNS-Svr", "DNS Server"),
    ("DvrFmwk", "Microsoft-Windows-DriverFrameworks-UserMode/Operational"),
    ("Exchange", "MSExchange Management"),
    ("Firewall", "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall"),
    ("Forwarding", "Microsoft-Windows-Forwarding/Operational"),
    ("GroupPolicy", "Microsoft-Windows-GroupPolicy/Operational"),
    ("KernelWHEA", "Microsoft-Windows-Kernel-WHEA/Operational"),
    ("KeyMgtSvc", "Key Management Service"),
    ("LDAP-Cli", "Microsoft-Windows-LDAP-Client/Debug"),
    ("NTLM", "Microsoft-Windows-NTLM/Operational"),
    ("OpenSSH", "OpenSSH/Operational"),
    ("PrintAdm", "Microsoft-Windows-PrintService/Admin"),
    ("PrintOp", "Microsoft-Windows-PrintService/Operational"),
    ("PwSh", "Microsoft-Windows-PowerShell/Operational"),
    ("PwShClassic", "Windows PowerShell"),
    ("PwShCore", "PowerShellCore"),
    ("RDP-Cli", "Microsoft-Windows-TerminalServices-RDPClient/Operational"),
    ("RDP-CoreTS", "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational"),
    ("RDS-GTW", "Microsoft-Windows-TerminalServices-Gateway/Operational"),
    ("RDS-LSM", "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"),
    ("RDS-RCM", "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational"),
    ("Sec", "Security"),
    ("SecMitig", "Microsoft-Windows-Security-Mitigations/KernelMode"),
    ("SmbCliSec", "Microsoft-Windows-SmbClient/Security"),
    ("SvcBusCli", "Microsoft-ServiceBus-Client"),
    ("Sys", "System"),
    ("Sysmon", "Microsoft-Windows-Sysmon/Operational"),
    ("TaskSch", "Microsoft-Windows-TaskScheduler/Operational"),
    ("UserProfileSvc", "Microsoft-Windows-User Profile Service/Operational"),
    ("WinRM", "Microsoft-Windows-WinRM/Operational"),
    ("WMI", "Microsoft-Windows-WMI-Activity/Operational"),
];

/// Abbreviated levels, which are a rule's, not the event's.
const LEVELS: &[(&str, &str)] = &[
    ("emer", "Emergency"),
    ("crit", "Critical"),
    ("high", "High"),
    ("med", "Medium"),
    ("low", "Low"),
    ("info", "Information"),
    ("undef", "Undefined"),
    ("informational", "Information"),
];

/// Spells out channel and level.
pub(super) fn spell_out(event: &mut Event) {
    for (cell, table) in [(&mut event.channel, CHANNELS), (&mut event.level, LEVELS)] {
        if let Some(text) = cell
            && let Some((_, whole)) = table.iter().find(|(short, _)| short.eq_ignore_ascii_case(text.trim()))
        {
            *cell = Some((*whole).to_owned());
        }
    }
}
