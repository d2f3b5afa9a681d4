//! What is carried away, and what is wiped.

use super::Intrusion;
use crate::synth::estate::{MINUTE, SECOND, word};
use crate::synth::host::{Account, HostLog, Process, What};
use crate::synth::words::seldom;
use anyhow::Result;
use rand::RngExt;
use std::sync::Arc;

impl Intrusion {
    /// Packs files up and sends them away.
    pub(super) fn stage(&self, log: &mut HostLog<'_>, implant: &Arc<Process>) -> Result<()> {
        let time = self.lateral + 25 * MINUTE;
        let archive = format!(r"C:\ProgramData\{}.{}", seldom(&mut log.rng), word(&mut log.rng, &["zip", "7z", "cab", "dat"]));
        let account = implant.account.clone();
        let share = word(&mut log.rng, &["finance", "projects", "hr"]);
        let (program, command) = if log.rng.random_bool(0.5) {
            ("powershell", format!(r"powershell -nop -c Compress-Archive -Path E:\Shares\{share} -DestinationPath {archive}"))
        } else {
            (
                "cmd",
                format!(
                    r"cmd.exe /c robocopy E:\Shares\{share} C:\ProgramData\{} *.xlsx *.pdf /S /MAXAGE:180 & tar -caf {archive} C:\ProgramData\{}",
                    self.word, self.word
                ),
            )
        };
        let packer = log.start(time, implant, &What::Known(program), &command, &account, "System")?;
        log.write_file(time + 8 * SECOND, &packer, &archive)?;
        if program == "powershell" {
            log.engine(&packer, time + 90 * SECOND, None)?;
        }
        log.end(time + 90 * SECOND, &packer)?;
        for turn in 0..3 {
            log.connect(time + (3 + turn) * MINUTE, implant, &self.server, 443)?;
        }
        Ok(())
    }

    /// Clears the Security log, on servers System too. The records before it are kept: they had been forwarded.
    pub(super) fn clear(&self, log: &mut HostLog<'_>, implant: &Arc<Process>, by: &Arc<Account>, both: bool) -> Result<()> {
        let time = if both { self.clearing } else { self.clearing + 9 * MINUTE };
        let logs: &[&str] = if both { &["Security", "System"] } else { &["Security"] };
        for (turn, name) in logs.iter().enumerate() {
            let moment = time + turn as i64 * 2 * SECOND;
            let tool = log.start(
                moment,
                implant,
                &What::Known("wevtutil"),
                &format!("wevtutil{} cl {name}", if self.way.is_multiple_of(2) { "" } else { ".exe" }),
                by,
                implant.integrity,
            )?;
            if *name == "Security" {
                log.row(moment + SECOND / 3, "log_cleared", 900, None, HostLog::subject(by))?;
            } else {
                log.row(moment + SECOND / 3, "log_cleared_system", 900, None, vec![(&by.name).into(), (&by.domain).into(), (*name).into(), "".into()])?;
            }
            log.end(moment + SECOND, &tool)?;
        }
        Ok(())
    }
}
