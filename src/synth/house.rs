//! Windows keeping house: tasks, services, updates, logons over the network, Defender. And the loop that fills a host's days up to its number of events.

use super::errands;
use super::estate::{DAY, HOUR, MINUTE, Role, SECOND, pick, weighted, word};
use super::host::HostLog;
use super::life::{Life, sections};
use super::shape::Field;
use super::tables::{Launch, Task};
use super::words::guid_text;
use anyhow::Result;
use rand::RngExt;
use std::sync::Arc;

/// Goes on with ordinary days until the log holds exactly `rows`; more only when it already did.
pub(super) fn fill(log: &mut HostLog<'_>, life: &mut Life, rows: usize) -> Result<()> {
    let margin = (rows / 20).clamp(30, 220);
    let owner = log.estate.users[log.host.owner].clone();
    let mut next_errand = rows.min(1500) / 3;
    let mut weeks = log.estate.days / 7 + 1;
    while log.rows.len() + margin < rows {
        if log.rows.len() > next_errand {
            errands::run(log, life)?;
            next_errand += if log.host.role == Role::Pc { 2600 } else { 1500 };
            continue;
        }
        if weeks > 0 && rows - log.rows.len() > 1500 {
            weeks -= 1;
            update(log, life)?;
            continue;
        }
        let pc = log.host.role == Role::Pc;
        match log.rng.random_range(0..100u32) {
            0..36 if pc => {
                let Some((session, time)) = life.working_moment(log) else { continue };
                let roll = log.rng.random::<f64>();
                let when = if owner.admin && roll < 0.3 {
                    "admin".to_owned()
                } else if roll < 0.7 {
                    "user".to_owned()
                } else {
                    format!("dept.{}", owner.department)
                };
                let tables = log.tables;
                let launches = tables.launches.get(when.as_str()).or_else(|| tables.launches.get("user"));
                if let Some(launch) = launches.and_then(|launches| weighted(&mut log.rng, launches.iter(), |launch| launch.weight)) {
                    life.work(log, session, time, launch, 0)?;
                }
            }
            36..58 => machine(log, life)?,
            58..72 => task(log, life)?,
            72..80 => service(log, life)?,
            80..84 => credentials(log, life)?,
            84..87 => enumeration(log, life)?,
            87..90 if pc => {
                let (_, time) = life.running_moment(log);
                log.network_logon(time, false)?;
            }
            _ if pc => browse(log, life)?,
            90..92 => defender(log, life)?,
            _ => serve(log, life)?,
        }
    }
    while log.rows.len() < rows {
        single(log, life)?;
    }
    Ok(())
}

fn machine(log: &mut HostLog<'_>, life: &mut Life) -> Result<()> {
    let (boot, time) = life.running_moment(log);
    let launches: Vec<&'static Launch> =
        sections("machine", log).iter().flat_map(|when| log.tables.launches.get(when.as_str()).into_iter().flatten()).collect();
    match weighted(&mut log.rng, launches.iter(), |launch| launch.weight) {
        Some(launch) => life.keep_house(log, boot, time, launch),
        None => Ok(()),
    }
}

/// What names and addresses the browser and the shell touch without starting anything.
fn browse(log: &mut HostLog<'_>, life: &Life) -> Result<()> {
    let Some((session, time)) = life.working_moment(log) else { return Ok(()) };
    let session = &life.sessions[session];
    let alive: Vec<_> = session.processes.iter().filter(|(_, living)| living.from < time && time < living.to).collect();
    let alive: Vec<_> = alive.into_iter().filter(|(name, _)| log.tables.effects.contains_key(*name)).collect();
    if alive.is_empty() {
        return Ok(());
    }
    let (name, living) = *pick(&mut log.rng, &alive);
    let tables = log.tables;
    if let Some(effect) = tables.effects.get(name).and_then(|effects| weighted(&mut log.rng, effects.iter(), |effect| effect.mean)) {
        log.effect(effect, time, &living.process)?;
    }
    Ok(())
}

/// A scheduled task from trigger to end, with its process where it has one.
fn task(log: &mut HostLog<'_>, life: &Life) -> Result<()> {
    let pc = log.host.role == Role::Pc;
    let fits: Vec<&'static Task> = log.tables.tasks.iter().filter(|task| task.hosts == "all" || (task.hosts == "pc") == pc).collect();
    let Some(task) = weighted(&mut log.rng, fits.iter(), |task| task.weight).copied() else { return Ok(()) };
    if task.user == "user" {
        let Some((session, time)) = life.working_moment(log) else { return Ok(()) };
        let session = &life.sessions[session];
        let account = session.account.clone();
        return run_task(
            log,
            &Run { name: task.name, action: task.action, program: task.program, command: task.command, boot: session.boot, until: session.to },
            life,
            time,
            &account,
        );
    }
    let (boot, time) = life.running_moment(log);
    let account = log.account(task.user);
    run_task(
        log,
        &Run { name: task.name, action: task.action, program: task.program, command: task.command, boot, until: life.boots[boot].to },
        life,
        time,
        &account,
    )
}

/// What a task runs, and where.
pub(super) struct Run<'a> {
    pub(super) name: &'a str,
    pub(super) action: &'a str,
    pub(super) program: Option<&'static str>,
    pub(super) command: &'a str,
    pub(super) boot: usize,
    pub(super) until: i64,
}

/// The events of one run of a task.
pub(super) fn run_task(log: &mut HostLog<'_>, run: &Run<'_>, life: &Life, time: i64, account: &Arc<super::host::Account>) -> Result<()> {
    let scheduler = life.boots[run.boot].processes.get("svchost:Schedule").map(|living| living.process.clone());
    let Some(scheduler) = scheduler else { return Ok(()) };
    let instance: [u8; 16] = log.rng.random();
    let name: Field = log.fill(run.name, account, "", time).into();
    let context: Field = if account.person.is_some() {
        (&account.shown).into()
    } else {
        account.shown.as_ref().replace("NT AUTHORITY\\SYSTEM", "NT AUTHORITY\\System").as_str().into()
    };
    let pid = scheduler.pid;
    let step = SECOND / 40;
    log.row(time, "task_triggered", pid, None, vec![name.clone(), instance.into()])?;
    let mut engine = log.rng.random_range(100..3000u32) * 4;
    let mut end = time + log.rng.random_range(SECOND..40 * SECOND);
    if let Some(program) = run.program {
        let command = log.fill(run.command, account, "", time);
        let integrity = if account.person.is_some() { "Medium" } else { "System" };
        let process = log.start(time + 3 * step, &scheduler, &super::host::What::Known(program), &command, account, integrity)?;
        engine = process.pid;
        end = end.min(run.until);
        for effect in log.tables.effects.get(program).into_iter().flatten() {
            for _ in 0..log.about(effect.mean) {
                let moment = log.early(process.start, end);
                log.effect(effect, moment, &process)?;
            }
        }
        if program == "powershell" {
            log.engine(&process, end, None)?;
        }
        log.end(end, &process)?;
    }
    let path: Field = run.program.map_or("taskhostw.exe".into(), |_| run.action.into());
    log.row(time + 4 * step, "task_process", pid, None, vec![name.clone(), path, engine.into(), 16384u32.into()])?;
    log.row(time + 5 * step, "task_started", pid, None, vec![name.clone(), context.clone(), instance.into()])?;
    log.row(time + 6 * step, "task_action", pid, None, vec![name.clone(), run.action.into(), instance.into(), engine.into()])?;
    let code = if log.rng.random_bool(0.9) { 0u32 } else { *pick(&mut log.rng, &[1, 2_147_942_402, 2_147_750_687, 3_221_225_786]) };
    log.row(end + step, "task_action_done", pid, None, vec![name.clone(), instance.into(), run.action.into(), code.into(), engine.into()])?;
    log.row(end + 2 * step, "task_finished", pid, None, vec![name, context, instance.into()])
}

fn service(log: &mut HostLog<'_>, life: &Life) -> Result<()> {
    let (_, time) = life.running_moment(log);
    let tables = log.tables;
    let Some(service) = weighted(&mut log.rng, tables.services.iter(), |service| service.weight) else { return Ok(()) };
    state(log, time, service.shown, service.name, "running")?;
    if log.rng.random_bool(0.8) {
        let later = time + log.rng.random_range(30 * SECOND..20 * MINUTE);
        state(log, later, service.shown, service.name, "stopped")?;
    }
    if matches!(service.name, "BITS" | "TrustedInstaller") && log.rng.random_bool(0.6) {
        for (moment, from, to) in [(time, "demand start", "auto start"), (time + 12 * MINUTE, "auto start", "demand start")] {
            log.row(moment, "service_start_type", 700, None, vec![service.shown.into(), from.into(), to.into(), service.name.into()])?;
        }
    }
    Ok(())
}

/// Service Control Manager 7036.
pub(super) fn state(log: &mut HostLog<'_>, time: i64, shown: &str, name: &str, state: &str) -> Result<()> {
    let binary = format!("{name}/{}\0", if state == "running" { 4 } else { 1 }).encode_utf16().flat_map(u16::to_le_bytes).collect();
    log.row(time, "service_state", 700, None, vec![shown.into(), state.into(), Field::Bytes(binary)])
}

/// Security 5379, in bursts as Windows reads its vault.
fn credentials(log: &mut HostLog<'_>, life: &Life) -> Result<()> {
    let (boot, time) = life.running_moment(log);
    let account = match life.working_moment(log) {
        Some((session, _)) if log.rng.random_bool(0.6) => life.sessions[session].account.clone(),
        _ => log.account("system"),
    };
    let pid = life.boots[boot].processes.get("svchost:ProfSvc").map_or(900, |living| living.process.pid);
    let target = (word(
        &mut log.rng,
        &["MicrosoftAccount:user=*", "WindowsLive:(token):name=*", "OneDrive Cached Credential*", "Microsoft_OC1:uri=*", "Adobe User OS Info*"],
    ))
    .to_owned();
    for step in 0..log.rng.random_range(1..6) {
        let mut fields = HostLog::subject(&account);
        fields.extend([
            target.as_str().into(),
            0u32.into(),
            0u32.into(),
            "%%8100".into(),
            0xC000_0225u32.into(),
            Field::Number(life.boots[boot].from as u64),
            pid.into(),
        ]);
        log.row(time + step * SECOND / 9, "credential_read", 700, None, fields)?;
    }
    Ok(())
}

/// Security 4798 and 4799 by Windows itself.
fn enumeration(log: &mut HostLog<'_>, life: &Life) -> Result<()> {
    let (boot, time) = life.running_moment(log);
    let (caller, path) = *pick(
        &mut log.rng,
        &[
            ("svchost:Winmgmt", r"C:\Windows\System32\svchost.exe"),
            ("services", r"C:\Windows\System32\services.exe"),
            ("msmpeng", r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.23090.2008-0\MsMpEng.exe"),
            ("veeam", r"C:\Windows\System32\VSSVC.exe"),
        ],
    );
    let pid = life.boots[boot].processes.get(caller).map_or(1200, |living| living.process.pid);
    let system = log.account("system");
    if log.rng.random_bool(0.5) {
        let (name, sid) = *pick(
            &mut log.rng,
            &[("Administrators", "S-1-5-32-544"), ("Backup Operators", "S-1-5-32-551"), ("Users", "S-1-5-32-545"), ("Remote Desktop Users", "S-1-5-32-555")],
        );
        let mut fields = vec![name.into(), "Builtin".into(), sid.into()];
        fields.extend(HostLog::subject(&system));
        fields.extend([u64::from(pid).into(), path.into()]);
        return log.row(time, "members_of_group", 700, None, fields);
    }
    let (name, rid) = *pick(&mut log.rng, &[("Administrator", 500), ("Guest", 501), ("DefaultAccount", 503), ("WDAGUtilityAccount", 504)]);
    let mut fields = vec![
        name.into(),
        log.host.name.as_str().into(),
        format!("S-1-5-21-{}-{}-{}-{rid}", log.host.machine, log.host.machine / 3, log.host.machine / 7).into(),
    ];
    fields.extend(HostLog::subject(&system));
    fields.extend([u64::from(pid).into(), path.into()]);
    log.row(time, "groups_of_user", 700, None, fields)
}

/// A month's updates in one burst: downloads, the installer at work, results.
fn update(log: &mut HostLog<'_>, life: &mut Life) -> Result<()> {
    let (boot, time) = life.running_moment(log);
    let until = life.boots[boot].to.min(time + 2 * HOUR);
    if until - time < 10 * MINUTE {
        return Ok(());
    }
    let tables = log.tables;
    let month = 1 + (time / DAY / 30) % 12;
    let services = life.boots[boot].processes["services"].process.clone();
    let launch = life.boots[boot].processes["svchost:DcomLaunch"].process.clone();
    let system = log.account("system");
    for _ in 0..log.rng.random_range(1..4) {
        let kind = word(
            &mut log.rng,
            &[
                "Cumulative Update for Windows 10 Version 22H2 for x64-based Systems",
                "Cumulative Update for .NET Framework 3.5, 4.8 and 4.8.1 for Windows 10",
                "Security Intelligence Update for Microsoft Defender Antivirus",
                "Update for Windows Security platform",
            ],
        );
        let title = format!("2023-{month:02} {kind} (KB{})", log.rng.random_range(5_020_000..5_040_000));
        let guid: [u8; 16] = log.rng.random();
        let revision = log.rng.random_range(1..204u32);
        let at = log.rng.random_range(time..until - 8 * MINUTE);
        log.row(at, "update_download", 5700, None, vec![title.as_str().into(), guid.into(), revision.into()])?;
        log.row(at + 2 * MINUTE, "update_installing", 5700, None, vec![title.as_str().into(), guid.into(), revision.into()])?;
        let installer = log.start(
            at + 2 * MINUTE + SECOND,
            &services,
            &super::host::What::Known("trustedinstaller"),
            r"C:\Windows\servicing\TrustedInstaller.exe",
            &system,
            "System",
        )?;
        let command =
            r"C:\Windows\winsxs\amd64_microsoft-windows-servicingstack_31bf3856ad364e35_10.0.19041.3562_none_7e1f0ac07c8e9c1e\TiWorker.exe -Embedding";
        let worker = log.start(at + 2 * MINUTE + 2 * SECOND, &launch, &super::host::What::Known("tiworker"), command, &system, "System")?;
        let end = at + log.rng.random_range(4..8) * MINUTE;
        for effect in tables.effects.get("tiworker").into_iter().flatten() {
            for _ in 0..3 * log.about(effect.mean) {
                let moment = log.rng.random_range(worker.start..end);
                log.effect(effect, moment, &worker)?;
            }
        }
        log.end(end, &worker)?;
        log.end(end + 3 * SECOND, &installer)?;
        log.row(
            end,
            "update_installed",
            5700,
            None,
            vec![
                title.as_str().into(),
                guid.into(),
                revision.into(),
                [0x43, 0xe3, 0x82, 0x94, 0xb6, 0x43, 0x70, 0xb1, 0x9a, 0x65, 0xbc, 0x82, 0x2c, 0x77, 1, 2].into(),
            ],
        )?;
    }
    Ok(())
}

/// A quick scan, or a changed setting.
fn defender(log: &mut HostLog<'_>, life: &Life) -> Result<()> {
    let (_, time) = life.running_moment(log);
    let product = || vec![Field::from("Microsoft Defender Antivirus"), "4.18.23090.2008".into()];
    if log.rng.random_bool(0.4) {
        let mut fields = product();
        let version = log.rng.random_range(100..900);
        fields.extend([
            format!(r"HKLM\SOFTWARE\Microsoft\Windows Defender\Signature Updates\EngineVersion = 1.1.23080.{version}").into(),
            format!(r"HKLM\SOFTWARE\Microsoft\Windows Defender\Signature Updates\EngineVersion = 1.1.23090.{version}").into(),
        ]);
        return log.row(time, "defender_setting", 3000, None, fields);
    }
    let id = guid_text(log.rng.random()).to_uppercase();
    let mut common = product();
    common.extend([
        id.as_str().into(),
        "1".into(),
        "Antimalware".into(),
        "1".into(),
        "Quick Scan".into(),
        "NT AUTHORITY".into(),
        "SYSTEM".into(),
        "S-1-5-18".into(),
    ]);
    let mut finished = common.clone();
    common.push("".into());
    log.row(time, "scan_started", 3000, None, common)?;
    let (minutes, seconds) = (log.rng.random_range(1..9), log.rng.random_range(0..60));
    finished.extend(["00".into(), format!("{minutes:02}").into(), format!("{seconds:02}").into()]);
    log.row(time + minutes * MINUTE + seconds * SECOND, "scan_finished", 3000, None, finished)
}

/// What servers do for others.
fn serve(log: &mut HostLog<'_>, life: &Life) -> Result<()> {
    let (_, mut time) = life.running_moment(log);
    // Three of four requests come while people are at work.
    let hour = (time + log.estate.offset).rem_euclid(DAY) / HOUR;
    if !(7..18).contains(&hour) && log.rng.random_bool(0.75) {
        let shifted = time - (hour - log.rng.random_range(8..17)) * HOUR;
        time = shifted.clamp(life.boots[0].from + MINUTE, log.estate.end() - MINUTE);
    }
    if log.host.role == Role::Dc && log.rng.random_bool(0.6) {
        return tickets(log, time);
    }
    let share = log.host.role == Role::File || log.rng.random_bool(0.3);
    log.network_logon(time, share)
}

/// Security 4768, 4769 or 4776 for somebody at work.
fn tickets(log: &mut HostLog<'_>, time: i64) -> Result<()> {
    let from = pick(&mut log.rng, &log.estate.hosts).clone();
    let user = log.estate.users[from.owner].clone();
    let service = pick(&mut log.rng, &log.estate.hosts).clone();
    if log.rng.random_bool(0.1) {
        let status = if log.rng.random_bool(0.9) { 0u32 } else { 0xC000_006A };
        return log.row(
            time,
            "credential_check",
            700,
            None,
            vec!["MICROSOFT_AUTHENTICATION_PACKAGE_V1_0".into(), user.name.as_str().into(), from.name.as_str().into(), status.into()],
        );
    }
    ticket(log, time, &user, &from.ip, log.host.role == Role::Dc && user.name.len().is_multiple_of(2))?;
    let guid: [u8; 16] = log.rng.random();
    let fields = vec![
        format!("{}@{}", user.name, log.estate.fqdn.to_uppercase()).into(),
        log.estate.fqdn.to_uppercase().into(),
        format!("{}$", service.name).into(),
        format!("{}-{}", log.estate.sid, 1000 + service.machine % 900).into(),
        0x4081_0000u32.into(),
        0x12u32.into(),
        format!("::ffff:{}", from.ip).into(),
        log.rng.random_range(49_152..65_535u32).to_string().into(),
        0u32.into(),
        guid.into(),
        "-".into(),
    ];
    log.row(time + SECOND / 8, "ticket_service", 700, None, fields)
}

/// Security 4768.
pub(super) fn ticket(log: &mut HostLog<'_>, time: i64, user: &super::estate::User, ip: &str, forwardable: bool) -> Result<()> {
    let options = if forwardable { 0x4081_0010u32 } else { 0x6081_0010 };
    let fields = vec![
        user.name.as_str().into(),
        log.estate.domain.as_str().into(),
        (&user.sid).into(),
        "krbtgt".into(),
        format!("{}-502", log.estate.sid).into(),
        options.into(),
        0u32.into(),
        0x12u32.into(),
        "2".into(),
        format!("::ffff:{ip}").into(),
        log.rng.random_range(49_152..65_535u32).to_string().into(),
        "".into(),
        "".into(),
        "".into(),
    ];
    log.row(time, "ticket_granting", 700, None, fields)
}

/// The smallest thing that happens: a name asked for, or a service's change of state.
fn single(log: &mut HostLog<'_>, life: &Life) -> Result<()> {
    let (boot, time) = life.running_moment(log);
    let asker = word(&mut log.rng, &["svchost:Dnscache", "svchost:wuauserv", "svchost:CryptSvc", "svchost:gpsvc"]);
    let asks = log.rng.random_bool(0.7);
    if let Some(asker) = life.boots[boot].processes.get(asker).filter(|_| asks) {
        let system = log.account("system");
        let name = log.fill("{pick:settings-win.data.microsoft.com|v10.events.data.microsoft.com|ctldl.windowsupdate.com|{dc}.{fqdn}|wpad.{fqdn}|fe3cr.delivery.mp.microsoft.com}", &system, "", time);
        return log.ask(time, &asker.process, &name);
    }
    let tables = log.tables;
    match weighted(&mut log.rng, tables.services.iter(), |service| service.weight) {
        Some(service) => state(log, time, service.shown, service.name, "running"),
        None => Ok(()),
    }
}
