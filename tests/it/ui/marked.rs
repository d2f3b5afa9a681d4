//! The search that marks what it finds and takes nothing away.

use super::desk::analysed;
use eframe::egui::{Key, Modifiers, vec2};
use residue::app::NarrowCommand;

const ROWS: usize = 3_000;

#[test]
fn a_search_that_marks_keeps_all_rows_and_leads_from_one_to_the_next() {
    let mut desk = analysed(ROWS, vec2(1440.0, 900.0), false);
    desk.window.state_mut().session.apply(NarrowCommand::Search("+whoami".into()));
    desk.settle();
    let found = desk.session().open.view.shown();
    assert!(found > 1 && found < ROWS, "the search finds {found} of {ROWS}");
    desk.click("Search mode");
    desk.settle();
    assert_eq!((desk.session().open.view.shown(), desk.session().open.view.hits.len()), (ROWS, found));
    let mut rows = vec![];
    for _ in 0..2 {
        desk.key(Key::F3);
        desk.settle();
        let view = &desk.session().open.view;
        let selected = view.selected.unwrap();
        assert!(view.subject_at(selected).unwrap().title.contains("whoami"));
        rows.push(view.row_of(selected).unwrap());
    }
    assert!(rows[0] < rows[1]);
    desk.window.key_press_modifiers(Modifiers::SHIFT, Key::F3);
    desk.settle();
    let view = &desk.session().open.view;
    assert_eq!(view.selected.and_then(|s| view.row_of(s)), Some(rows[0]));
    desk.click("Search mode");
    desk.settle();
    assert_eq!((desk.session().open.view.shown(), desk.session().open.view.hits.len()), (found, 0));
}
