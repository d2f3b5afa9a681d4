//! The window, driven by role and label. No renderer, no display: a fake engine answers where the real one would take long.

mod desk;
mod drive;
mod events;
mod fake;
mod marked;
mod million;
mod pictures;
mod speed;
mod story;
