//! The window: one file per panel, colours in `theme` alone.
//!
//! Border: alone speaks egui. It draws a [`Session`] and pushes commands; it decides nothing about the case.

mod about;
mod curve;
mod details;
mod empty;
mod evidence;
mod export;
mod histogram;
mod keys;
mod notices;
mod opening;
mod palette;
pub mod picker;
mod screen;
mod settings;
mod shortcuts;
mod status;
mod strip;
mod table;
mod theme;
mod topbar;
mod window;

pub use picker::{Picker, SystemPicker};
pub use window::Window;
