//! Rare but ordinary work of the people who run the place. Each leaves single, seldom-seen values, so that rarity alone is no sign of an intrusion.

use super::estate::{HOUR, MINUTE, Role, SECOND, pick, pick_often, random, word};
use super::host::{HostLog, Process, What};
use super::house::{self, Run};
use super::life::Life;
use super::words::{guid_text, seldom};
use anyhow::Result;
use rand::RngExt;
use std::sync::Arc;

/// One errand, drawn at random among those that fit the host.
pub(super) fn run(log: &mut HostLog<'_>, life: &mut Life) -> Result<()> {
    match (log.host.role, log.rng.random_range(0..10u32)) {
        (_, 0) if log.rng.random_bool(0.4) => vendor_installer(log, life),
        (_, 1 | 2) => remote_deployment(log, life),
        (_, 3) => remote_shell(log, life),
        (_, 4) => new_task(log, life),
        (_, 5) => helpdesk(log, life),
        (Role::Pc, 6) => failed_logons(log, life),
        (Role::Dc, 6 | 7) => account_work(log, life),
        (Role::Pc, _) => macro_of_the_house(log, life),
        _ => server_visit(log, life),
    }
}

/// Programs that this estate's people install by hand: few, and in one version each.
fn vendors(log: &HostLog<'_>) -> [(&'static str, &'static str, String); 3] {
    const MADE: [(&str, &str); 10] = [
        ("LabelPrinter", "Brandt Etiketten GmbH"),
        ("ScanStation", "Kodak Alaris Inc."),
        ("VPNConnect", "Northlight Networks"),
        ("HeadsetHub", "Jabra"),
        ("CamView", "Axis Communications AB"),
        ("PlotDriver", "HP Inc."),
        ("TokenManager", "Thales"),
        ("MeterReader", "Siemens AG"),
        ("FontPack", "-"),
        ("DockFirmware", "Lenovo"),
    ];
    let mut rng = random(log.estate.seed, 3);
    let first = rng.random_range(0..MADE.len());
    [0, 3, 7].map(|step| {
        let (name, maker) = MADE[(first + step) % MADE.len()];
        (name, maker, format!("{}.{}.{}", rng.random_range(1..12), rng.random_range(0..10), rng.random_range(0..400)))
    })
}

/// Somebody installs a vendor's program from the downloads: setup in Temp, msiexec, a new service.
fn vendor_installer(log: &mut HostLog<'_>, life: &mut Life) -> Result<()> {
    let vendors = vendors(log);
    let (name, maker, version) = pick_often(&mut log.rng, &vendors).clone();
    let (parent, account, time, until) = if let Some((session, time)) = life.working_moment(log) {
        let session = &life.sessions[session];
        let Some(explorer) = session.processes.get("explorer").filter(|living| living.from < time) else { return Ok(()) };
        (explorer.process.clone(), session.account.clone(), time, session.to)
    } else {
        let (boot, time) = life.running_moment(log);
        (life.boots[boot].processes["services"].process.clone(), log.account("system"), time, life.boots[boot].to)
    };
    let home = log.fill("{home}", &account, "", time);
    let setup = format!(r"{home}\Downloads\{name}_Setup_{version}.exe");
    let description = format!("{name} Setup");
    let first =
        log.start(time, &parent, &What::Foreign { path: &setup, description: &description, company: maker }, &format!("\"{setup}\""), &account, "High")?;
    let temp = log.fill(r"{home}\AppData\Local\Temp\is-{id5}.tmp\", &account, "", time) + name + "_Setup.tmp";
    log.write_file(time + SECOND, &first, &temp)?;
    let command = log.fill(&format!("\"{temp}\" /SL5=\"${{hex5}},{{n7}},{{n6}},{setup}\""), &account, "", time);
    let second = log.start(time + SECOND, &first, &What::Foreign { path: &temp, description: "Setup/Uninstall", company: "-" }, &command, &account, "High")?;
    let target = format!(r"C:\Program Files\{name}\{name}.exe");
    let end = (time + log.rng.random_range(40..200) * SECOND).min(until);
    for file in [format!("{name}.exe"), format!("{name}.dll"), "unins000.exe".to_owned(), format!("{name}Svc.exe"), "readme.txt".to_owned()] {
        let moment = log.early(time + 2 * SECOND, end);
        log.write_file(moment, &second, &format!(r"C:\Program Files\{name}\{file}"))?;
    }
    log.set_value(end, &second, &format!(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\{name}_is1\DisplayName"), &format!("{name} {version}"))?;
    if log.rng.random_bool(0.6) {
        let services = life.boots.iter().rev().find(|boot| boot.from < time).map(|boot| boot.processes["services"].process.clone());
        install_service(log, end, name, &format!("\"C:\\Program Files\\{name}\\{name}Svc.exe\""), &account, "auto start")?;
        if let Some(services) = services {
            let system = log.account("system");
            let path = format!(r"C:\Program Files\{name}\{name}Svc.exe");
            log.start(end + SECOND, &services, &What::Foreign { path: &path, description: name, company: maker }, &format!("\"{path}\""), &system, "System")?;
        }
    } else {
        log.start(end, &second, &What::Foreign { path: &target, description: name, company: maker }, &format!("\"{target}\""), &account, "Medium")?;
    }
    log.end(end + SECOND, &second)?;
    log.end(end + SECOND, &first)
}

/// System 7045 and Security 4697.
pub(super) fn install_service(log: &mut HostLog<'_>, time: i64, name: &str, path: &str, by: &super::host::Account, start: &str) -> Result<()> {
    let sid = by.sid.clone();
    log.row(time, "service_new", 700, Some(&sid), vec![name.into(), path.into(), "user mode service".into(), start.into(), "LocalSystem".into()])?;
    let mut fields = HostLog::subject(by);
    fields.extend([name.into(), path.into(), 0x10u32.into(), if start == "auto start" { 2u32.into() } else { 3u32.into() }, "LocalSystem".into()]);
    log.row(time, "service_security", 700, None, fields)
}

/// Software rolled out from afar: a network logon of an administrator, PSEXESVC, msiexec or a script, gone after a minute.
fn remote_deployment(log: &mut HostLog<'_>, life: &mut Life) -> Result<()> {
    let (boot, time) = life.running_moment(log);
    let services = life.boots[boot].processes["services"].process.clone();
    let (account, ip) = admin_over_network(log, time)?;
    log.share(time + SECOND / 2, &account, &ip, "ADMIN$", r"\??\C:\Windows")?;
    install_service(log, time + SECOND, "PSEXESVC", r"%SystemRoot%\PSEXESVC.exe", &account, "demand start")?;
    let system = log.account("system");
    let host = log.start(time + 2 * SECOND, &services, &What::Known("psexesvc"), r"C:\Windows\PSEXESVC.exe", &system, "System")?;
    let command = log.fill(r"{pick:msiexec.exe /i \\{server}\deploy$\inventory-agent-{n1}.{n2}.msi /qn REBOOT=ReallySuppress|cmd.exe /c \\{server}\deploy$\fix-{n4}.cmd|gpupdate.exe /force|ipconfig.exe /registerdns|sc.exe config RemoteRegistry start= demand}", &system, "", time);
    let program = match command.split('.').next() {
        Some("msiexec") => "msiexec",
        Some("gpupdate") => "gpupdate",
        Some("ipconfig") => "ipconfig",
        Some("sc") => "sc",
        _ => "cmd",
    };
    let child = log.start(time + 3 * SECOND, &host, &What::Known(program), &command, &system, "System")?;
    let end = time + log.rng.random_range(6..60) * SECOND;
    effects(log, &child, end)?;
    log.end(end, &child)?;
    log.end(end + SECOND, &host)?;
    house::state(log, end + SECOND, "PSEXESVC", "PSEXESVC", "stopped")?;
    log.logoff_row(end + 2 * SECOND, &account, 3)
}

fn effects(log: &mut HostLog<'_>, process: &Arc<Process>, end: i64) -> Result<()> {
    for effect in log.tables.effects.get(process.program).into_iter().flatten() {
        for _ in 0..log.about(effect.mean) {
            let moment = log.early(process.start, end);
            log.effect(effect, moment, process)?;
        }
    }
    Ok(())
}

/// 4624 type 3 and 4672 of an administrator.
fn admin_over_network(log: &mut HostLog<'_>, time: i64) -> Result<(Arc<super::host::Account>, String)> {
    let user = log.estate.admin_account(&mut log.rng).name.clone();
    let person = log.estate.users.iter().position(|known| known.name == user).unwrap_or(0);
    let account = log.logon(person, 0);
    let from = log.estate.hosts.iter().find(|host| host.role == Role::Pc && log.estate.users[host.owner].admin).unwrap_or(log.estate.server()).ip.clone();
    let system = log.account("system");
    log.logon_row(time, &system, &account, 3, "-", &from)?;
    log.privileges(time, &account)?;
    Ok((account, from))
}

/// PowerShell remoting: wsmprovhost under the DCOM launcher, a few commands, script blocks.
fn remote_shell(log: &mut HostLog<'_>, life: &mut Life) -> Result<()> {
    let (boot, time) = life.running_moment(log);
    let dcom = life.boots[boot].processes["svchost:DcomLaunch"].process.clone();
    let (account, _) = admin_over_network(log, time)?;
    let host = log.start(time + SECOND, &dcom, &What::Known("wsmprovhost"), r"C:\Windows\system32\wsmprovhost.exe -Embedding", &account, "High")?;
    let end = time + log.rng.random_range(1..15) * MINUTE;
    let script = log.fill("{pick:Get-Service -Name Spooler, wuauserv | Select-Object Status, StartType|Get-HotFix | Sort-Object InstalledOn -Descending | Select-Object -First 5|Get-EventLog -LogName System -EntryType Error -Newest 50|Restart-Service -Name Spooler -Force|Get-LocalGroupMember -Group Administrators|Get-Volume | Where-Object SizeRemaining -lt 5GB|Invoke-GPUpdate -RandomDelayInMinutes 0|Get-Process | Sort-Object WS -Descending | Select-Object -First {n2}}", &account, "", time);
    log.script(time + 2 * SECOND, &host, &script)?;
    for _ in 0..log.rng.random_range(0..3u32) {
        let (program, command) = *pick(
            &mut log.rng,
            &[
                ("ipconfig", r#""C:\Windows\system32\ipconfig.exe" /all"#),
                ("gpupdate", r#""C:\Windows\system32\gpupdate.exe" /force"#),
                ("systeminfo", r#""C:\Windows\system32\systeminfo.exe""#),
                ("quser", r#""C:\Windows\system32\quser.exe""#),
                ("netstat", r#""C:\Windows\system32\NETSTAT.EXE" -ano"#),
                ("whoami", r#""C:\Windows\system32\whoami.exe" /all"#),
            ],
        );
        let moment = log.rng.random_range(time + 3 * SECOND..end);
        let child = log.start(moment, &host, &What::Known(program), command, &account, "High")?;
        log.end(moment + 2 * SECOND, &child)?;
    }
    log.end(end, &host)?;
    log.logoff_row(end + SECOND, &account, 3)
}

/// A task registered by an administrator or a program, run once or more.
fn new_task(log: &mut HostLog<'_>, life: &mut Life) -> Result<()> {
    let (boot, time) = life.running_moment(log);
    let system = log.account("system");
    let syllables = seldom(&mut log.rng);
    let (name, program, command) = match log.rng.random_range(0..4u32) {
        0 => (format!(r"\IT\{syllables}-cleanup"), "cmd", format!(r"C:\Windows\System32\cmd.exe /c forfiles /p D:\{syllables} /d -30 /c del")),
        1 => (
            format!(r"\{syllables} License Check"),
            "powershell",
            format!(r#"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -NoProfile -File "C:\Program Files\{syllables}\license.ps1""#),
        ),
        2 => (
            r"\Dell SupportAssistAgent AutoUpdate".to_owned(),
            "dellsa",
            r#""C:\Program Files\Dell\SupportAssistAgent\bin\SupportAssistAgent.exe" autoupdate"#.to_owned(),
        ),
        _ => (
            format!(r"\Mozilla\Firefox Background Update {}", guid_text(log.rng.random()).get(1..9).unwrap_or("").to_uppercase()),
            "firefox",
            r#""C:\Program Files\Mozilla Firefox\firefox.exe" --MOZ_LOG sync,prependheader,timestamp --backgroundtask backgroundupdate"#.to_owned(),
        ),
    };
    let pid = life.boots[boot].processes["svchost:Schedule"].process.pid;
    register_task(log, time, pid, &name, &command, &system)?;
    let until = life.boots[boot].to.min(log.estate.end());
    for turn in 0..log.rng.random_range(1..4) {
        let moment = time + (turn * 24 + 1) * HOUR;
        if moment + HOUR < until {
            let action = log.tables.programs.get(program).map_or("", |program| program.path);
            house::run_task(log, &Run { name: &name, action, program: Some(program), command: &command, boot, until }, life, moment, &system)?;
        }
    }
    Ok(())
}

/// TaskScheduler 106 and Security 4698.
pub(super) fn register_task(log: &mut HostLog<'_>, time: i64, pid: u32, name: &str, command: &str, by: &super::host::Account) -> Result<()> {
    let sid = by.sid.clone();
    log.row(time, "task_registered", pid, Some(&sid), vec![name.into(), (&by.shown).into()])?;
    let (program, arguments) = split_command(command);
    let date = super::words::stamp(time).replace(' ', "T");
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n  <RegistrationInfo>\r\n    <Date>{}</Date>\r\n    <Author>{}</Author>\r\n    <URI>{name}</URI>\r\n  </RegistrationInfo>\r\n  <Triggers>\r\n    <CalendarTrigger>\r\n      <StartBoundary>{}</StartBoundary>\r\n      <Enabled>true</Enabled>\r\n    </CalendarTrigger>\r\n  </Triggers>\r\n  <Actions Context=\"Author\">\r\n    <Exec>\r\n      <Command>{program}</Command>\r\n      <Arguments>{arguments}</Arguments>\r\n    </Exec>\r\n  </Actions>\r\n</Task>",
        &date[..19],
        by.shown,
        &date[..19]
    );
    let mut fields = HostLog::subject(by);
    fields.extend([name.into(), content.into()]);
    log.row(time, "task_security", 700, None, fields)
}

fn split_command(command: &str) -> (&str, &str) {
    match command.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((program, rest)) => (program, rest.trim_start()),
        None => command.split_once(' ').unwrap_or((command, "")),
    }
}

/// The helpdesk at somebody's PC: an elevated prompt and what is typed into it.
fn helpdesk(log: &mut HostLog<'_>, life: &mut Life) -> Result<()> {
    let Some((session, time)) = life.working_moment(log) else { return server_visit(log, life) };
    let session = &life.sessions[session];
    let Some(explorer) = session.processes.get("explorer").filter(|living| living.from < time).map(|living| living.process.clone()) else { return Ok(()) };
    let until = session.to;
    let by = session.account.clone();
    let user = log.estate.admin_account(&mut log.rng).name.clone();
    let person = log.estate.users.iter().position(|known| known.name == user).unwrap_or(0);
    let account = log.logon(person, by.session);
    let mut fields = HostLog::subject(&by);
    fields.extend([
        [0; 16].into(),
        (&account.name).into(),
        (&account.domain).into(),
        [0; 16].into(),
        "localhost".into(),
        "localhost".into(),
        0x6a0u64.into(),
        r"C:\Windows\System32\svchost.exe".into(),
        "::1".into(),
        "0".into(),
    ]);
    log.row(time, "logon_explicit", 700, None, fields)?;
    prompt(log, time + SECOND, &explorer, &account, until)
}

/// An elevated command prompt with some of the administrators' commands.
fn prompt(log: &mut HostLog<'_>, time: i64, parent: &Process, account: &Arc<super::host::Account>, until: i64) -> Result<()> {
    let shell = log.start(time, parent, &What::Known("cmd"), r#""C:\Windows\system32\cmd.exe""#, account, "High")?;
    let tables = log.tables;
    let commands: Vec<_> = tables.launches.get("admin").into_iter().flatten().filter(|launch| launch.parent == "cmd").collect();
    let mut moment = time;
    for _ in 0..log.rng.random_range(2..8u32) {
        moment += log.rng.random_range(4..90) * SECOND;
        if moment > until {
            break;
        }
        let launch = *pick(&mut log.rng, &commands);
        log.launch(launch, moment, &shell, account, until)?;
    }
    log.end((moment + MINUTE).min(until), &shell)
}

/// An administrator on a server by remote desktop.
fn server_visit(log: &mut HostLog<'_>, life: &mut Life) -> Result<()> {
    let (boot, time) = life.running_moment(log);
    let user = log.estate.admin_account(&mut log.rng).name.clone();
    let person = log.estate.users.iter().position(|known| known.name == user).unwrap_or(0);
    let to = (time + log.rng.random_range(10..60) * MINUTE).min(life.boots[boot].to);
    let session = life.session(log, person, time, to, 10)?;
    let session = &life.sessions[session];
    let account = session.account.clone();
    let Some(explorer) = session.processes.get("explorer").map(|living| living.process.clone()) else { return Ok(()) };
    let moment = explorer.start + log.rng.random_range(5..120) * SECOND;
    prompt(log, moment, &explorer, &account, to)?;
    let tables = log.tables;
    if let Some(launch) = tables.launches.get("admin").and_then(|launches| launches.iter().find(|launch| launch.program == "mmc")) {
        log.launch(launch, moment + 3 * SECOND, &explorer, &account, to)?;
    }
    Ok(())
}

/// Somebody mistypes a password.
fn failed_logons(log: &mut HostLog<'_>, life: &Life) -> Result<()> {
    let Some((session, time)) = life.working_moment(log) else { return Ok(()) };
    let account = life.sessions[session].account.clone();
    let system = log.account("system");
    for turn in 0..log.rng.random_range(1..4) {
        let mut fields = HostLog::subject(&system);
        fields.extend([
            (&account.sid).into(),
            (&account.name).into(),
            (&account.domain).into(),
            0xC000_006Du32.into(),
            "%%2313".into(),
            0xC000_006Au32.into(),
            2u32.into(),
            "User32 ".into(),
            "Negotiate".into(),
            log.host.name.as_str().into(),
            "-".into(),
            "-".into(),
            0u32.into(),
            0x4a0u64.into(),
            r"C:\Windows\System32\svchost.exe".into(),
            "127.0.0.1".into(),
            "0".into(),
        ]);
        log.row(time + turn * 6 * SECOND, "logon_failed", 700, None, fields)?;
    }
    Ok(())
}

/// A password reset or a new member of a group, on the domain controller.
fn account_work(log: &mut HostLog<'_>, life: &Life) -> Result<()> {
    let (_, time) = life.running_moment(log);
    let admin = log.estate.admin_account(&mut log.rng).name.clone();
    let person = log.estate.users.iter().position(|known| known.name == admin).unwrap_or(0);
    let by = log.logon(person, 0);
    let user = pick(&mut log.rng, &log.estate.users).clone();
    if log.rng.random_bool(0.6) {
        let mut fields = vec![user.name.as_str().into(), log.estate.domain.as_str().into(), (&user.sid).into()];
        fields.extend(HostLog::subject(&by));
        return log.row(time, "password_reset", 700, None, fields);
    }
    let group = word(&mut log.rng, &["GG-VPN", "GG-Finance", "GG-Printers", "Remote Desktop Users"]);
    let mut fields = vec![
        format!("CN={},OU=Users,DC={}", user.name, log.estate.domain.to_lowercase()).into(),
        (&user.sid).into(),
        group.into(),
        log.estate.domain.as_str().into(),
        format!("{}-1{}", log.estate.sid, group.len() + 200).into(),
    ];
    fields.extend(HostLog::subject(&by));
    fields.push("-".into());
    log.row(time, "group_member", 700, None, fields)
}

/// A spreadsheet of the house that runs a script: Office starting a shell is not always an intrusion.
fn macro_of_the_house(log: &mut HostLog<'_>, life: &mut Life) -> Result<()> {
    let Some((session, time)) = life.working_moment(log) else { return Ok(()) };
    let session = &life.sessions[session];
    let Some(explorer) = session.processes.get("explorer").filter(|living| living.from < time).map(|living| living.process.clone()) else { return Ok(()) };
    let (account, until) = (session.account.clone(), session.to);
    let command = log.fill(r#""C:\Program Files\Microsoft Office\Root\Office16\EXCEL.EXE" "\\{server}\projects\tools\{pick:Calculation|Stock import|Timesheets|Price update}.xlsm""#, &account, "", time);
    let excel = log.start(time, &explorer, &What::Known("excel"), &command, &account, "Medium")?;
    log.load(time + 2 * SECOND, &excel, r"C:\Program Files\Common Files\Microsoft Shared\VBA\VBA7.1\VBE7.DLL", true)?;
    let (program, command) = if log.rng.random_bool(0.5) {
        ("cmd", log.fill(r"C:\Windows\system32\cmd.exe /c \\{server}\projects\tools\{pick:import|export|merge}.cmd {n6}", &account, "", time))
    } else {
        (
            "powershell",
            log.fill(
                r#"powershell.exe -NoProfile -ExecutionPolicy Bypass -File "\\{server}\projects\tools\{pick:import|export|merge}.ps1" -Id {n6}"#,
                &account,
                "",
                time,
            ),
        )
    };
    let at = time + log.rng.random_range(5..200) * SECOND;
    let child = log.start(at, &excel, &What::Known(program), &command, &account, "Medium")?;
    let end = (at + 6 * SECOND).min(until.max(at + SECOND));
    effects(log, &child, end)?;
    if program == "powershell" {
        log.engine(&child, end, None)?;
    }
    log.end(end, &child)?;
    log.end((at + 10 * MINUTE).min(until.max(end)), &excel)
}
