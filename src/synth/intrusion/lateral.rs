//! On to other hosts: a service on a server, WMI on another PC.

use super::Intrusion;
use crate::synth::errands::install_service;
use crate::synth::estate::{HOUR, MINUTE, SECOND};
use crate::synth::host::{Account, HostLog, Label, Process, What};
use crate::synth::house;
use crate::synth::life::Life;
use crate::synth::words::guid_text;
use anyhow::Result;
use rand::RngExt;
use std::sync::Arc;

impl Intrusion {
    /// From the patient to the other hosts, with the stolen account.
    pub(super) fn reach_out(&self, log: &mut HostLog<'_>, implant: &Arc<Process>, account: &Arc<Account>) -> Result<()> {
        let stolen = log.estate.users[self.stolen].clone();
        let hosts = [Some(self.target), self.second];
        for (turn, index) in hosts.into_iter().flatten().enumerate() {
            let host = log.estate.hosts[index].clone();
            let time = self.lateral + turn as i64 * 14 * MINUTE;
            let mut fields = HostLog::subject(account);
            fields.extend([
                [0; 16].into(),
                stolen.name.as_str().into(),
                log.estate.domain.as_str().into(),
                [0; 16].into(),
                host.computer.as_ref().into(),
                host.computer.as_ref().into(),
                u64::from(implant.pid).into(),
                (&implant.image).into(),
                "-".into(),
                "-".into(),
            ]);
            log.row(time - SECOND, "logon_explicit", 700, None, fields)?;
            log.connect(time - SECOND, implant, &host.name, 445)?;
            if turn == 0 && log.rng.random_bool(0.5) {
                let command = format!(
                    r"net use \\{}\ADMIN$ /user:{}\{} {}",
                    host.name,
                    log.estate.domain,
                    stolen.name,
                    guid_text(log.rng.random()).get(1..13).unwrap_or("")
                );
                let net = log.start(time - 20 * SECOND, implant, &What::Known("net"), &command, account, "Medium")?;
                log.end(time - 19 * SECOND, &net)?;
            }
            if turn == 1 {
                log.connect(time, implant, &host.name, 135)?;
                let command = format!(
                    r#"wmic /node:{} /user:{}\{} process call create "{}""#,
                    host.name,
                    log.estate.domain,
                    stolen.name,
                    self.second_command().replace('"', "\\\"")
                );
                let wmic = log.start(time, implant, &What::Known("wmic"), &command, account, "Medium")?;
                log.end(time + 3 * SECOND, &wmic)?;
            }
        }
        Ok(())
    }

    /// The stolen account arrives over the network.
    pub(super) fn arrive(&self, log: &mut HostLog<'_>, time: i64) -> Result<(Arc<Account>, String)> {
        let account = log.logon(self.stolen, 0);
        let ip = log.estate.hosts[self.patient].ip.clone();
        let system = log.account("system");
        log.logon_row(time, &system, &account, 3, "-", &ip)?;
        log.privileges(time, &account)?;
        Ok((account, ip))
    }

    pub(super) fn target(&self, log: &mut HostLog<'_>, life: &Life) -> Result<()> {
        let time = self.lateral;
        let Some(boot) = life.boots.iter().rev().find(|boot| boot.from < time) else { return Ok(()) };
        let (services, kernel) = (boot.processes["services"].process.clone(), boot.processes["system"].process.clone());
        log.label = Label::Attack;
        let (account, ip) = self.arrive(log, time)?;
        log.share(time + SECOND / 3, &account, &ip, "ADMIN$", r"\??\C:\Windows")?;
        let mut fields = HostLog::subject(&account);
        fields.extend([
            "File".into(),
            ip.as_str().into(),
            "51844".into(),
            r"\\*\ADMIN$".into(),
            r"\??\C:\Windows".into(),
            self.service_file.as_str().into(),
            0x2u32.into(),
            "%%4417\n\t\t\t\t".into(),
            "-".into(),
        ]);
        log.row(time + SECOND / 2, "share_file", 4, None, fields)?;
        let path = format!(r"C:\Windows\{}", self.service_file);
        log.write_file(time + SECOND / 2, &kernel, &path)?;
        install_service(log, time + SECOND, &self.service, &format!(r"%SystemRoot%\{}", self.service_file), &account, "demand start")?;
        let system = log.account("system");
        let implant = log.start(time + 2 * SECOND, &services, &What::Foreign { path: &path, description: "-", company: "-" }, &path, &system, "System")?;
        house::state(log, time + 2 * SECOND, &self.service, &self.service, "running")?;
        self.beacons(log, &implant, time + 20 * SECOND, self.clearing, 8)?;
        Self::discovery(log, &implant, time + 3 * MINUTE, 3)?;
        self.stage(log, &implant)?;
        self.clear(log, &implant, &system, true)?;
        log.end(self.clearing + 3 * MINUTE, &implant)?;
        log.logoff_row(self.clearing + 3 * MINUTE, &account, 3)
    }

    pub(super) fn second_command(&self) -> String {
        format!(r"cmd.exe /c start /b C:\Users\Public\{}.exe", self.implant)
    }

    /// Another PC, through WMI.
    pub(super) fn second(&self, log: &mut HostLog<'_>, life: &Life) -> Result<()> {
        let time = self.lateral + 14 * MINUTE + 2 * SECOND;
        let Some(boot) = life.boots.iter().rev().find(|boot| boot.from < time && time < boot.to) else { return Ok(()) };
        let (dcom, kernel) = (boot.processes["svchost:DcomLaunch"].process.clone(), boot.processes["system"].process.clone());
        log.label = Label::Ignore;
        let network = log.account("network");
        let provider =
            log.start(time - 9 * SECOND, &dcom, &What::Known("wmiprvse"), r"C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding", &network, "System")?;
        log.label = Label::Attack;
        let (account, ip) = self.arrive(log, time - 5 * SECOND)?;
        log.share(time - 4 * SECOND, &account, &ip, "C$", r"\??\C:\")?;
        let path = format!(r"C:\Users\Public\{}.exe", self.implant);
        log.write_file(time - 3 * SECOND, &kernel, &path)?;
        let shell = log.start(time, &provider, &What::Known("cmd"), &self.second_command(), &account, "High")?;
        let implant = log.start(time + SECOND / 2, &shell, &What::Foreign { path: &path, description: "-", company: "-" }, &path, &account, "High")?;
        log.end(time + SECOND, &shell)?;
        self.beacons(log, &implant, time + 20 * SECOND, boot.to.min(time + 3 * HOUR), 8)?;
        Self::discovery(log, &implant, time + 2 * MINUTE, 3)?;
        log.end(boot.to.min(time + 3 * HOUR), &implant)
    }
}
