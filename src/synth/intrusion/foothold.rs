//! At home on the first host: questions, a scheduled task, stolen credentials.

use super::Intrusion;
use crate::synth::errands::register_task;
use crate::synth::estate::{HOUR, MINUTE, SECOND, word};
use crate::synth::host::{Account, HostLog, Process, What};
use crate::synth::house::{self, Run};
use crate::synth::life::Life;
use crate::synth::words::{seldom, stamp};
use anyhow::Result;
use rand::RngExt;
use std::sync::Arc;

impl Intrusion {
    /// A burst of questions about the host and the domain.
    pub(super) fn discovery(log: &mut HostLog<'_>, implant: &Arc<Process>, from: i64, least: usize) -> Result<()> {
        let mut questions = vec![
            ("whoami", "whoami /all"),
            ("net", "net group \"Domain Admins\" /domain"),
            ("net", "net user /domain"),
            ("net", "net localgroup administrators"),
            ("nltest", "nltest /domain_trusts /all_trusts"),
            ("nltest", "nltest /dclist:"),
            ("ipconfig", "ipconfig /all"),
            ("tasklist", "tasklist /svc"),
            ("systeminfo", "systeminfo"),
            ("netstat", "netstat -ano"),
            ("arp", "arp -a"),
            ("quser", "quser"),
            ("net", "net view /all /domain"),
            ("wmic", "wmic /namespace:\\\\root\\securitycenter2 path antivirusproduct get displayname"),
            ("reg", "reg query HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"),
        ];
        let mut time = from;
        let account = implant.account.clone();
        let through_shell = log.rng.random_bool(0.6);
        for _ in 0..least + log.rng.random_range(0..5usize) {
            if questions.is_empty() {
                break;
            }
            let (program, question) = questions.swap_remove(log.rng.random_range(0..questions.len()));
            time += log.rng.random_range(2..45) * SECOND;
            let mut parent = implant.clone();
            if through_shell {
                parent =
                    log.start(time, implant, &What::Known("cmd"), &format!("C:\\Windows\\system32\\cmd.exe /c {question}"), &account, implant.integrity)?;
            }
            let asked = log.start(time + SECOND / 8, &parent, &What::Known(program), question, &account, implant.integrity)?;
            if program == "net" {
                let inner = log.start(
                    time + SECOND / 6,
                    &asked,
                    &What::Known("net1"),
                    &question.replacen("net ", "C:\\Windows\\system32\\net1 ", 1),
                    &account,
                    implant.integrity,
                )?;
                log.end(time + SECOND, &inner)?;
            }
            log.end(time + SECOND, &asked)?;
            if through_shell {
                log.end(time + SECOND, &parent)?;
            }
        }
        Ok(())
    }

    pub(super) fn persistence(&self, log: &mut HostLog<'_>, implant: &Arc<Process>, path: &str, scheduler: u32, account: &Arc<Account>) -> Result<()> {
        let time = self.begin + log.rng.random_range(16..30) * MINUTE;
        let run = self.command(path);
        let when = word(&mut log.rng, &["/sc onlogon", "/sc daily /st 10:30", "/sc hourly /mo 4", "/sc minute /mo 90"]);
        let command = format!("schtasks /create /f /tn \"{}\" /tr \"{}\" {when}", self.task.trim_start_matches('\\'), run.replace('"', "\\\""));
        let creator = log.start(time, implant, &What::Known("schtasks"), &command, account, "Medium")?;
        register_task(log, time + SECOND / 2, scheduler, &self.task, &run, account)?;
        log.end(time + SECOND, &creator)
    }

    /// The task brings the implant back: an hour later and on the next days.
    pub(super) fn task_runs(&self, log: &mut HostLog<'_>, life: &Life, path: &str, boot: usize) -> Result<()> {
        let command = self.command(path);
        let mut moments = vec![self.begin + 95 * MINUTE];
        for session in life.sessions.iter().filter(|session| session.from > self.begin + 8 * HOUR).take(3) {
            moments.push(session.from + log.rng.random_range(90..400) * SECOND);
        }
        for time in moments {
            let Some(session) = life.sessions.iter().find(|session| session.from < time && time < session.to) else { continue };
            let account = session.account.clone();
            let boot = if time < self.begin + 3 * HOUR { boot } else { session.boot };
            let scheduler = life.boots[boot].processes["svchost:Schedule"].process.clone();
            house::run_task(log, &Run { name: &self.task, action: path, program: None, command: &command, boot, until: session.to }, life, time, &account)?;
            let what = if self.library { What::Known("rundll32") } else { What::Foreign { path, description: "-", company: "-" } };
            let again = log.start(time + SECOND / 12, &scheduler, &what, &command, &account, "Medium")?;
            self.beacons(log, &again, time + 5 * SECOND, session.to, 6)?;
            log.end(session.to.min(time + 2 * HOUR), &again)?;
        }
        Ok(())
    }

    /// Reads passwords from the memory of lsass.
    pub(super) fn credentials(&self, log: &mut HostLog<'_>, life: &Life, boot: usize, implant: &Arc<Process>) -> Result<()> {
        let time = self.begin + 33 * MINUTE;
        let lsass = life.boots[boot].processes["lsass"].process.clone();
        let account = implant.account.clone();
        let dump = format!(r"C:\Windows\Temp\{}.{}", seldom(&mut log.rng), word(&mut log.rng, &["tmp", "log", "dat", "bin"]));
        let (reader, access) = if log.rng.random_bool(0.5) {
            let command = format!(r"rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump {} {dump} full", lsass.pid);
            (log.start(time, implant, &What::Known("rundll32"), &command, &account, "High")?, 0x1f_ffffu32)
        } else {
            (implant.clone(), 0x1410)
        };
        let thread = log.rng.random_range(100..4000u32) * 4;
        let fields = vec![
            "-".into(),
            stamp(time + SECOND).into(),
            reader.guid.into(),
            reader.pid.into(),
            thread.into(),
            (&reader.image).into(),
            lsass.guid.into(),
            lsass.pid.into(),
            (&lsass.image).into(),
            access.into(),
            r"C:\Windows\SYSTEM32\ntdll.dll+9d584|C:\Windows\System32\KERNELBASE.dll+2726e|UNKNOWN(00000203A6B10000)".into(),
            (&reader.account.shown).into(),
            "NT AUTHORITY\\SYSTEM".into(),
        ];
        log.row(time + SECOND, "sysmon_access", 2600, None, fields)?;
        log.write_file(time + 3 * SECOND, &reader, &dump)?;
        if reader.guid != implant.guid {
            log.end(time + 4 * SECOND, &reader)?;
        }
        Ok(())
    }
}
