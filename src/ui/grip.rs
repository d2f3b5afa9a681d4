//! The hold on the threshold: read from the pointer's own events, in their order.
//!
//! A widget's drag would begin where the pointer is when a frame is drawn. Where frames are slow (a software renderer, a busy machine) that is far from
//! where it was pressed, and the threshold would be missed; here what was pressed is held, however much happened in one frame.

use crate::app::ViewCommand;
use crate::ui::screen::Queue;
use eframe::egui::{Context, Event, Id, LayerId, PointerButton, Pos2, Rect};
use egui_plot::PlotTransform;

/// Where the threshold was drawn last.
#[derive(Clone, Copy)]
pub(super) struct Grip {
    pub transform: PlotTransform,
    /// Where it can be grabbed.
    pub zone: Rect,
    /// Where its line is.
    pub x: f32,
    pub layer: LayerId,
}

/// How the pointer holds it.
#[derive(Clone, Copy)]
struct Hold {
    /// From the pointer to the line.
    offset: f32,
    moved: bool,
}

fn places() -> (Id, Id) {
    (Id::unique("threshold's grip"), Id::unique("threshold's hold"))
}

impl Grip {
    /// Remembers it for the next frame; whether it is held now.
    pub(super) fn place(self, ctx: &Context) -> bool {
        ctx.data_mut(|data| {
            data.insert_temp(places().0, self);
            data.get_temp::<Option<Hold>>(places().1).flatten().is_some()
        })
    }

    fn value(&self, pointer: Pos2, hold: Hold) -> f64 {
        self.transform.value_from_position(Pos2::new(pointer.x + hold.offset, pointer.y)).x
    }
}

/// Moves the threshold with the pointer; to be asked before anything is drawn, so that the frame shows it.
pub(super) fn take(ctx: &Context, queue: &mut Queue) {
    let Some(grip) = ctx.data(|data| data.get_temp::<Grip>(places().0)) else { return };
    let mut hold = ctx.data(|data| data.get_temp::<Option<Hold>>(places().1)).flatten();
    let pointer = |event: &Event| matches!(event, Event::PointerMoved(_) | Event::PointerButton { button: PointerButton::Primary, .. });
    let events: Vec<Event> = ctx.input(|i| i.events.iter().filter(|e| pointer(e)).cloned().collect());
    let mut to = None;
    for event in events {
        match (event, &mut hold) {
            (Event::PointerButton { pos, pressed: true, .. }, None) if grip.zone.contains(pos) && ctx.layer_id_at(pos) == Some(grip.layer) => {
                hold = Some(Hold { offset: grip.x - pos.x, moved: false });
            }
            (Event::PointerMoved(pos), Some(held)) => {
                held.moved |= (pos.x + held.offset - grip.x).abs() >= 1.0;
                to = held.moved.then(|| grip.value(pos, *held)).or(to);
            }
            (Event::PointerButton { pos, pressed: false, .. }, Some(held)) => {
                if held.moved {
                    queue.push(ViewCommand::DragThreshold(grip.value(pos, *held)));
                    queue.push(ViewCommand::Threshold(grip.value(pos, *held)));
                }
                (hold, to) = (None, None);
            }
            _ => {}
        }
    }
    if let Some(to) = to {
        queue.push(ViewCommand::DragThreshold(to));
    }
    ctx.data_mut(|data| data.insert_temp(places().1, hold));
}
