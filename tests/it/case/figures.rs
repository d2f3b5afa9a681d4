//! What the store costs. `cargo test --release --test it case::figures -- --ignored --nocapture --test-threads=1`

use super::{Dice, runs, sha};
use residue::case::{Case, Change, Target, Unit};
use residue::control::Control;
use residue::domain::{DetectorId, Event, EventKey, EventSink, EventStore, Ledger};
use std::time::Instant;

/// Wall and processor time since it was made; processor time of all threads where the system tells it (Linux), which is what counts on a busy machine.
struct Watch(Instant, f64);

impl Watch {
    fn start() -> Self {
        Self(Instant::now(), Self::processor())
    }

    fn processor() -> f64 {
        let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().filter_map(Result::ok);
        let spent = threads.filter_map(|t| std::fs::read_to_string(t.path().join("schedstat")).ok()?.split(' ').next()?.parse::<f64>().ok());
        spent.sum::<f64>() / 1e9
    }

    /// Prints how long each of `times` took.
    fn say(&self, what: &str, times: f64) -> (f64, f64) {
        let (wall, processor) = (self.0.elapsed().as_secs_f64(), Self::processor() - self.1);
        println!(
            "{what}: {:.3} ms, processor {:.3} ms; a second gives {:.0}, of processor {:.0}",
            wall * 1e3 / times,
            processor * 1e3 / times,
            times / wall,
            times / processor
        );
        (wall, processor)
    }
}

/// Events about as long and as alike as a Sysmon log's.
fn sysmon(count: u64) -> Vec<Event> {
    let mut dice = Dice(1);
    (1..=count)
        .map(|n| {
            let image = format!(r"C:\Windows\System32\tool{}.exe", dice.roll(300));
            let command_line = format!("{image} -k {} -id {:x}", dice.roll(5_000), dice.roll(u64::from(u32::MAX)));
            let guid = format!("{{f1cf0d1d-{:04x}-{:04x}-{:04x}-{:012x}}}", dice.roll(65536), dice.roll(65536), dice.roll(65536), n);
            let fields = format!(
                r#"{{"RuleName":"-","UtcTime":"2020-09-17 17:57:{:02}.{:03}","ProcessGuid":"{guid}","ProcessId":{},"Image":"{}","FileVersion":"10.0.17763.1 (WinBuild.160101.0800)","Description":"Host Process for Windows Services","Product":"Microsoft® Windows® Operating System","Company":"Microsoft Corporation","OriginalFileName":"svchost.exe","CommandLine":"{}","CurrentDirectory":"C:\\Windows\\system32\\","User":"NT AUTHORITY\\SYSTEM","LogonGuid":"{{f1cf0d1d-0000-0000-0000-0020{:08x}}}","LogonId":"0x3e7","TerminalSessionId":0,"IntegrityLevel":"System","Hashes":"SHA1={:016x}{:016x}00000000,MD5={:016x}{:016x}","ParentProcessGuid":"{guid}","ParentProcessId":624,"ParentImage":"C:\\Windows\\System32\\services.exe","ParentCommandLine":"C:\\Windows\\system32\\services.exe","System":{{"Provider":"Microsoft-Windows-Sysmon","EventID":1,"Version":5,"Level":4,"Task":1,"Opcode":0,"Keywords":"0x8000000000000000","EventRecordID":{n},"Execution":{{"ProcessID":1880,"ThreadID":2612}},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"WORKSTATION5.theshire.local","Security":{{"UserID":"S-1-5-18"}}}}}}"#,
                dice.roll(60),
                dice.roll(1000),
                dice.roll(20_000),
                image.replace('\\', "\\\\"),
                command_line.replace('\\', "\\\\"),
                dice.roll(1 << 31),
                dice.roll(300),
                dice.roll(300),
                dice.roll(300),
                dice.roll(300),
            );
            Event {
                time: Some(1_600_000_000_000_000_000 + n as i64 * 10_000_000),
                record: n,
                record_id: Some(n),
                offset: Some(n * 1024),
                computer: Some("WORKSTATION5.theshire.local".into()),
                channel: Some("Microsoft-Windows-Sysmon/Operational".into()),
                provider: Some("Microsoft-Windows-Sysmon".into()),
                event_id: Some(1),
                level: Some("Information".into()),
                user: Some(r"NT AUTHORITY\SYSTEM".into()),
                pid: Some(dice.roll(20_000) as u32),
                ppid: Some(624),
                process_guid: Some(guid.clone()),
                parent_guid: Some(guid),
                message: format!("Process created: {command_line} by NT AUTHORITY\\SYSTEM from services.exe"),
                image: Some(image),
                parent_image: Some(r"C:\Windows\System32\services.exe".into()),
                command_line: Some(command_line),
                fields,
                ..Event::default()
            }
        })
        .collect()
}

#[test]
#[ignore = "figures"]
fn events() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    let events = sysmon(200_000);
    let json: usize = events.iter().map(|e| e.fields.len()).sum();
    let batches: Vec<Vec<Event>> = events.chunks(2_000).map(<[Event]>::to_vec).collect();
    let watch = Watch::start();
    let mut sink = case.begin("a.evtx").unwrap();
    for batch in batches {
        sink.write(batch).unwrap();
    }
    let ledger =
        Ledger { source_file: "a.evtx".into(), sha256: sha(1), seen: vec![("WORKSTATION5.theshire.local".into(), "x".into(), 1)], ..Ledger::default() };
    sink.finish(ledger).unwrap();
    let (wall, processor) = watch.say("write, events", 2e5);
    let size = std::fs::metadata(case.dir().join("events").join(format!("{}.parquet", &sha(1)[..16]))).unwrap().len() as f64 / 1e6;
    let json = json as f64 / 1e6;
    println!("write, MB of JSON: {:.0} a second, {:.0} of processor; {size:.1} MB on disk from {json:.1}", json / wall, json / processor);

    let snapshot = case.snapshot();
    for payload in [false, true] {
        let watch = Watch::start();
        let mut sum = 0;
        snapshot
            .scan(payload, &Control::silent(), &mut |batch| {
                sum += batch.iter().map(|e| e.fields.len() + e.image.map_or(0, str::len)).sum::<usize>();
                Ok(())
            })
            .unwrap();
        watch.say(&format!("scan, payload {payload} ({sum})"), 2e5);
    }
    let mut dice = Dice(9);
    let mut key = || EventKey { source: 0, part: 0, record: 1 + dice.roll(200_000) };
    let watch = Watch::start();
    for _ in 0..100 {
        assert!(snapshot.fetch(key()).unwrap().is_some());
    }
    watch.say("fetch", 100.0);
    let watch = Watch::start();
    for _ in 0..100 {
        assert!(snapshot.neighbours(key(), 10, &Control::silent()).unwrap().len() > 10);
    }
    watch.say("neighbours, 10 and 10", 100.0);
}

#[test]
#[ignore = "figures"]
fn annotations() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    let case = Case::create(&dir).unwrap();
    let source = Ledger { sha256: sha(1), ..Ledger::default() };
    let target = |record| Target::new(Unit::Subject, &source, EventKey { source: 0, part: 0, record });
    let timed = |what: &str, times: u32, work: &mut dyn FnMut(u64)| {
        let watch = Watch::start();
        for n in 0..times {
            work(u64::from(n));
        }
        watch.say(what, f64::from(times));
    };
    timed("flag one, empty case", 100, &mut |n| drop(case.annotate(&[target(n)], &Change::flag(true)).unwrap()));
    timed("flag 10,000, empty case", 5, &mut |n| {
        let targets: Vec<_> = (0..10_000).map(|k| target(1_000 + n * 10_000 + k)).collect();
        case.annotate(&targets, &Change::flag(true)).unwrap();
    });
    timed("flag 1,000,000", 1, &mut |_| {
        let targets: Vec<_> = (0..1_000_000).map(|k| target(100_000 + k)).collect();
        case.annotate(&targets, &Change::flag(true)).unwrap();
    });
    let held = case.annotations();
    timed("flag one among a million", 100, &mut |n| drop(case.annotate(&[target(90_000_000 + n)], &Change::flag(true)).unwrap()));
    timed("flag 10,000 among a million", 5, &mut |n| {
        let targets: Vec<_> = (0..10_000).map(|k| target(91_000_000 + n * 10_000 + k)).collect();
        case.annotate(&targets, &Change::flag(true)).unwrap();
    });
    timed("look up 1,000,000", 1, &mut |_| {
        let found = (0..1_000_000).filter(|k| held.get(Unit::Subject, &source, EventKey { source: 0, part: 0, record: 100_000 + k }).is_some()).count();
        assert_eq!(found, 1_000_000);
    });
    drop((case, held));
    timed("open with a million", 1, &mut |_| assert!(Case::open(&dir).unwrap().annotations().len() > 1_000_000));
}

#[test]
#[ignore = "figures"]
fn million_subjects() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    let report = runs::report(DetectorId::Fields, 1_000_000);
    let watch = Watch::start();
    let id = case.store_run(&report, &mut |index| runs::contributions(index), &Control::silent()).unwrap();
    watch.say("store 1,000,000 subjects", 1.0);
    drop(report);
    let watch = Watch::start();
    let back = case.load_run(&id).unwrap();
    watch.say("load them", 1.0);
    assert_eq!(back.subjects.len(), 1_000_000);
    let explain = case.explain_run(&id);
    let mut dice = Dice(9);
    let watch = Watch::start();
    for _ in 0..100 {
        assert!(explain.explain(1 + 4 * dice.roll(200_000) as usize).len() == 1);
    }
    watch.say("contributions of one", 100.0);
}
