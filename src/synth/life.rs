//! A host's ordinary days: it boots, people log on and work, Windows keeps house.

use super::estate::{DAY, HOUR, MINUTE, Role, SECOND, pick, pick_often, weighted, word};
use super::host::{Account, HostLog, Process};
use super::shape::Field;
use super::tables::Launch;
use anyhow::{Context, Result};
use rand::RngExt;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A process that others may start from, while it lives.
#[derive(Clone)]
pub(super) struct Living {
    pub(super) process: Arc<Process>,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// From boot to shutdown.
pub(super) struct Boot {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) processes: BTreeMap<&'static str, Living>,
}

/// From logon to logoff.
pub(super) struct Session {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) boot: usize,
    pub(super) account: Arc<Account>,
    pub(super) processes: BTreeMap<&'static str, Living>,
}

/// A host's boots and sessions.
#[derive(Default)]
pub(super) struct Life {
    pub(super) boots: Vec<Boot>,
    pub(super) sessions: Vec<Session>,
}

impl Life {
    /// Boots and sessions of all days. On `busy`, a day counted from the start, the owner works from before 8:30 to after 17:30.
    pub(super) fn begin(log: &mut HostLog<'_>, busy: Option<i64>) -> Result<Self> {
        let mut life = Self::default();
        if log.host.role != Role::Pc {
            let from = log.estate.start + log.rng.random_range(2..40) * MINUTE;
            life.boot(log, from, log.estate.end())?;
            return Ok(life);
        }
        let mut running: Option<i64> = None;
        let workdays = log.estate.workdays();
        for (index, day) in workdays.iter().enumerate() {
            let is_busy = busy == Some(*day);
            if !is_busy && log.rng.random_bool(0.08) {
                continue;
            }
            let midnight = log.estate.start + day * DAY - log.estate.offset;
            let mut arrive = midnight + 7 * HOUR + log.rng.random_range(10..150) * MINUTE + log.rng.random_range(0..MINUTE);
            let mut leave = midnight + 16 * HOUR + log.rng.random_range(10..210) * MINUTE;
            if is_busy {
                arrive = arrive.min(midnight + 8 * HOUR + 20 * MINUTE);
                leave = leave.max(midnight + 17 * HOUR + 40 * MINUTE);
            }
            let shutdown = log.rng.random_bool(0.7) || index + 1 == workdays.len();
            let end = leave + log.rng.random_range(1..20) * MINUTE;
            if running.is_none() {
                // How long it will run is known once somebody shuts it down; until then, to the end of the days.
                life.boot(log, arrive, log.estate.end() + DAY)?;
                running = Some(arrive);
            }
            let since = running.unwrap_or(arrive);
            let logon = if since == arrive { arrive + log.rng.random_range(40..200) * SECOND } else { arrive };
            life.session(log, log.host.owner, logon, leave, 2)?;
            if shutdown {
                if let Some(boot) = life.boots.last_mut() {
                    boot.to = end;
                }
                log.row(end, "log_stopped", 0, None, vec![Field::Bytes(vec![1, 0, 0, 0])])?;
                running = None;
            }
        }
        if life.boots.is_empty() {
            life.boot(log, log.estate.start + 8 * HOUR - log.estate.offset, log.estate.end())?;
        }
        Ok(life)
    }

    fn boot(&mut self, log: &mut HostLog<'_>, from: i64, to: i64) -> Result<()> {
        log.boot = from;
        log.row(from, "boot", 4, None, vec![10u32.into(), 0u32.into(), 19045u32.into(), 3570u32.into(), 0u32.into(), 0u32.into(), Field::Number(from as u64)])?;
        log.row(from + 9 * SECOND, "log_started", 0, None, vec![Field::Bytes(vec![0xe7, 7, 2, 0, 6, 0, 5, 0])])?;
        let root = log.root(from);
        let mut boot = Boot { from, to, processes: BTreeMap::new() };
        boot.processes.insert("system", Living { process: root, from, to });
        let mut time = from + SECOND;
        for when in sections("boot", log) {
            for launch in log.tables.launches.get(when.as_str()).into_iter().flatten() {
                if !log.rng.random_bool(launch.weight) {
                    continue;
                }
                time += log.rng.random_range(SECOND / 50..SECOND);
                let parent = boot
                    .processes
                    .get(launch.parent)
                    .or_else(|| boot.processes.get("services"))
                    .context("launches.tsv: services starts too late")?
                    .process
                    .clone();
                let account = log.account(launch.user);
                let process = log.start(time, &parent, &super::host::What::Known(launch.program), launch.command, &account, launch.integrity)?;
                boot.processes.insert(launch.instance, Living { process, from: time, to });
            }
        }
        self.boots.push(boot);
        Ok(())
    }

    /// Logs a person on, at the console (2) or by remote desktop (10), and off again.
    pub(super) fn session(&mut self, log: &mut HostLog<'_>, person: usize, from: i64, to: i64, kind: u32) -> Result<usize> {
        let boot = self.boots.iter().rposition(|boot| boot.from <= from).unwrap_or(0);
        let number = self.sessions.len() as u32 % 4 + 1;
        let account = log.logon(person, number);
        let mut session = Session { from, to, boot, account: account.clone(), processes: BTreeMap::new() };
        log.interactive_logon(from, &account, kind)?;
        let mut time = from + SECOND;
        for when in sections("logon", log) {
            for launch in log.tables.launches.get(when.as_str()).into_iter().flatten() {
                if !log.rng.random_bool(launch.weight) {
                    continue;
                }
                time += log.rng.random_range(SECOND / 10..4 * SECOND);
                let Some(parent) = self.find(&session, launch.parent, time) else { continue };
                let owner = if launch.user == "dwm" { log.account("dwm") } else { account.clone() };
                let (process, end) = log.launch(launch, time, &parent.process, &owner, to)?;
                session.processes.insert(launch.instance, Living { process, from: time, to: end });
            }
        }
        log.logoff(to, &account, kind)?;
        self.sessions.push(session);
        Ok(self.sessions.len() - 1)
    }

    /// The process of that name that lives at that time, in the session or in its boot. `userinit` may just have ended.
    fn find(&self, session: &Session, name: &str, time: i64) -> Option<Living> {
        let own = session.processes.get(name).filter(|living| living.from <= time && (time < living.to || name == "userinit"));
        own.or_else(|| self.boots.get(session.boot)?.processes.get(name)).cloned()
    }

    /// A moment in somebody's session; fewer at noon.
    pub(super) fn working_moment(&self, log: &mut HostLog<'_>) -> Option<(usize, i64)> {
        let indexes: Vec<usize> = (0..self.sessions.len()).collect();
        for _ in 0..8 {
            let index = *weighted(&mut log.rng, indexes.iter(), |index| (self.sessions[*index].to - self.sessions[*index].from).max(1) as f64)?;
            let session = &self.sessions[index];
            let from = session.from + 90 * SECOND;
            if session.to <= from + 10 * SECOND {
                continue;
            }
            let time = log.rng.random_range(from..session.to - 5 * SECOND);
            let hour = (time + log.estate.offset).rem_euclid(DAY) / HOUR;
            if hour != 12 || log.rng.random_bool(0.4) {
                return Some((index, time));
            }
        }
        None
    }

    /// A moment while the host runs.
    pub(super) fn running_moment(&self, log: &mut HostLog<'_>) -> (usize, i64) {
        let indexes: Vec<usize> = (0..self.boots.len()).collect();
        let end = log.estate.end();
        let length = |index: &usize| (self.boots[*index].to.min(end) - self.boots[*index].from).max(1) as f64;
        let index = weighted(&mut log.rng, indexes.iter(), length).copied().unwrap_or(0);
        let boot = &self.boots[index];
        let from = boot.from + 60 * SECOND;
        (index, log.rng.random_range(from..boot.to.min(end).max(from + SECOND)))
    }

    /// Starts one of the rows' programs in a session, its parent first where that is not running.
    pub(super) fn work(&mut self, log: &mut HostLog<'_>, session: usize, time: i64, launch: &'static Launch, depth: u8) -> Result<()> {
        let to = self.sessions[session].to;
        let account = self.sessions[session].account.clone();
        let parent = if let Some(parent) = self.find(&self.sessions[session], launch.parent, time) {
            parent
        } else {
            let opener = log.tables.launches.values().flatten().find(|row| row.program == launch.parent && row.life > 30.0 && row.user == "=");
            let (Some(opener), true) = (opener, depth < 3) else { return Ok(()) };
            let before = (time - log.rng.random_range(2..90) * SECOND).max(self.sessions[session].from + 30 * SECOND);
            if before >= time {
                return Ok(());
            }
            self.work(log, session, before, opener, depth + 1)?;
            match self.find(&self.sessions[session], launch.parent, time) {
                Some(parent) => parent,
                None => return Ok(()),
            }
        };
        let (process, end) = log.launch(launch, time, &parent.process, &account, parent.to.min(to))?;
        if launch.life > 100.0 && launch.program != "explorer" {
            self.sessions[session].processes.insert(launch.program, Living { process, from: time, to: end });
        }
        Ok(())
    }

    /// Starts one of the rows' programs under one of the services.
    pub(super) fn keep_house(&mut self, log: &mut HostLog<'_>, boot: usize, time: i64, launch: &'static Launch) -> Result<()> {
        let boot = &self.boots[boot];
        let Some(parent) = boot.processes.get(launch.parent) else { return Ok(()) };
        let account = log.account(launch.user);
        log.launch(launch, time, &parent.process, &account, boot.to)?;
        Ok(())
    }
}

/// `boot`, `boot.pc`... as they apply to the host.
pub(super) fn sections(when: &str, log: &HostLog<'_>) -> Vec<String> {
    let kinds: &[&str] = match log.host.role {
        Role::Pc => &["pc"],
        Role::File => &["server", "file"],
        Role::Dc => &["server", "dc"],
    };
    std::iter::once(when.to_owned()).chain(kinds.iter().map(|kind| format!("{when}.{kind}"))).collect()
}

impl HostLog<'_> {
    fn interactive_logon(&mut self, time: i64, account: &Account, kind: u32) -> Result<()> {
        let process = r"C:\Windows\System32\svchost.exe";
        let address = if kind == 10 { pick(&mut self.rng, &self.estate.hosts).ip.clone() } else { "127.0.0.1".to_owned() };
        let system = self.account("system");
        let mut explicit = Self::subject(&system);
        explicit.extend([
            [0; 16].into(),
            (&account.name).into(),
            (&account.domain).into(),
            [0; 16].into(),
            "localhost".into(),
            "localhost".into(),
            0x4a0u64.into(),
            process.into(),
            address.as_str().into(),
            "0".into(),
        ]);
        self.row(time, "logon_explicit", 700, None, explicit)?;
        self.logon_row(time, &system, account, kind, process, &address)?;
        let admin = self.person(account).is_some_and(|user| user.admin);
        if let Some(elevated) = account.elevated.as_ref().filter(|_| admin) {
            self.logon_row(time, &system, elevated, kind, process, &address)?;
            self.privileges(time, elevated)?;
        }
        self.row(time + SECOND / 3, "session_on", 900, None, vec![account.session.into(), (&account.sid).into()])
    }

    /// Security 4624.
    pub(super) fn logon_row(&mut self, time: i64, by: &Account, who: &Account, kind: u32, process: &str, address: &str) -> Result<()> {
        let network = kind == 3;
        let mut fields = if network { vec!["S-1-0-0".into(), "-".into(), "-".into(), 0u64.into()] } else { Self::subject(by) };
        let guid: [u8; 16] = if network && self.rng.random_bool(0.8) { self.rng.random() } else { [0; 16] };
        let (package, logon) = match (network, guid == [0; 16]) {
            (true, false) => ("Kerberos", "Kerberos"),
            (true, true) => ("NTLM", "NtLmSsp "),
            _ => ("Negotiate", "User32 "),
        };
        let workstation: Field = if network { "-".into() } else { self.host.name.as_str().into() };
        let linked = who.elevated.as_ref().map_or(0, |elevated| elevated.logon);
        let port = if network { self.rng.random_range(49_152..65_535u32).to_string() } else { "0".to_owned() };
        fields.extend([
            (&who.sid).into(),
            (&who.name).into(),
            (&who.domain).into(),
            who.logon.into(),
            kind.into(),
            logon.into(),
            package.into(),
            workstation,
            guid.into(),
            "-".into(),
            if package == "NTLM" { "NTLM V2".into() } else { "-".into() },
            if package == "NTLM" { 128u32.into() } else { 0u32.into() },
            if network { 0u64.into() } else { 0x4a0u64.into() },
            process.into(),
            address.into(),
            port.into(),
            "%%1833".into(),
            "-".into(),
            "-".into(),
            "-".into(),
            "%%1843".into(),
            linked.into(),
            if linked == 0 && who.person.is_none() { "%%1842".into() } else { "%%1843".into() },
        ]);
        self.row(time, "logon", 700, None, fields)
    }

    /// Security 4672.
    pub(super) fn privileges(&mut self, time: i64, account: &Account) -> Result<()> {
        let mut fields = Self::subject(account);
        fields.push("SeSecurityPrivilege\r\n\t\t\tSeTakeOwnershipPrivilege\r\n\t\t\tSeLoadDriverPrivilege\r\n\t\t\tSeBackupPrivilege\r\n\t\t\tSeRestorePrivilege\r\n\t\t\tSeDebugPrivilege\r\n\t\t\tSeSystemEnvironmentPrivilege\r\n\t\t\tSeImpersonatePrivilege\r\n\t\t\tSeDelegateSessionUserImpersonatePrivilege".into());
        self.row(time, "privileges", 700, None, fields)
    }

    fn logoff(&mut self, time: i64, account: &Account, kind: u32) -> Result<()> {
        self.row(time, "logoff_user", 700, None, Self::subject(account))?;
        self.row(time + SECOND / 2, "session_off", 900, None, vec![account.session.into(), (&account.sid).into()])?;
        self.logoff_row(time + SECOND, account, kind)
    }

    /// Security 4634.
    pub(super) fn logoff_row(&mut self, time: i64, account: &Account, kind: u32) -> Result<()> {
        let mut fields = Self::subject(account);
        fields.push(kind.into());
        self.row(time, "logoff", 700, None, fields)
    }

    /// Somebody's use of the host over the network: 4624 and 4634, on file servers 5140 between.
    pub(super) fn network_logon(&mut self, time: i64, share: bool) -> Result<()> {
        let from = pick_often(&mut self.rng, &self.estate.hosts).clone();
        let machine = self.rng.random_bool(0.4);
        let account = if machine {
            let name: Arc<str> = format!("{}$", from.name).into();
            let sid = format!("{}-{}", self.estate.sid, 1000 + from.machine % 900).into();
            Account {
                sid,
                name: name.clone(),
                domain: self.estate.domain.as_str().into(),
                shown: name,
                logon: self.rng.random_range(0x20_000..0xfff_ffff),
                session: 0,
                person: None,
                elevated: None,
            }
        } else {
            let account = self.logon(from.owner, 0);
            Account {
                sid: account.sid.clone(),
                name: account.name.clone(),
                domain: account.domain.clone(),
                shown: account.shown.clone(),
                logon: account.logon,
                session: 0,
                person: account.person,
                elevated: None,
            }
        };
        let system = self.account("system");
        self.logon_row(time, &system, &account, 3, "-", &from.ip)?;
        let long = self.rng.random_range(SECOND..10 * MINUTE);
        if share {
            let name = if machine {
                "IPC$".to_owned()
            } else {
                (word(&mut self.rng, &["finance", "engineering", "sales", "hr", "projects", "home$", "deploy$"])).to_owned()
            };
            let local = if name == "IPC$" { String::new() } else { format!(r"\??\E:\Shares\{}", name.trim_end_matches('$')) };
            self.share(time + SECOND / 4, &account, &from.ip, &name, &local)?;
        }
        self.logoff_row(time + long, &account, 3)
    }

    /// Security 5140.
    pub(super) fn share(&mut self, time: i64, account: &Account, ip: &str, name: &str, local: &str) -> Result<()> {
        let mut fields = Self::subject(account);
        let port = self.rng.random_range(49_152..65_535u32).to_string();
        fields.extend(["File".into(), ip.into(), port.into(), format!(r"\\*\{name}").into(), local.into(), 1u32.into(), "%%4416\n\t\t\t\t".into()]);
        self.row(time, "share", 4, None, fields)
    }
}
