//! What the intruder will do, drawn from the seed.

use super::Intrusion;
use crate::synth::estate::{DAY, Estate, HOUR, MINUTE, Role, pick, random, word};
use crate::synth::tables::Tables;
use crate::synth::words::seldom;
use rand::RngExt;

impl Intrusion {
    /// Draws the plan from the estate's seed.
    pub(in crate::synth) fn plan(tables: &Tables, estate: &Estate) -> Self {
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
}
