//! The sequence variant of the `published` preset: events in time order, none collapsed; a network rebuilds windows of 200 of them from one code,
//! and what it misses of a window's last event is that event's loss.

use super::published::Encoder;
use super::published_read::{CHANNEL, Features, codes};
use super::read::{Head, Row, head_of};
use crate::control::RunError;
use crate::detect::Input;
use crate::domain::{Contribution, Detection, EventKey, EventStore, Explain, Stage, Subject};
use crate::nn::{Matrix, Rebuilder, Rows, WindowFit};
use std::sync::Arc;

/// Events of a window.
const WINDOW: usize = 200;
/// Units of both recurrent layers.
const UNITS: usize = 50;
/// Events that are needed.
const FEWEST: usize = 400;
/// Windows learned from at most, spread evenly.
const MOST: usize = 2_000;
const EPOCHS: usize = 10;

/// Events in time order.
#[derive(Default)]
struct Events {
    rows: Vec<Row>,
    heads: Vec<(EventKey, Option<i64>, Head)>,
}

impl Events {
    fn read(store: &dyn EventStore, all: bool, features: &mut Features, input: &Input<'_>) -> Result<Self, RunError> {
        let mut found = Vec::new();
        store.scan(true, input.control, &mut |batch| {
            input.control.check()?;
            for event in batch.iter().filter(|event| all || event.channel.is_some_and(|channel| channel.eq_ignore_ascii_case(CHANNEL))) {
                let order = (event.time.is_none(), event.time.unwrap_or(i64::MIN), event.key);
                found.push((order, features.row(event), event.time, head_of(event, order, |text| text.map(Into::into))));
            }
            Ok(())
        })?;
        found.sort_by_key(|(order, ..)| *order);
        let mut events = Self::default();
        for (order, row, time, head) in found {
            events.rows.push(row);
            events.heads.push((order.2, time, head));
        }
        Ok(events)
    }
}

/// Encoded events for the network.
struct Encoded(Matrix);

impl Rows for Encoded {
    fn count(&self) -> usize {
        self.0.rows()
    }

    fn width(&self) -> usize {
        self.0.columns()
    }

    fn write(&self, row: usize, into: &mut Vec<f32>) {
        into.extend_from_slice(self.0.row(row));
    }
}

pub(super) fn run(input: &Input<'_>, first: &mut dyn FnMut(Detection)) -> Result<Detection, RunError> {
    let all = input.plan.settings.fields.published_all_channels;
    let mut features = Features::default();
    let known = input.baseline.iter().map(|store| Events::read(*store, all, &mut features, input)).collect::<Result<Vec<_>, _>>()?;
    let events = Events::read(input.case, all, &mut features, input)?;
    let teach: Vec<&Row> = if known.is_empty() { events.rows.iter().collect() } else { known.iter().flat_map(|part| &part.rows).collect() };
    if events.rows.is_empty() || teach.len() < FEWEST {
        let what = if all { "events" } else { "Task Scheduler events (Microsoft-Windows-TaskScheduler/Operational)" };
        return Err(RunError::failed(format!("the sequence variant needs at least {FEWEST} {what} to learn from; there are {}", teach.len())));
    }
    let encoder = Encoder::new(&features, known.iter().flat_map(|part| &part.rows).chain(&events.rows));
    let encode = |rows: &[&Row]| encoder.matrix(&rows.iter().map(|row| codes(row)).collect::<Vec<_>>()).map(Encoded);
    let (data, own) = (encode(&teach)?, encode(&events.rows.iter().collect::<Vec<_>>())?);
    let rarity = rarity(&teach, &events.rows);
    let reasons = |rebuilt| Arc::new(Reasons { features: features.clone(), encoder: encoder.clone(), codes: events.rows.iter().map(codes).collect(), rebuilt });
    let early = subjects(&events, &rarity, None);
    first(Detection { subjects: early, explain: reasons(Vec::new()), model_id: String::new(), stage: Stage::First, remarks: vec![], trials: None });

    let count = data.count();
    let windows: Vec<usize> = if count > MOST { (0..MOST).map(|at| at * count / MOST).collect() } else { (0..count).collect() };
    let mut network = Rebuilder::new(features.columns(), UNITS, WINDOW, input.plan.seed);
    let text = format!(
        "event fields, sequence variant: {} parameters learn from {} of {count} windows of {WINDOW} events, {EPOCHS} times",
        network.parameters(),
        windows.len()
    );
    input.control.info(text.clone());
    let fit = WindowFit { name: "event fields, sequences".into(), epochs: EPOCHS, batch: 32, rate: 1e-3, seed: input.plan.seed };
    network.fit(&data, &windows, &fit, input.control)?;
    let rebuilt = network.last(&own, &(0..own.count()).collect::<Vec<_>>(), input.control)?;
    let width = own.width();
    let loss = |row: usize| {
        let errors = own.0.row(row).iter().zip(rebuilt.get(row * width..).unwrap_or_default()).map(|(x, y)| f64::from((x - y) * (x - y)));
        errors.sum::<f64>() / width as f64
    };
    let losses: Vec<f64> = (0..own.count()).map(loss).collect();
    let subjects = subjects(&events, &rarity, Some(&losses));
    Ok(Detection { subjects, explain: reasons(rebuilt), model_id: network.id(), stage: Stage::Final, remarks: vec![text], trials: None })
}

/// Sum over the columns of -log2 of a value's share, with half a count lent.
fn rarity(teach: &[&Row], rows: &[Row]) -> Vec<f64> {
    let mut counts = std::collections::HashMap::<(u32, u32), u32>::new();
    for cell in teach.iter().flat_map(|row| row.cells.iter()) {
        *counts.entry(*cell).or_insert(0) += 1;
    }
    let all = teach.len() as f64 + 1.0;
    let bits = |cell: &(u32, u32)| (all / (f64::from(counts.get(cell).copied().unwrap_or(0)) + 0.5)).log2().max(0.0);
    rows.iter().map(|row| row.cells.iter().map(bits).sum()).collect()
}

fn subjects(events: &Events, rarity: &[f64], losses: Option<&[f64]>) -> Vec<Subject> {
    let subject = |(at, (key, time, head)): (usize, &(EventKey, Option<i64>, Head))| {
        let loss = losses.and_then(|losses| losses.get(at).copied());
        Subject {
            key: *key,
            title: head.message.clone().into(),
            subject: "event".into(),
            count: 1,
            first_seen: *time,
            last_seen: *time,
            computer: head.computer.clone(),
            user: head.user.clone(),
            channel: head.channel.clone(),
            provider: head.provider.clone(),
            event_id: head.event_id,
            record_id: head.record_id,
            image: head.image.clone(),
            command_line: head.command_line.clone(),
            loss,
            rarity: rarity.get(at).copied(),
            score: loss.or_else(|| rarity.get(at).copied()).unwrap_or(f64::NAN),
            members: Box::new([*key]),
            ..Subject::default()
        }
    };
    events.heads.iter().enumerate().map(subject).collect()
}

struct Reasons {
    features: Features,
    encoder: Encoder,
    codes: Vec<Vec<u32>>,
    /// Empty before training.
    rebuilt: Vec<f32>,
}

impl Explain for Reasons {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        let (Some(codes), Ok(own)) = (self.codes.get(index), self.encoder.matrix(self.codes.get(index..=index).unwrap_or_default())) else { return Vec::new() };
        let width = codes.len();
        let rebuilt = self.rebuilt.get(index * width..(index + 1) * width).unwrap_or_default();
        let errors: Vec<f64> = own.values().iter().zip(rebuilt).map(|(x, y)| f64::from((x - y) * (x - y))).collect();
        let whole: f64 = errors.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let of = |((column, code), (error, output)): ((usize, &u32), (&f64, &f32))| Contribution {
            name: self.features.names().get(column).cloned().unwrap_or_default(),
            share: error / whole,
            observed: self.features.value(column, *code).to_owned(),
            expected: self.encoder.nearest(column, *output).map_or_else(String::new, |code| self.features.value(column, code).to_owned()),
        };
        let mut parts: Vec<Contribution> = codes.iter().enumerate().zip(errors.iter().zip(rebuilt)).map(of).collect();
        parts.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.name.cmp(&b.name)));
        parts
    }
}
