//! The session without a window: an open case, its rankings, what is selected, flagged and filtered; one [`Command`] for everything the analyst can
//! ask for, [`Session::apply`] to carry it out, and one table of commands that menus, palette, shortcuts and help are drawn from.
//!
//! Border: no egui; the window draws a [`Session`] and pushes [`Command`]s. Work runs on the engine's workers, reached through [`Engine`].

mod apply;
mod background;
mod browse;
mod cases;
mod columns;
mod command;
mod drill;
mod engine;
pub mod export;
mod hear;
mod hits;
mod jobs;
mod labelling;
pub mod lexicon;
pub mod mapping;
mod marking;
mod marks;
mod order;
mod ordinary;
mod pace;
mod planning;
mod prefs;
mod real;
mod rows;
mod search;
mod selection;
mod session;
mod strip;
mod table;
mod undo;
mod view;
pub mod words;
mod writer;

pub use background::Wake;
pub use browse::{Browse, Found};
pub use columns::Column;
pub use command::{Command, Dialog, ExportOrder, Look, Pick, Step, Which, Wish};
pub use drill::Drill;
pub use engine::{Engine, Extracts, Unsaved};
pub use export::ExportForm;
pub use hits::Hits;
pub use marks::{Mark, Marked, Marks};
pub use order::{Groups, Order, value};
pub use ordinary::OrdinaryForm;
pub use pace::{Activity, Pace};
pub use prefs::{Prefs, SavedSearch};
pub use real::Real;
pub use rows::{Narrow, Rows, Show, Sort};
pub use session::{Readiness, Session};
pub use strip::{Slice, Strip};
pub use table::{COMMANDS, Entry, Menu, entry, spell};
pub use undo::{Undo, Was};
pub use view::View;
