//! What processes do: start others, load libraries, write files and registry values, ask for names, talk to the network.

use super::estate::{HOUR, SECOND, random};
use super::host::{Account, HostLog, Process, What, hash};
use super::tables::{Effect, Launch};
use super::words::stamp;
use anyhow::Result;
use rand::RngExt;
use std::sync::Arc;

impl HostLog<'_> {
    /// Starts what the row says under `parent`, with its children and effects, and ends it; nothing lasts beyond `until`. Returns the process and when it ends.
    pub(super) fn launch(&mut self, launch: &'static Launch, time: i64, parent: &Process, account: &Arc<Account>, until: i64) -> Result<(Arc<Process>, i64)> {
        self.launch_at_depth(launch, time, parent, account, until, 0)
    }

    fn launch_at_depth(
        &mut self,
        launch: &'static Launch,
        time: i64,
        parent: &Process,
        account: &Arc<Account>,
        until: i64,
        depth: u8,
    ) -> Result<(Arc<Process>, i64)> {
        let args = parent.command.split_once(' ').map_or("", |(_, args)| args).to_owned();
        let command = self.fill(launch.command, account, &args, time);
        let integrity = if launch.integrity == "=" { parent.integrity } else { launch.integrity };
        let process = self.start(time, parent, &What::Known(launch.program), &command, account, integrity)?;
        let life = (launch.life * self.rng.random_range(0.2..2.0)) as i64;
        let end = if launch.life > 0.0 { (time + life * SECOND + self.rng.random_range(SECOND / 20..SECOND)).min(until) } else { until };
        self.live(&process, end, depth)?;
        if launch.life > 0.0 || depth > 0 {
            self.end(end, &process)?;
        }
        Ok((process, end))
    }

    /// Everything an ordinary process of its program does between its start and `end`.
    fn live(&mut self, process: &Arc<Process>, end: i64, depth: u8) -> Result<()> {
        let tables = self.tables;
        if depth < 3 {
            // A child of the same program brings no further ones.
            let children = tables.children.get(process.program).filter(|_| depth == 0 || process.program != "compattelrunner");
            for child in children.into_iter().flatten() {
                if depth > 0 && child.program == process.program {
                    continue;
                }
                for _ in 0..self.about(child.weight) {
                    let soon = self.early(process.start, end);
                    let account = process.account.clone();
                    self.launch_at_depth(child, soon, process, &account, end, depth + 1)?;
                }
            }
        }
        if depth == 0 || process.program == "tiworker" {
            for effect in tables.effects.get(process.program).into_iter().flatten() {
                for _ in 0..self.about(effect.mean) {
                    let time = self.early(process.start, end);
                    self.effect(effect, time, process)?;
                }
            }
            if process.program == "powershell" {
                self.engine(process, end, None)?;
            }
        }
        Ok(())
    }

    /// A moment in the process's life, mostly near its start.
    pub(super) fn early(&mut self, start: i64, end: i64) -> i64 {
        let span = (end - start).max(SECOND / 10) as f64;
        start + (span * self.rng.random::<f64>().powi(3)) as i64 + SECOND / 20
    }

    /// One of the things the table of effects knows.
    pub(super) fn effect(&mut self, effect: &Effect, time: i64, process: &Process) -> Result<()> {
        let account = process.account.clone();
        let what = self.fill(effect.what, &account, "", time);
        match effect.kind {
            "dns" => self.ask(time, process, &what),
            "net" => {
                let (host, port) = what.split_once(' ').unwrap_or((&what, "443"));
                self.connect(time, process, host, port.parse().unwrap_or(443))
            }
            "file" => self.write_file(time, process, &what),
            "reg" => {
                let (object, details) = what.split_once(" => ").unwrap_or((&what, "Binary Data"));
                self.set_value(time, process, object, details)
            }
            _ => self.load(time, process, &what, true),
        }
    }

    /// Sysmon 22.
    pub(super) fn ask(&mut self, time: i64, process: &Process, name: &str) -> Result<()> {
        let results = format!("::ffff:{};", self.address(name));
        self.row(
            time,
            "sysmon_dns",
            2600,
            None,
            vec![
                "-".into(),
                stamp(time).into(),
                process.guid.into(),
                process.pid.into(),
                name.into(),
                "0".into(),
                results.into(),
                (&process.image).into(),
                (&process.account.shown).into(),
            ],
        )
    }

    /// Sysmon 3.
    pub(super) fn connect(&mut self, time: i64, process: &Process, host: &str, port: u16) -> Result<()> {
        let (to, from) = (self.address(host), self.host.ip.clone());
        let port_name = match port {
            80 => "http",
            88 => "kerberos",
            135 => "epmap",
            389 => "ldap",
            443 => "https",
            445 => "microsoft-ds",
            3389 => "ms-wbt-server",
            _ => "-",
        };
        let inside = self.estate.hosts.iter().find(|known| known.ip == to).map_or("-".to_owned(), |known| known.computer.to_string());
        let source = self.rng.random_range(49_152..65_535u32);
        let fields = vec![
            "-".into(),
            stamp(time).into(),
            process.guid.into(),
            process.pid.into(),
            (&process.image).into(),
            (&process.account.shown).into(),
            "tcp".into(),
            1u32.into(),
            0u32.into(),
            from.into(),
            (&self.host.computer).into(),
            source.into(),
            "-".into(),
            0u32.into(),
            to.into(),
            inside.into(),
            u32::from(port).into(),
            port_name.into(),
        ];
        self.row(time, "sysmon_network", 2600, None, fields)
    }

    /// The address of a host of the estate, or a made-up but lasting one.
    pub(super) fn address(&self, name: &str) -> String {
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            return name.to_owned();
        }
        let short = name.split('.').next().unwrap_or(name);
        if let Some(host) = self.estate.hosts.iter().find(|host| host.name.eq_ignore_ascii_case(short)) {
            return host.ip.clone();
        }
        let mut rng = random(u64::from(crc32fast::hash(name.as_bytes())), 5);
        format!(
            "{}.{}.{}.{}",
            [13, 20, 23, 34, 40, 52, 104, 142, 151, 185][rng.random_range(0..10usize)],
            rng.random_range(1..255),
            rng.random_range(1..255),
            rng.random_range(1..255)
        )
    }

    /// Sysmon 11.
    pub(super) fn write_file(&mut self, time: i64, process: &Process, path: &str) -> Result<()> {
        self.row(
            time,
            "sysmon_file",
            2600,
            None,
            vec![
                "-".into(),
                stamp(time).into(),
                process.guid.into(),
                process.pid.into(),
                (&process.image).into(),
                path.into(),
                stamp(time).into(),
                (&process.account.shown).into(),
            ],
        )
    }

    /// Sysmon 13.
    pub(super) fn set_value(&mut self, time: i64, process: &Process, object: &str, details: &str) -> Result<()> {
        let fields = vec![
            "-".into(),
            "SetValue".into(),
            stamp(time).into(),
            process.guid.into(),
            process.pid.into(),
            (&process.image).into(),
            object.into(),
            details.into(),
            (&process.account.shown).into(),
        ];
        self.row(time, "sysmon_value", 2600, None, fields)
    }

    /// Sysmon 7.
    pub(super) fn load(&mut self, time: i64, process: &Process, path: &str, signed: bool) -> Result<()> {
        let name = path.rsplit('\\').next().unwrap_or(path).to_owned();
        let office = path.contains("Office") || path.contains("VBA");
        let (version, product) = if office {
            ("16.0.16827.20130", "Microsoft Office")
        } else {
            ("10.0.19041.3570 (WinBuild.160101.0800)", "Microsoft® Windows® Operating System")
        };
        let hashes = hash(path, self.estate.seed);
        let facts: [&str; 7] = if signed {
            [version, product, product, "Microsoft Corporation", &name, "true", "Microsoft Windows"]
        } else {
            ["-", "-", "-", "-", "-", "false", "-"]
        };
        let fields = vec![
            "-".into(),
            stamp(time).into(),
            process.guid.into(),
            process.pid.into(),
            (&process.image).into(),
            path.into(),
            facts[0].into(),
            facts[1].into(),
            facts[2].into(),
            facts[3].into(),
            facts[4].into(),
            hashes.into(),
            facts[5].into(),
            facts[6].into(),
            if signed { "Valid".into() } else { "Unavailable".into() },
            (&process.account.shown).into(),
        ];
        self.row(time, "sysmon_image", 2600, None, fields)
    }

    /// PowerShell's own words on a run: engine and providers started, the script where it is given, engine stopped.
    pub(super) fn engine(&mut self, process: &Process, end: i64, script: Option<&str>) -> Result<()> {
        let guid = |log: &mut Self| super::words::guid_text(log.rng.random()).trim_matches(['{', '}']).to_owned();
        let (host, run) = (guid(self), guid(self));
        let mut number = 1;
        let tail = |number: &mut u32, started: bool| {
            let (engine, run) = if started { ("5.1.19041.3570", run.as_str()) } else { ("", "") };
            let text = format!(
                "\r\n\r\n\tSequenceNumber={number}\r\n\r\n\tHostName=ConsoleHost\r\n\tHostVersion=5.1.19041.3570\r\n\tHostId={host}\r\n\tHostApplication={}\r\n\tEngineVersion={engine}\r\n\tRunspaceId={run}\r\n\tPipelineId=\r\n\tCommandName=\r\n\tCommandType=\r\n\tScriptName=\r\n\tCommandPath=\r\n\tCommandLine=",
                process.command
            );
            *number += 2;
            text
        };
        let at = |number: u32| process.start + i64::from(number) * SECOND / 7;
        for provider in ["Registry", "Alias", "Environment", "FileSystem", "Function", "Variable"] {
            let time = at(number);
            let text = format!("\tProviderName={provider}\r\n\tNewProviderState=Started{}", tail(&mut number, false));
            self.words(time, "provider_started", provider, "Started", text)?;
        }
        let time = at(number);
        let text = format!("\tNewEngineState=Available\r\n\tPreviousEngineState=None{}", tail(&mut number, true));
        self.words(time, "engine_started", "Available", "None", text)?;
        if let Some(script) = script {
            self.script(at(number), process, script)?;
        }
        if end - process.start < 12 * HOUR {
            let text = format!("\tNewEngineState=Stopped\r\n\tPreviousEngineState=Available{}", tail(&mut number, true));
            self.words(end.max(at(number)), "engine_stopped", "Stopped", "Available", text)?;
        }
        Ok(())
    }

    fn words(&mut self, time: i64, shape: &str, first: &str, second: &str, text: String) -> Result<()> {
        self.row(time, shape, 0, None, vec![super::shape::Field::List(vec![first.into(), second.into(), text]), super::shape::Field::Bytes(Vec::new())])
    }

    /// PowerShell 4104.
    pub(super) fn script(&mut self, time: i64, process: &Process, text: &str) -> Result<()> {
        let id = super::words::guid_text(self.rng.random());
        let (sid, pid) = (process.account.sid.clone(), process.pid);
        self.row(time, "script_block", pid, Some(&sid), vec![1u32.into(), 1u32.into(), text.into(), id.trim_matches(['{', '}']).into(), "".into()])
    }
}
