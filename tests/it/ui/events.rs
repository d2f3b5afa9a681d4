//! The list of all events, driven on a real case.

use super::desk::{Desk, SIZE, working_desk};
use eframe::egui::Key;
use egui_kittest::kittest::Queryable;
use residue::app::{Browse, BrowseCommand, CaseCommand, JobCommand, MarkCommand, NarrowCommand, SelectionCommand, WindowCommand};
use residue::case::search::Column;

/// A window on the small estate, with the list of its events open.
fn listed() -> Desk {
    let mut desk = working_desk(SIZE);
    desk.window.state_mut().session.apply(CaseCommand::Open(vec![crate::support::estate().evtx.clone()]));
    desk.until("the case", |d| d.session().case().is_some() && !d.session().activity.is_busy());
    desk.key(Key::F6);
    found(&mut desk);
    desk
}

fn found(desk: &mut Desk) {
    desk.until("the events", |d| d.session().open.browse.open && !d.session().open.browse.is_waiting());
    assert_eq!(desk.session().open.browse.fault, None);
}

fn total() -> usize {
    crate::support::estate().events as usize
}

#[test]
fn every_event_is_listed_in_order_of_time_before_anything_is_analysed() {
    let mut desk = listed();
    let browse = &desk.session().open.browse;
    assert_eq!((browse.found.len(), browse.found.lines.len()), (total(), Browse::PAGE));
    assert!(browse.found.lines.is_sorted_by_key(|line| line.event.time));
    let first = browse.found.lines[0].event.time;
    desk.window.get_by_label(&format!("{} events", residue::app::words::count(total())));
    desk.click("Last page");
    found(&mut desk);
    let browse = &desk.session().open.browse;
    assert_eq!(browse.pages().0 + 1, browse.pages().1);
    assert!(browse.found.lines.last().unwrap().event.time > first);
    desk.key(Key::Escape);
    assert!(!desk.session().open.browse.open);
}

#[test]
fn search_sort_group_and_a_click_on_a_group() {
    let mut desk = listed();
    desk.window.get_by_label("Search").focus();
    desk.window.step();
    desk.window.get_by_label("Search").type_text("4688");
    found(&mut desk);
    let processes = desk.session().open.browse.found.len();
    assert!(processes > 0 && processes < total());
    assert!(desk.session().open.browse.found.lines.iter().all(|line| line.event.event_id == Some(4688) || line.event.message.contains("4688")));
    desk.window.get_by_label(&format!("{} of {} events", residue::app::words::count(processes), residue::app::words::count(total())));
    desk.click("Sort events by computer");
    found(&mut desk);
    assert!(desk.session().open.browse.found.lines.is_sorted_by_key(|line| line.event.computer.clone().map(|c| c.to_lowercase())));
    desk.window.state_mut().session.apply(BrowseCommand::SortEvents(Column::Image));
    found(&mut desk);
    let images: Vec<String> = desk.session().open.browse.found.lines.iter().filter_map(|l| l.event.image.clone()).map(|i| i.to_lowercase()).collect();
    assert!(images.is_sorted() && images.len() > 10);
    desk.window.state_mut().session.apply(BrowseCommand::GroupEvents(Some(Column::Image)));
    found(&mut desk);
    let (_, tallies) = desk.session().open.browse.found.groups.clone().unwrap();
    assert!(tallies.is_sorted_by_key(|t| t.count) && tallies.iter().map(|t| t.count).sum::<usize>() == processes);
    let rarest = tallies.iter().find(|t| !t.value.is_empty()).unwrap().clone();
    desk.window.get_by_label(&format!("Only {}", rarest.value)).click();
    desk.window.run_steps(2);
    found(&mut desk);
    let browse = &desk.session().open.browse;
    assert_eq!(browse.found.len(), rarest.count);
    assert!(browse.found.lines.iter().all(|line| line.event.image.as_deref() == Some(&rarest.value)));
    desk.window.get_by_label_contains("Remove filter search").click();
    desk.window.run_steps(2);
    found(&mut desk);
    assert_eq!(desk.session().open.browse.found.len(), total());
}

#[test]
fn an_event_is_looked_at_flagged_and_found_by_its_flag() {
    let mut desk = listed();
    desk.key(Key::ArrowDown);
    desk.key(Key::ArrowDown);
    desk.settle();
    let key = desk.session().open.browse.selected.unwrap();
    assert_eq!((key, desk.session().open.drill.asked), (desk.session().open.browse.found.lines[1].key, Some(key)));
    desk.takes_room("events");
    desk.click_into("Event 5: ");
    desk.settle();
    let key = desk.session().open.browse.selected.unwrap();
    assert_eq!((key, desk.session().open.drill.asked), (desk.session().open.browse.found.lines[4].key, Some(key)));
    desk.window.get_by_label("Flag this event").click();
    desk.window.run_steps(2);
    desk.settle();
    desk.window.get_by_label("Note").focus();
    desk.window.step();
    desk.window.get_by_label("Note").type_text("seen before");
    desk.until("the note to be kept", |d| {
        d.session().open.marks.get(key).is_some_and(|m| m.flagged && m.note == "seen before") && d.session().open.marks.is_all_kept()
    });
    desk.window.state_mut().session.apply(NarrowCommand::Search("flagged:yes".into()));
    found(&mut desk);
    assert_eq!(desk.session().open.browse.found.lines.iter().map(|l| l.key).collect::<Vec<_>>(), [key]);
    let case = desk.session().case().unwrap().annotations();
    assert_eq!((case.len(), case.flagged()), (1, 1));
}

#[test]
fn a_logon_leads_to_everything_of_its_session() {
    let mut desk = listed();
    desk.window.state_mut().session.apply(NarrowCommand::Search("4624 +channel:Security -logon:0x3e7 -logon:0x3e4 -logon:0x3e5".into()));
    found(&mut desk);
    let logon = desk.session().open.browse.found.lines.iter().find(|l| l.event.event_id == Some(4624)).unwrap().clone();
    desk.window.state_mut().session.apply(SelectionCommand::LookAt(logon.key));
    desk.settle();
    let id = residue::engine::logon_ids(desk.session().open.drill.answered().unwrap().event.as_ref().unwrap()).remove(0);
    desk.window.get_by_label(&format!("Logon session {id}")).click();
    desk.window.run_steps(2);
    found(&mut desk);
    let browse = &desk.session().open.browse;
    assert!(browse.found.lines.iter().any(|l| l.key == logon.key));
    assert!(browse.found.lines.iter().all(|l| l.event.computer == logon.event.computer));
    let snapshot = desk.session().case().unwrap().snapshot();
    let keys: Vec<_> = browse.found.lines.iter().map(|l| l.key).collect();
    for event in snapshot.fetch_many(&keys).unwrap().into_iter().flatten() {
        assert!(event.fields.to_lowercase().contains(&format!("\"{id}\"")), "{}", event.fields);
    }
    // Around it: a window of time on its computer.
    let time = logon.event.time.unwrap();
    let minute = 60_000_000_000;
    let search = format!("+computer:=\"{}\"", logon.event.computer.clone().unwrap());
    desk.window.state_mut().session.apply(BrowseCommand::ShowEvents { search, time: Some((time - minute, time + minute)) });
    found(&mut desk);
    let browse = &desk.session().open.browse;
    assert!(browse.found.lines.iter().any(|l| l.key == logon.key));
    assert!(browse.found.lines.iter().all(|l| l.event.time.is_some_and(|t| t.abs_diff(time) <= minute.unsigned_abs())));
}

#[test]
fn events_are_exported_whether_or_not_a_ranking_knows_them() {
    let mut desk = listed();
    let lines = desk.session().open.browse.found.lines.clone();
    for line in [&lines[3], &lines[7]] {
        desk.window.state_mut().session.apply(MarkCommand::FlagEvent(line.key, true));
    }
    desk.until("the flags", |d| d.session().open.marks.is_all_kept());
    desk.window.state_mut().session.apply(NarrowCommand::Search("+flagged:yes".into()));
    found(&mut desk);
    assert_eq!(desk.session().open.browse.found.len(), 2);
    let folder = tempfile::tempdir().unwrap();
    for ending in ["csv", "jsonl"] {
        let out = folder.path().join(format!("events.{ending}"));
        desk.command(Key::E);
        desk.window.run_steps(2);
        desk.type_into("Path of the events", &out.display().to_string());
        desk.click("Export the events");
        desk.until("the file", |d| out.exists() && !d.session().exporting);
        let text = std::fs::read_to_string(&out).unwrap();
        assert_eq!(text.lines().count(), if ending == "csv" { 3 } else { 2 }, "{text}");
        for line in [&lines[3], &lines[7]] {
            assert!(text.contains(&line.event.record_id.unwrap().to_string()) && text.contains(line.event.channel.as_deref().unwrap()), "{text}");
        }
    }
    // What is there is not replaced.
    let before = std::fs::read(folder.path().join("events.csv")).unwrap();
    desk.window.state_mut().session.apply(JobCommand::ExportEvents(folder.path().join("events.csv")));
    assert!(desk.session().notices.last().is_some_and(|notice| notice.text.contains("choose another name")));
    assert_eq!(std::fs::read(folder.path().join("events.csv")).unwrap(), before);
    desk.window.state_mut().session.apply(JobCommand::ExportEvents(folder.path().join("events.doc")));
    desk.until("the refusal", |d| d.session().notices.last().is_some_and(|notice| notice.text.contains(".csv or .jsonl")));
}

#[test]
fn a_search_that_cannot_be_understood_is_said_and_what_was_found_stays() {
    let mut desk = listed();
    desk.window.state_mut().session.apply(NarrowCommand::Search("score:>3".into()));
    desk.until("the fault", |d| d.session().open.browse.fault.is_some());
    assert!(desk.window.query_all_by_label_contains("it belongs to rankings").count() > 0);
    assert_eq!(desk.session().open.browse.found.len(), total());
    desk.window.state_mut().session.apply(NarrowCommand::Search("\"open".into()));
    desk.window.run_steps(2);
    assert!(desk.session().searched().1.is_some_and(|why| why.contains("quotation mark")));
}

#[test]
fn a_search_is_kept_under_a_name_and_found_in_the_palette() {
    let mut desk = listed();
    desk.window.state_mut().session.apply(NarrowCommand::Search("+4688".into()));
    found(&mut desk);
    desk.window.state_mut().session.apply(WindowCommand::Dialog(Some(residue::app::Dialog::Searches)));
    desk.window.run_steps(3);
    desk.window.get_by_label("Name of the search").focus();
    desk.window.step();
    desk.window.get_by_label("Name of the search").type_text("process creations");
    desk.window.run_steps(2);
    desk.click("Keep this search");
    assert_eq!(desk.session().prefs.searches[0].search, "+4688");
    desk.key(Key::Escape);
    desk.window.state_mut().session.apply(NarrowCommand::Search(String::new()));
    found(&mut desk);
    assert_eq!(desk.session().open.browse.found.len(), total());
    desk.command(Key::K);
    desk.window.run_steps(2);
    desk.window.get_by_label("Find a command").type_text("process creations");
    desk.window.run_steps(2);
    desk.key(Key::Enter);
    found(&mut desk);
    assert_eq!((desk.session().open.browse.search.as_str(), desk.session().dialog), ("+4688", None));
    assert!(desk.session().open.browse.found.len() < total());
}

#[test]
fn what_holds_an_indicator_of_a_list_is_marked_and_shown() {
    let mut desk = listed();
    let image = desk.session().open.browse.found.lines.iter().find_map(|line| line.event.image.clone()).unwrap();
    let name = image.rsplit('\\').next().unwrap().to_lowercase();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("indicators.txt");
    std::fs::write(&list, format!("# from the advisory\n{},seen last week\nnowhere[.]example\n", name.to_uppercase())).unwrap();
    desk.window.state_mut().session.apply(WindowCommand::Dialog(Some(residue::app::Dialog::Indicators)));
    desk.window.run_steps(3);
    desk.window.get_by_label("Path of a list of indicators").focus();
    desk.window.step();
    desk.window.get_by_label("Path of a list of indicators").type_text(&list.display().to_string());
    desk.window.run_steps(2);
    desk.click("Look for them");
    desk.until("the marks", |d| d.session().open.marks.tagged("indicator") > 0 && d.session().open.marks.is_all_kept());
    found(&mut desk);
    let browse = &desk.session().open.browse;
    assert_eq!((browse.search.as_str(), browse.found.len()), ("+tag:indicator", desk.session().open.marks.tagged("indicator")));
    assert!(browse.found.len() < total() && browse.found.lines.iter().any(|line| line.event.image.as_deref() == Some(&image)));
    let keys: Vec<_> = browse.found.lines.iter().map(|line| line.key).collect();
    let snapshot = desk.session().case().unwrap().snapshot();
    for event in snapshot.fetch_many(&keys).unwrap().into_iter().flatten() {
        assert!(format!("{} {}", event.message, event.fields).to_lowercase().contains(&name), "{}", event.fields);
    }
    assert!(desk.session().open.marks.get(keys[0]).unwrap().note.contains(&format!("indicator: {name}")));
    desk.window.state_mut().session.apply(MarkCommand::Undo);
    desk.until("the undo", |d| d.session().open.marks.tagged("indicator") == 0);
}
