//! The window, driven by role and label. No renderer, no display: a fake engine answers where the real one would take long.

mod desk;
mod events;
mod fake;
mod frame;
mod marked;
mod million;
mod opening;
mod pictures;
mod ranking;
mod speed;
mod story;
mod threshold;
