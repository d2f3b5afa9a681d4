//! What happened just before and after, on the same computer, over all sources.

use super::{Dice, awkward, ingest, sha};
use residue::case::Case;
use residue::control::Control;
use residue::domain::{Event, EventKey};

/// Three sources on three computers, times all over the place.
fn sources(dice: &mut Dice) -> Vec<Vec<Event>> {
    (0..3)
        .map(|source| {
            let mut events = awkward(9_000, source);
            for e in &mut events {
                e.time = (dice.roll(20) > 0).then(|| dice.roll(5_000) as i64 * 1_000);
                e.computer = (dice.roll(30) > 0).then(|| ["WS1", "ws1", "DC1"][dice.roll(3) as usize].to_owned());
                e.record_id = None;
            }
            events
        })
        .collect()
}

#[test]
fn neighbours_are_the_nearest_in_time_on_that_computer() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    let mut dice = Dice(2);
    let sources = sources(&mut dice);
    for (at, events) in sources.iter().enumerate() {
        ingest(&case, &format!("{at}.evtx"), &sha(at as u64), events);
    }
    let all: Vec<(EventKey, &Event)> =
        sources.iter().enumerate().flat_map(|(s, events)| events.iter().map(move |e| (EventKey { source: s as u32, part: 0, record: e.record }, e))).collect();
    let snapshot = case.snapshot();
    let plain = |computer: &Option<String>| computer.as_ref().map(|c| c.to_uppercase());
    for _ in 0..60 {
        let at = dice.roll(all.len() as u64) as usize;
        let (key, event) = all[at];
        let n = dice.roll(12) as usize;
        let found: Vec<EventKey> = snapshot.neighbours(key, n, &Control::silent()).unwrap().iter().map(|(key, _)| *key).collect();
        let mut line: Vec<EventKey> = if event.time.is_none() {
            all.iter().map(|(key, _)| *key).filter(|k| k.source == key.source).collect()
        } else {
            let mut line: Vec<_> = all
                .iter()
                .filter(|(k, e)| e.time.is_some() && plain(&e.computer) == plain(&event.computer) && (event.computer.is_some() || k.source == key.source))
                .map(|(key, e)| (e.time, *key))
                .collect();
            line.sort();
            line.into_iter().map(|(_, key)| key).collect()
        };
        let place = line.iter().position(|k| *k == key).unwrap();
        line = line[place.saturating_sub(n)..(place + n + 1).min(line.len())].to_vec();
        assert_eq!(found, line);
    }
    assert_eq!(snapshot.neighbours(EventKey { source: 7, part: 0, record: 1 }, 3, &Control::silent()).unwrap(), []);
}

#[test]
fn many_are_fetched_in_the_order_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    let events = awkward(20_000, 3);
    ingest(&case, "a.evtx", &sha(1), &events);
    let mut dice = Dice(5);
    let keys: Vec<EventKey> = (0..50).map(|_| EventKey { source: 0, part: 0, record: dice.roll(20_010) }).collect();
    let found = case.snapshot().fetch_many(&keys).unwrap();
    for (key, found) in keys.iter().zip(found) {
        assert_eq!(found.as_ref(), (key.record as usize).checked_sub(1).and_then(|at| events.get(at)));
    }
}
