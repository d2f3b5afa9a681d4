//! The window, driven by role and label. No renderer, no display: a fake engine answers where the real one would take long.

mod drive;
mod fake;
mod pictures;
mod speed;
