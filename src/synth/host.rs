//! One host's log while it is being made: rows in any order, the processes that live on it, and who is logged on.

use super::estate::{Estate, Host, SECOND, User, random};
use super::shape::Field;
use super::tables::{Program, Tables};
use super::words::{Setting, stamp};
use anyhow::{Context, Result};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What truth says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Ordinary,
    Attack,
    /// Neither: a trace that the intrusion leaves in what is ordinary.
    Ignore,
}

/// One event.
#[derive(Debug)]
pub(super) struct MadeEvent {
    pub(super) time: i64,
    pub(super) shape: usize,
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) user: Option<Arc<str>>,
    pub(super) fields: Vec<Field>,
    pub(super) label: Label,
}

/// A logon under which processes run.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) sid: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) domain: Arc<str>,
    /// `DOMAIN\name`.
    pub(super) shown: Arc<str>,
    pub(super) logon: u64,
    pub(super) session: u32,
    /// Index of the person, if it is one.
    pub(super) person: Option<usize>,
    /// The logon's elevated twin.
    pub(super) elevated: Option<Arc<Account>>,
}

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) guid: [u8; 16],
    pub(super) pid: u32,
    pub(super) program: &'static str,
    pub(super) image: Arc<str>,
    pub(super) command: Arc<str>,
    pub(super) account: Arc<Account>,
    pub(super) integrity: &'static str,
    pub(super) start: i64,
}

/// What starts: a program of the tables, or a file that none of them knows.
pub(super) enum What<'a> {
    Known(&'static str),
    Foreign { path: &'a str, description: &'a str, company: &'a str },
}

/// A host's log in the making.
pub(super) struct HostLog<'a> {
    pub(super) tables: &'static Tables,
    pub(super) estate: &'a Estate,
    pub(super) host: &'a Host,
    pub(super) rng: ChaCha8Rng,
    pub(super) rows: Vec<MadeEvent>,
    /// GUIDs of the intrusion's processes.
    pub(super) attackers: Vec<[u8; 16]>,
    /// What rows made from now on are.
    pub(super) label: Label,
    pub(super) boot: i64,
    shapes: BTreeMap<&'static str, usize>,
    processes: u64,
    builtin: BTreeMap<&'static str, Arc<Account>>,
}

impl<'a> HostLog<'a> {
    pub(super) fn new(tables: &'static Tables, estate: &'a Estate, index: usize) -> Self {
        let host = &estate.hosts[index];
        let shapes = tables.shapes.iter().enumerate().map(|(index, shape)| (shape.key, index)).collect();
        let machine: Arc<str> = format!("{}$", host.name).into();
        let mut builtin = BTreeMap::new();
        let kinds = [
            ("system", "S-1-5-18", "SYSTEM", "NT AUTHORITY", 0x3e7, 0),
            ("local", "S-1-5-19", "LOCAL SERVICE", "NT AUTHORITY", 0x3e5, 0),
            ("network", "S-1-5-20", "NETWORK SERVICE", "NT AUTHORITY", 0x3e4, 0),
            ("font", "S-1-5-96-0-1", "UMFD-1", "Font Driver Host", 0xb6a1, 1),
            ("dwm", "S-1-5-90-0-1", "DWM-1", "Window Manager", 0x12f4e, 1),
            ("mssql", "S-1-5-80-3880718306-3832830129-1677859214-2598158968-1052248003", "MSSQLSERVER", "NT Service", 0x1a2f3, 0),
        ];
        for (key, sid, name, domain, logon, session) in kinds {
            // Security shows the machine's account where Sysmon shows SYSTEM.
            let (account, of) = if key == "system" { (machine.clone(), estate.domain.as_str()) } else { (name.into(), domain) };
            let shown = format!("{domain}\\{name}").into();
            builtin.insert(key, Arc::new(Account { sid: sid.into(), name: account, domain: of.into(), shown, logon, session, person: None, elevated: None }));
        }
        let rng = random(estate.seed, 1000 + index as u64);
        Self { tables, estate, host, rng, rows: Vec::new(), attackers: Vec::new(), label: Label::Ordinary, boot: estate.start, shapes, processes: 100, builtin }
    }

    /// The account of a kind, `system` when there is none.
    pub(super) fn account(&self, kind: &str) -> Arc<Account> {
        self.builtin.get(kind).unwrap_or(&self.builtin["system"]).clone()
    }

    /// A new logon of a person, with its elevated twin where the person is an administrator.
    pub(super) fn logon(&mut self, person: usize, session: u32) -> Arc<Account> {
        let user = &self.estate.users[person];
        let logon = self.rng.random_range(0x20_000..0xfff_ffff_u64);
        let make = |logon, elevated| {
            Arc::new(Account {
                sid: user.sid.clone(),
                name: user.name.as_str().into(),
                domain: self.estate.domain.as_str().into(),
                shown: format!("{}\\{}", self.estate.domain, user.name).into(),
                logon,
                session,
                person: Some(person),
                elevated,
            })
        };
        let elevated = make(logon + 0x2a, None);
        make(logon, Some(elevated))
    }

    pub(super) fn person(&self, account: &Account) -> Option<&'a User> {
        account.person.map(|person| &self.estate.users[person])
    }

    /// Fills a text as the account at that time would.
    pub(super) fn fill(&mut self, text: &str, account: &Account, args: &str, time: i64) -> String {
        let setting = Setting { tables: self.tables, estate: self.estate, host: self.host, user: self.person(account), args, time };
        setting.fill(text, &mut self.rng)
    }

    /// Adds an event. An unknown shape is an error in the code, told by name.
    pub(super) fn row(&mut self, time: i64, shape: &str, pid: u32, user: Option<&Arc<str>>, fields: Vec<Field>) -> Result<()> {
        let shape = *self.shapes.get(shape).with_context(|| format!("events.tsv has no shape {shape}"))?;
        let row = &self.tables.shapes[shape];
        let user = match row.user {
            "system" => Some(Arc::from("S-1-5-18")),
            "actor" => Some(user.cloned().unwrap_or_else(|| "S-1-5-18".into())),
            _ => None,
        };
        debug_assert_eq!(row.fields.len(), fields.len(), "{}", row.key);
        let tid = self.rng.random_range(50..4000u32) * 4;
        self.rows.push(MadeEvent { time, shape, pid, tid, user, fields, label: self.label });
        Ok(())
    }

    /// A GUID as Sysmon makes it: machine, second, counter.
    fn process_guid(&mut self, time: i64) -> [u8; 16] {
        self.processes += self.rng.random_range(1..4);
        self.sysmon_guid(time, self.processes)
    }

    fn sysmon_guid(&self, time: i64, last: u64) -> [u8; 16] {
        let second = (time / SECOND) as u32;
        let mut guid = [0; 16];
        guid[..4].copy_from_slice(&self.host.machine.to_le_bytes());
        guid[4..8].copy_from_slice(&second.to_le_bytes());
        guid[8..].copy_from_slice(&last.to_le_bytes());
        guid
    }

    /// The process that everything descends from; it leaves no event.
    pub(super) fn root(&mut self, time: i64) -> Arc<Process> {
        let account = self.account("system");
        let guid = self.process_guid(time);
        Arc::new(Process { guid, pid: 4, program: "system", image: "System".into(), command: "".into(), account, integrity: "System", start: time })
    }

    /// Starts a process: Sysmon 1 and Security 4688.
    pub(super) fn start(
        &mut self,
        time: i64,
        parent: &Process,
        what: &What<'_>,
        command: &str,
        account: &Arc<Account>,
        integrity: &'static str,
    ) -> Result<Arc<Process>> {
        let program = match what {
            What::Known(key) => Some(self.tables.programs.get(key).with_context(|| format!("programs.tsv has no {key}"))?),
            What::Foreign { .. } => None,
        };
        let image: Arc<str> = match what {
            What::Known(_) => self.fill(program.map_or("", |program| program.path), account, "", time).into(),
            What::Foreign { path, .. } => (*path).into(),
        };
        let account = match (&account.elevated, integrity) {
            (Some(elevated), "High") => elevated.clone(),
            _ => account.clone(),
        };
        let pid = self.rng.random_range(150..4500u32) * 4;
        let guid = self.process_guid(time);
        let process = Arc::new(Process {
            guid,
            pid,
            program: program.map_or("", |program| program.key),
            image,
            command: command.into(),
            account,
            integrity,
            start: time,
        });
        if self.label == Label::Attack {
            self.attackers.push(guid);
        }
        self.sysmon_start(parent, &process, program, what)?;
        self.security_start(parent, &process)?;
        Ok(process)
    }

    fn sysmon_start(&mut self, parent: &Process, process: &Process, program: Option<&Program>, what: &What<'_>) -> Result<()> {
        let account = &process.account;
        let (version, description, product, company, original) = match (program, what) {
            (Some(program), _) => (program.version, program.description, program.product, program.company, program.original),
            (None, What::Foreign { description, company, .. }) => ("-", *description, *description, *company, "-"),
            (None, What::Known(_)) => ("-", "-", "-", "-", "-"),
        };
        let directory = match account.person {
            Some(_) if process.integrity == "High" => r"C:\Windows\system32\".to_owned(),
            Some(person) => format!("C:\\Users\\{}\\", self.estate.users[person].name),
            None => r"C:\Windows\system32\".to_owned(),
        };
        let hash = hash(&process.image, self.estate.seed);
        let logon = self.sysmon_guid(self.boot, account.logon);
        let fields = vec![
            "-".into(),
            stamp(process.start).into(),
            process.guid.into(),
            process.pid.into(),
            (&process.image).into(),
            version.into(),
            description.into(),
            product.into(),
            company.into(),
            original.into(),
            (&process.command).into(),
            directory.into(),
            (&account.shown).into(),
            logon.into(),
            account.logon.into(),
            account.session.into(),
            process.integrity.into(),
            hash.into(),
            parent.guid.into(),
            parent.pid.into(),
            (&parent.image).into(),
            (&parent.command).into(),
            (&parent.account.shown).into(),
        ];
        let lag = self.rng.random_range(1..9) * SECOND / 1000;
        self.row(process.start + lag, "sysmon_process", 2600, None, fields)
    }

    fn security_start(&mut self, parent: &Process, process: &Process) -> Result<()> {
        let (from, to) = (&parent.account, &process.account);
        let same = from.logon == to.logon || to.logon < 0x1000;
        let token = match process.integrity {
            "High" if to.elevated.is_none() && to.person.is_some() => "%%1937",
            "Medium" | "Low" if to.elevated.is_some() => "%%1938",
            _ => "%%1936",
        };
        let label = match process.integrity {
            "System" => "S-1-16-16384",
            "High" => "S-1-16-12288",
            "Low" => "S-1-16-4096",
            _ => "S-1-16-8192",
        };
        let target: [Field; 4] = if same {
            ["S-1-0-0".into(), "-".into(), "-".into(), 0u64.into()]
        } else {
            [(&to.sid).into(), (&to.name).into(), (&to.domain).into(), to.logon.into()]
        };
        let [sid, name, domain, logon] = target;
        let fields = vec![
            (&from.sid).into(),
            (&from.name).into(),
            (&from.domain).into(),
            from.logon.into(),
            u64::from(process.pid).into(),
            (&process.image).into(),
            token.into(),
            u64::from(parent.pid).into(),
            (&process.command).into(),
            sid,
            name,
            domain,
            logon,
            (&parent.image).into(),
            label.into(),
        ];
        self.row(process.start, "process", 4, None, fields)
    }

    /// Ends a process: Sysmon 5 and Security 4689.
    pub(super) fn end(&mut self, time: i64, process: &Process) -> Result<()> {
        let account = &process.account;
        self.row(
            time,
            "sysmon_end",
            2600,
            None,
            vec!["-".into(), stamp(time).into(), process.guid.into(), process.pid.into(), (&process.image).into(), (&account.shown).into()],
        )?;
        let fields = vec![
            (&account.sid).into(),
            (&account.name).into(),
            (&account.domain).into(),
            account.logon.into(),
            0u32.into(),
            u64::from(process.pid).into(),
            (&process.image).into(),
        ];
        self.row(time, "process_end", 4, None, fields)
    }

    /// The first four fields of most Security events.
    pub(super) fn subject(account: &Account) -> Vec<Field> {
        vec![(&account.sid).into(), (&account.name).into(), (&account.domain).into(), account.logon.into()]
    }

    /// A number around `mean`, 0 included.
    pub(super) fn about(&mut self, mean: f64) -> u32 {
        let whole = mean.floor();
        let spread = if whole >= 2.0 { self.rng.random_range(-whole / 2.0..=whole / 2.0).round() } else { 0.0 };
        (whole + spread) as u32 + u32::from(self.rng.random_bool((mean - whole).clamp(0.0, 1.0)))
    }
}

/// A binary's hash: made up, but the same wherever the binary is seen.
pub(super) fn hash(image: &str, seed: u64) -> String {
    let key = image.rsplit('\\').next().unwrap_or(image).to_lowercase();
    let mut rng = random(seed ^ u64::from(crc32fast::hash(key.as_bytes())), 77);
    let mut hex = |digits: usize| (0..digits).map(|_| char::from(b"0123456789ABCDEF"[rng.random_range(0..16usize)])).collect::<String>();
    format!("SHA256={},IMPHASH={}", hex(64), hex(32))
}
