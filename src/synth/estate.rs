//! Who and what there is: the domain, its hosts, its people, and the days that are covered. All of it follows from the seed.

use super::tables::Tables;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;

pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// What a host is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Pc,
    File,
    Dc,
}

/// A computer.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) name: String,
    /// Name with the domain, as `Computer` shows it.
    pub(super) computer: Arc<str>,
    pub(super) ip: String,
    pub(super) role: Role,
    /// Whose it is; the administrator's for servers.
    pub(super) owner: usize,
    /// First part of every ProcessGuid.
    pub(super) machine: u32,
}

/// A person.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) sid: Arc<str>,
    pub(super) department: String,
    pub(super) admin: bool,
}

/// The estate.
#[derive(Clone, Debug)]
pub(super) struct Estate {
    pub(super) seed: u64,
    /// NetBIOS name of the domain.
    pub(super) domain: String,
    /// DNS name of the domain.
    pub(super) fqdn: String,
    pub(super) sid: String,
    pub(super) hosts: Vec<Host>,
    pub(super) users: Vec<User>,
    /// Midnight of a Monday, UTC nanoseconds.
    pub(super) start: i64,
    pub(super) days: i64,
    /// The office's midnight, counted from UTC's.
    pub(super) offset: i64,
}

/// A generator for one purpose; different purposes never share draws, so that hosts can be made in any order.
pub(super) fn random(seed: u64, purpose: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(purpose.wrapping_mul(0xd1b5_4a32_d192_ed03)).rotate_left(17))
}

impl Estate {
    /// Draws an estate that fits about `events` events.
    pub(super) fn new(tables: &Tables, events: u64, seed: u64) -> Self {
        let mut rng = random(seed, 1);
        let words = &tables.words;
        let hosts = (3 + ((events as f64).sqrt() / 45.0) as usize).max((events / 40_000) as usize);
        let domain = pick(&mut rng, &words.domains).to_uppercase();
        let fqdn = format!("{}.{}", domain.to_lowercase(), pick(&mut rng, &["local", "lan", "net", "com"]));
        let sid = format!(
            "S-1-5-21-{}-{}-{}",
            rng.random_range(100_000_000..4_000_000_000u64),
            rng.random_range(100_000_000..4_000_000_000u64),
            rng.random_range(100_000_000..4_000_000_000u64)
        );
        // Mondays of 2022 to 2024.
        let start = 1_641_168_000 * SECOND + rng.random_range(0..150) * 7 * DAY;
        let mut estate = Self {
            seed,
            domain,
            fqdn,
            sid,
            hosts: Vec::new(),
            users: Vec::new(),
            start,
            days: ((events / hosts as u64) as i64 / 1200).clamp(1, 30),
            offset: rng.random_range(-5..=3) * HOUR,
        };
        let servers = 2 + hosts / 12;
        let admins = 1 + hosts / 15;
        estate.people(words, hosts - servers, admins, &mut rng);
        estate.machines(hosts, servers, &mut rng);
        estate
    }

    fn people(&mut self, words: &super::tables::Words, count: usize, admins: usize, rng: &mut ChaCha8Rng) {
        let mut rid = 1104;
        while self.users.len() < count {
            let (first, last) = (pick(rng, &words.first), pick(rng, &words.last));
            let mut name = format!("{}.{last}", &first[..1]);
            while self.users.iter().any(|user| user.name == name) {
                name.push(char::from(b'a' + rng.random_range(0..26u8)));
            }
            let admin = self.users.len() < admins;
            let department = if admin { "it".into() } else { pick(rng, &words.departments).clone() };
            rid += rng.random_range(1..9);
            self.users.push(User { name, sid: format!("{}-{rid}", self.sid).into(), department, admin });
        }
        // Administrators work with a second account.
        for admin in 0..admins.min(count) {
            let name = format!("{}{}", word(rng, &["adm-", "a_", "admin."]), self.users[admin].name);
            rid += rng.random_range(1..9);
            self.users.push(User { name, sid: format!("{}-{rid}", self.sid).into(), department: "it".into(), admin: true });
        }
    }

    fn machines(&mut self, hosts: usize, servers: usize, rng: &mut ChaCha8Rng) {
        let prefix = word(rng, &["WS", "PC", "NB", "WKS", "CLT"]).to_owned();
        let first = rng.random_range(1..400);
        let net = (rng.random_range(1..250), rng.random_range(1..200));
        for index in 0..hosts {
            let (name, role) = match index {
                0 => ("DC01".to_owned(), Role::Dc),
                1 => (word(rng, &["FS01", "FILE01", "SRV-FILE"]).to_owned(), Role::File),
                _ if index < servers => (format!("{}{:02}", word(rng, &["APP", "SRV", "SQL"]), index), Role::File),
                _ => (format!("{prefix}{:03}", first + index), Role::Pc),
            };
            let owner = index.saturating_sub(servers);
            let ip = if index < servers {
                format!("10.{}.{}.{}", net.0, net.1, 10 + index)
            } else {
                format!("10.{}.{}.{}", net.0, net.1 + 1 + index / 200, 20 + index % 200)
            };
            let computer = format!("{name}.{}", self.fqdn).into();
            self.hosts.push(Host { name, computer, ip, role, owner, machine: rng.random() });
        }
    }

    /// End of the covered days, UTC nanoseconds.
    pub(super) fn end(&self) -> i64 {
        self.start + self.days * DAY
    }

    /// Days on which people work, counted from the start.
    pub(super) fn workdays(&self) -> Vec<i64> {
        let days: Vec<i64> = (0..self.days).filter(|day| day % 7 < 5).collect();
        if days.is_empty() { vec![0] } else { days }
    }

    /// The account that an administrator uses for administration.
    pub(super) fn admin_account(&self, rng: &mut ChaCha8Rng) -> &User {
        let admins: Vec<&User> = self.users.iter().filter(|user| user.admin).collect();
        // Second accounts stand at the end; everyday accounts of administrators come first.
        let half = admins.len() / 2;
        admins[half + rng.random_range(0..admins.len() - half)]
    }

    pub(super) fn dc(&self) -> &Host {
        &self.hosts[0]
    }

    pub(super) fn server(&self) -> &Host {
        &self.hosts[1]
    }
}

/// One of them.
pub(super) fn pick<'a, T>(rng: &mut ChaCha8Rng, items: &'a [T]) -> &'a T {
    &items[rng.random_range(0..items.len())]
}

/// One of the words.
pub(super) fn word<'a>(rng: &mut ChaCha8Rng, words: &[&'a str]) -> &'a str {
    words[rng.random_range(0..words.len())]
}

/// One of them, the first ones far more often.
pub(super) fn pick_often<'a, T>(rng: &mut ChaCha8Rng, items: &'a [T]) -> &'a T {
    let skewed = rng.random::<f64>().powi(2);
    &items[((items.len() as f64 * skewed) as usize).min(items.len() - 1)]
}

/// One of them by weight.
pub(super) fn weighted<'a, T>(rng: &mut ChaCha8Rng, items: impl Iterator<Item = &'a T> + Clone, weight: impl Fn(&T) -> f64) -> Option<&'a T> {
    let total: f64 = items.clone().map(&weight).sum();
    let mut left = rng.random::<f64>() * total;
    let mut last = None;
    for item in items {
        left -= weight(item);
        last = Some(item);
        if left < 0.0 {
            break;
        }
    }
    last
}
