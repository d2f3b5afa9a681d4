//! The planted intrusion: a document from the mail, encoded PowerShell, discovery, a scheduled task, a service on a second host, cleared logs.
//!
//! Names, paths, times and the way each step is done are drawn from the seed, so that no single token gives it away; what stands out is the combination.

mod entry;
mod foothold;
mod lateral;
mod plan;
mod traces;

use super::estate::{MINUTE, SECOND};
use super::host::{HostLog, Label};
use super::house;
use super::life::Life;
use anyhow::{Context, Result};

/// What the intruder will do, and where.
pub(super) struct Intrusion {
    /// Host whose user opens the document.
    pub(super) patient: usize,
    /// Server that is taken by a service.
    pub(super) target: usize,
    /// Another PC, taken through WMI, in larger estates.
    pub(super) second: Option<usize>,
    /// Day of the document, counted from the start.
    pub(super) day: i64,
    begin: i64,
    lateral: i64,
    clearing: i64,
    /// Person whose account is stolen.
    stolen: usize,
    document: String,
    word: String,
    /// File name of the implant, and its folder on the patient.
    implant: String,
    folder: &'static str,
    library: bool,
    server: String,
    task: String,
    service: String,
    service_file: String,
    way: u32,
}

impl Intrusion {
    /// Adds what the intruder does on this host to its log.
    pub(super) fn strike(&self, log: &mut HostLog<'_>, life: &mut Life, host: usize) -> Result<()> {
        if host == self.patient {
            self.patient(log, life)?;
        }
        if host == self.target {
            self.target(log, life)?;
        }
        if Some(host) == self.second {
            self.second(log, life)?;
        }
        if host == 0 {
            // The domain controller sees tickets like any others: neither attack nor ordinary.
            log.label = Label::Ignore;
            let user = log.estate.users[self.stolen].clone();
            let ip = log.estate.hosts[self.patient].ip.clone();
            house::ticket(log, self.lateral - 2 * SECOND, &user, &ip, true)?;
        }
        log.label = Label::Ordinary;
        Ok(())
    }

    fn patient(&self, log: &mut HostLog<'_>, life: &mut Life) -> Result<()> {
        let session = life.sessions.iter().position(|session| session.from < self.begin && self.begin < session.to).context("the patient is not at work")?;
        let (account, until, boot) = (life.sessions[session].account.clone(), life.sessions[session].to, life.sessions[session].boot);
        let outlook = self.mail_program(log, life, session)?;
        let office = self.document(log, &outlook, &account, until)?;
        log.label = Label::Attack;
        let shell = self.macro_runs(log, &life.boots[boot], &office, &account)?;
        let (implant, path) = self.implant_arrives(log, &shell, &account)?;
        self.beacons(log, &implant, self.begin + 2 * MINUTE, until, 18)?;
        Self::discovery(log, &implant, self.begin + 4 * MINUTE, 6)?;
        let scheduler = life.boots[boot].processes["svchost:Schedule"].process.pid;
        self.persistence(log, &implant, &path, scheduler, &account)?;
        self.credentials(log, life, boot, &implant)?;
        self.reach_out(log, &implant, &account)?;
        self.clear(log, &implant, &account, false)?;
        log.end((self.clearing + 20 * MINUTE).min(until), &implant)?;
        self.task_runs(log, life, &path, boot)
    }
}
