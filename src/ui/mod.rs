//! The window: one file per panel, colours in `theme` alone.
//!
//! Border: alone speaks egui. It draws a [`Session`] and pushes commands; it decides nothing about the case.

mod about;
mod choice;
mod combined;
mod compare;
mod coverage;
mod curve;
mod details;
mod empty;
mod events;
mod evidence;
mod export;
mod files;
mod focus;
mod grip;
mod histogram;
mod keys;
mod lexicon;
mod mapping;
mod narrowing;
mod notices;
mod opening;
mod ordinary;
mod palette;
pub mod picker;
mod pivots;
mod record;
mod rules;
mod screen;
mod searches;
mod sequence;
mod settings;
mod shortcuts;
mod status;
mod strip;
mod table;
mod text;
mod theme;
mod topbar;
mod tree;
mod typed;
mod window;

pub use picker::{Picker, SystemPicker};
pub use window::Window;

use crate::app::{CaseCommand, Prefs, Real, Session, Wake};
use crate::domain::Compute;
use crate::nn::Device;
use eframe::egui::{Context, ViewportBuilder, vec2};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long after a worker's word the window draws: what comes in the meantime is drawn with it.
const GATHER: Duration = Duration::from_millis(20);

/// Opens the window on evidence, a case, or the demo, and returns when it is closed.
///
/// # Errors
/// When there is no window to be had: no display, or no graphics that can draw one.
pub fn run(paths: Vec<PathBuf>, demo: bool) -> anyhow::Result<()> {
    // Before the window is made: graphics drivers do not bear both at once.
    let device = Device::choose(Compute::Auto).reason;
    let mut viewport =
        ViewportBuilder::default().with_title("Residue").with_app_id("residue").with_inner_size(vec2(1366.0, 768.0)).with_min_inner_size(vec2(800.0, 480.0));
    if let Ok(icon) = eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon.png")) {
        viewport = viewport.with_icon(icon);
    }
    let options = eframe::NativeOptions { viewport, persist_window: false, ..Default::default() };
    let make = move |ctx: &Context| -> anyhow::Result<Window> {
        let waken = ctx.clone();
        let wake: Wake = Arc::new(move || waken.request_repaint_after(GATHER));
        let mut session = Session::new(Arc::new(Real::new(device)), wake, Prefs::place())?;
        if demo {
            session.apply(CaseCommand::Demo);
        } else if !paths.is_empty() {
            session.apply(CaseCommand::Open(paths));
        }
        Ok(Window::new(ctx, session, Box::new(SystemPicker::new())))
    };
    let run = eframe::run_native("residue", options, Box::new(|cc| Ok(Box::new(make(&cc.egui_ctx)?))));
    run.map_err(|error| anyhow::anyhow!("no window could be opened ({error}); use `residue triage` on the command line, or see `residue doctor`"))
}
