//! The session without a window: an open case, its rankings, what is selected, flagged and filtered; one [`Command`] for everything the analyst can
//! ask for, [`Session::apply`] to carry it out, and one table of commands that menus, palette, shortcuts and help are drawn from.
//!
//! Border: no egui; the window draws a [`Session`] and pushes [`Command`]s. Work runs on the engine's workers, reached through [`Engine`].
//!
//! Who uses whom, each only what stands above it:
//!
//! 1. Parts that know nothing of a session: `background`, `columns`, `drill`, `hits`, `marks`, `order`, `pace`, `prefs`, `rows`, `search`, `strip`,
//!    `undo`, `view`, `shown`, `words`; the state of panels and dialogs: `browse`, `combined`, `export`, `lexicon`, `mapping`, `ordinary`; `engine` (the
//!    seam) and `real` (what stands behind it).
//! 2. `command`: what can be asked for, made of the parts' types.
//! 3. `open`: [`OpenCase`], all that belongs to one case; `writer` and `workers`, whose answers say which case they are about.
//! 4. `session`: [`Session`], the shell and its open case.
//! 5. `doing`: what a session does, one file per group of commands, all of them `impl Session`. `table`: the commands by name and key.
//!
//! A new panel's state is one part (1), one field of [`OpenCase`], one group in [`Command`], and one file in `doing`.

mod background;
mod browse;
mod columns;
mod combined;
mod command;
mod doing;
mod drill;
mod engine;
pub mod export;
mod hits;
pub mod lexicon;
pub mod mapping;
mod marks;
mod open;
mod order;
mod ordinary;
mod pace;
mod prefs;
mod real;
mod rows;
mod search;
mod session;
mod shown;
mod strip;
mod table;
mod undo;
mod view;
pub mod words;
mod workers;
mod writer;

pub use background::Wake;
pub use browse::{Browse, Found};
pub use columns::Column;
pub use combined::Combined;
pub use command::{
    BrowseCommand, CaseCommand, Command, Dialog, JobCommand, MarkCommand, NarrowCommand, OrdinaryCommand, Pick, PlanCommand, SelectionCommand, ViewCommand,
    WindowCommand, Wish, WordsCommand,
};
pub use drill::Drill;
pub use engine::{Engine, Extracts, Unsaved};
pub use export::{ExportForm, ExportOrder, Which};
pub use hits::Hits;
pub use marks::{Mark, Marked, Marks};
pub use open::{CaseId, Choices, OpenCase, Readiness};
pub use order::{Groups, Order, value};
pub use ordinary::OrdinaryForm;
pub use pace::{Activity, Job, Pace};
pub use prefs::{Look, Prefs, SavedSearch};
pub use real::Real;
pub use rows::{Narrow, Rows, Show, Sort, Step};
pub use session::Session;
pub use strip::{Slice, Strip};
pub use table::{COMMANDS, Entry, Menu, entry, spell};
pub use undo::{Undo, Was};
pub use view::View;
