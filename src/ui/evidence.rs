//! The panel at the left: sources with their ledger, baselines, detectors.

use crate::app::words;
use crate::app::{CaseCommand, Command, Pick, PlanCommand, Readiness, Session, ViewCommand, WindowCommand};
use crate::domain::{DetectorId, Ledger, SourceStatus, Stage};
use crate::ui::screen::{Queue, Screen};
use crate::ui::{curve, theme};
use eframe::egui::{self, Button, CollapsingHeader, Rect, RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use std::fmt::Write;

/// Sources shown at once; the rest is reached by scrolling on.
const ROW: f32 = 36.0;

pub(super) fn show(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    detectors(ui, session, queue);
    validation(ui, session);
    if session.open.curve.len() > 1 {
        CollapsingHeader::new("Training").default_open(true).show(ui, |ui| curve::show(ui, session, 96.0));
    }
    baselines(ui, session, screen, queue);
    sources(ui, session, queue);
}

fn detectors(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    ui.label(RichText::new("Detectors").strong());
    for detector in DetectorId::ALL {
        let readiness = session.open.readiness.get(&detector).cloned().unwrap_or_default();
        ui.horizontal(|ui| detector_row(ui, session, detector, &readiness, queue));
        if let (Readiness::Cannot(why), None) = (&readiness, session.open.rankings.get(&detector)) {
            ui.indent(detector.name(), |ui| ui.label(RichText::new(why).small().color(theme::colours(ui).weak)));
        }
    }
    ui.add_space(4.0);
}

fn detector_row(ui: &mut Ui, session: &Session, detector: DetectorId, readiness: &Readiness, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let cannot = matches!(readiness, Readiness::Cannot(_));
    let mut chosen = session.open.choices.chosen.contains(&detector) && !cannot;
    let tick = ui.add_enabled(!cannot, egui::Checkbox::without_text(&mut chosen)).accessible_name(format!("Run {}", detector.title()));
    if tick.on_hover_text("Whether Analyse runs it").changed() {
        queue.push(PlanCommand::Choose(detector, chosen));
    }
    let ranking = session.open.rankings.get(&detector);
    let shown = session.open.view.ranking.as_ref().is_some_and(|r| r.report.detector == detector);
    let (text, colour) = match (readiness, ranking) {
        (Readiness::Running, _) => (session.pace.share().map_or_else(|| "running".to_owned(), |s| format!("{:.0} %", s * 100.0)), colours.below),
        (_, Some(r)) if r.report.stage == Stage::First => ("first".into(), colours.warning),
        (_, Some(r)) => (words::count(r.report.subjects.len()), colours.good),
        (Readiness::Cannot(_), None) => ("cannot run".into(), colours.weak),
        _ => (String::new(), colours.weak),
    };
    // As wide as the panel: who aims at the name or the number hits it.
    let wide = vec2(ui.available_width(), 0.0);
    let button = Button::selectable(shown, detector.title()).right_text(RichText::new(text).small().color(colour)).min_size(wide);
    let response = ui.add_enabled(ranking.is_some(), button).accessible_name(detector.title());
    if response.clicked() {
        queue.push(ViewCommand::ShowDetector(detector));
    }
    let help = match ranking {
        Some(r) => {
            let mut help = format!("{} subjects. Click to see its ranking.", words::count(r.report.subjects.len()));
            for remark in &r.report.remarks {
                let _ = write!(help, "\n{remark}");
            }
            help
        }
        None => "No ranking yet".to_owned(),
    };
    response.on_hover_text(help.clone()).on_disabled_hover_text(help);
}

/// How well the classifier learned the labels, both ways of holding out side by side; and what it is to learn from.
fn validation(ui: &mut Ui, session: &Session) {
    let (malicious, benign) = session.labels();
    let known = session.open.rankings.get(&DetectorId::Process).and_then(|ranking| ranking.report.validation.clone());
    if malicious + benign == 0 && known.is_none() && session.open.choices.plan.labels.is_none() {
        return;
    }
    CollapsingHeader::new("Classifier").default_open(true).show(ui, |ui| {
        let file = session.open.choices.plan.labels.as_ref().map_or(String::new(), |path| {
            format!(" and {}", path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned()))
        });
        ui.label(RichText::new(format!("labels: {malicious} malicious, {benign} benign{file}")).small());
        let Some(known) = known else {
            ui.label(RichText::new("Analyse to train it").small().color(theme::colours(ui).weak));
            return;
        };
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        egui::Grid::new("classifier figures").num_columns(3).show(ui, |ui| {
            let mut row = |cells: [String; 3]| {
                for cell in cells {
                    ui.label(RichText::new(cell).small());
                }
                ui.end_row();
            };
            row(["held out".into(), "by group".into(), "at random".into()]);
            let pick = |of: &dyn Fn(&crate::domain::Figures) -> String| [&known.grouped, &known.random].map(|figures| figures.as_ref().map_or("-".into(), of));
            let mut line = |name: &str, of: &dyn Fn(&crate::domain::Figures) -> String| {
                let [grouped, random] = pick(of);
                row([name.into(), grouped, random]);
            };
            line("ROC-AUC", &|f| number(f.roc_auc));
            line("precision", &|f| number(f.precision));
            line("recall", &|f| number(f.recall));
            line("TP / FP", &|f| format!("{} / {}", f.true_positives, f.false_positives));
            line("TN / FN", &|f| format!("{} / {}", f.true_negatives, f.false_negatives));
        });
        ui.label(RichText::new(format!("{} of {} labelled processes are malicious; {} groups", known.malicious, known.labelled, known.groups)).small())
            .on_hover_text("Whole groups held out, beside the same processes held out at random, which flatters");
    });
}

fn baselines(ui: &mut Ui, session: &Session, screen: &mut Screen, queue: &mut Queue) {
    let known = usize::from(session.open.choices.plan.known_good_before.is_some());
    let number = session.open.choices.plan.baseline.len() + session.open.choices.known_good.len() + known;
    if let (Some(from), Some(to)) = (session.open.choices.plan.scope.from, session.open.choices.plan.scope.to) {
        let zone = session.zone();
        limit(ui, &format!("only {} to {}", words::second(from, &zone), words::second(to, &zone)), PlanCommand::Scope(None).into(), queue);
    }
    let title = if number == 0 { "Baseline (known-good)".to_owned() } else { format!("Baseline (known-good): {number}") };
    CollapsingHeader::new(title).id_salt("baseline").default_open(number > 0).show(ui, |ui| {
        for path in &session.open.choices.plan.baseline {
            ui.horizontal(|ui| {
                if ui.small_button("×").on_hover_text("Take it out").accessible_name(format!("Remove baseline {}", path.display())).clicked() {
                    queue.push(PlanCommand::DropBaseline(path.clone()));
                }
                ui.add(egui::Label::new(path.file_name().unwrap_or(path.as_os_str()).to_string_lossy()).truncate()).on_hover_text(path.display().to_string());
            });
        }
        if let Some(before) = session.open.choices.plan.known_good_before {
            let text = format!("this case before {}", words::second(before, &session.zone()));
            limit(ui, &text, PlanCommand::KnownGoodBefore(None).into(), queue);
        }
        for path in &session.open.choices.known_good {
            ui.add(egui::Label::new(RichText::new(path.file_name().unwrap_or(path.as_os_str()).to_string_lossy()).italics()).truncate())
                .on_hover_text("A source of this case");
        }
        ui.horizontal(|ui| {
            if ui.button("Add…").on_hover_text("A folder of known-good evidence, a case or a saved baseline").accessible_name("Add baseline").clicked() {
                queue.push(Pick::Baseline);
            }
            let width = ui.available_width();
            let edit = ui
                .add(egui::TextEdit::singleline(&mut screen.baseline_path).hint_text("or its path, Enter").desired_width(width))
                .accessible_name("Path of a baseline");
            if edit.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter)) && !screen.baseline_path.trim().is_empty() {
                queue.push(PlanCommand::AddBaseline(vec![std::path::PathBuf::from(screen.baseline_path.trim())]));
                screen.baseline_path.clear();
            }
        });
    });
}

/// A limit on what the next analysis looks at, with an x that takes it away.
fn limit(ui: &mut Ui, text: &str, off: Command, queue: &mut Queue) {
    ui.horizontal(|ui| {
        if ui.small_button("×").on_hover_text("Take it away").accessible_name(format!("Remove limit {text}")).clicked() {
            queue.push(off);
        }
        ui.add(egui::Label::new(RichText::new(text).small()).truncate()).on_hover_text("Of the next analysis; right-click the time strip to change it");
    });
}

fn sources(ui: &mut Ui, session: &Session, queue: &mut Queue) {
    ui.separator();
    ui.horizontal(|ui| {
        ui.label(RichText::new("Evidence").strong());
        ui.label(RichText::new(words::count(session.open.sources.len())).color(theme::colours(ui).weak));
    });
    let number = session.open.sources.len();
    ScrollArea::vertical().id_salt("sources").auto_shrink([false, false]).show_rows(ui, ROW, number, |ui, rows| {
        for (index, source) in session.open.sources.iter().enumerate().skip(rows.start).take(rows.len()) {
            source_row(ui, session, index, source, queue);
        }
    });
}

fn source_row(ui: &mut Ui, session: &Session, index: usize, source: &Ledger, queue: &mut Queue) {
    let colours = theme::colours(ui);
    let name = source.source_file.rsplit('/').next().unwrap_or(&source.source_file);
    let response = ui
        .vertical(|ui| {
            ui.set_height(ROW - 4.0);
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.horizontal(|ui| {
                status(ui, source);
                ui.add(egui::Label::new(middle(name)).truncate());
            });
            ui.add(egui::Label::new(RichText::new(line(source)).small().color(colours.weak)).truncate());
        })
        .response
        .interact(egui::Sense::click());
    let response = response.on_hover_ui(|ui| ledger(ui, source, session));
    response.context_menu(|ui| {
        let known = session.open.choices.known_good.contains(std::path::Path::new(&source.path));
        let text = if known { "No longer use as known-good" } else { "Use as known-good" };
        if ui.button(text).clicked() {
            queue.push(PlanCommand::UseAsBaseline(index, !known));
            ui.close();
        }
        let table = crate::app::mapping::is_unknown_table(source) || crate::app::mapping::can_be_read_otherwise(source);
        if table && ui.button("Say what its columns mean…").clicked() {
            queue.push(CaseCommand::MapColumns(index));
            ui.close();
        }
        if ui.button("Copy path").clicked() {
            queue.push(WindowCommand::Copy(source.path.clone()));
            ui.close();
        }
        if ui.button("Copy SHA-256").clicked() {
            queue.push(WindowCommand::Copy(source.sha256.clone()));
            ui.close();
        }
    });
}

/// A mark for how much could be read: full, half, crossed out, or hollow.
fn status(ui: &mut Ui, source: &Ledger) {
    let colours = theme::colours(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(9.0, 14.0), Sense::hover());
    let (centre, radius) = (rect.center(), 4.0);
    let painter = ui.painter();
    let (colour, word) = match source.status {
        SourceStatus::Whole => (colours.good, "read whole"),
        SourceStatus::Partial => (colours.warning, "read in part"),
        SourceStatus::Unreadable => (colours.error, "could not be read"),
        SourceStatus::NotEvidence => (colours.weak, "not evidence"),
        SourceStatus::Duplicate => (colours.weak, "duplicate"),
    };
    let line = Stroke::new(1.5, colour);
    match source.status {
        SourceStatus::Whole => drop(painter.circle_filled(centre, radius, colour)),
        SourceStatus::Partial => {
            painter.circle_stroke(centre, radius - 0.5, line);
            let lower = Rect::from_min_max(pos2(rect.left() - 1.0, centre.y), pos2(rect.right() + 1.0, rect.bottom()));
            painter.with_clip_rect(lower).circle_filled(centre, radius, colour);
        }
        SourceStatus::Unreadable => {
            painter.line_segment([centre - vec2(3.0, 3.0), centre + vec2(3.0, 3.0)], line);
            painter.line_segment([centre + vec2(-3.0, 3.0), centre + vec2(3.0, -3.0)], line);
        }
        SourceStatus::NotEvidence | SourceStatus::Duplicate => drop(painter.circle_stroke(centre, radius - 0.5, line)),
    }
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, word));
}

/// A name without its middle: both ends tell logs of many computers apart.
fn middle(name: &str) -> String {
    const ENDS: (usize, usize) = (11, 16);
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= ENDS.0 + ENDS.1 + 1 {
        return name.to_owned();
    }
    letters[..ENDS.0].iter().chain(&['…']).chain(&letters[letters.len() - ENDS.1..]).collect()
}

/// One line of a source's ledger.
fn line(source: &Ledger) -> String {
    let mut text = match source.status {
        SourceStatus::NotEvidence => return "not evidence".into(),
        SourceStatus::Duplicate => return format!("duplicate of {}", source.duplicate_of.as_deref().unwrap_or("another source")),
        SourceStatus::Unreadable => return source.entries.first().map_or_else(|| "could not be read".into(), |e| e.what.clone()),
        SourceStatus::Whole | SourceStatus::Partial => format!("{} · {} events", source.format, words::count(source.events as usize)),
    };
    for (n, what) in [(source.records_recovered, "recovered"), (source.records_bad, "bad"), (source.no_time, "no time")] {
        if n > 0 {
            let _ = write!(text, " · {} {what}", words::count(n as usize));
        }
    }
    text
}

fn ledger(ui: &mut Ui, source: &Ledger, session: &Session) {
    let zone = session.zone();
    let when = |t: Option<i64>| t.map_or_else(|| "-".to_owned(), |t| words::second(t, &zone));
    ui.label(RichText::new(&source.source_file).strong());
    let rows = [
        ("format", format!("{} ({:.0} % sure)", source.format, source.certainty * 100.0)),
        ("size", words::bytes(source.bytes)),
        ("SHA-256", source.sha256.clone()),
        ("records read", words::count(source.records_ok as usize)),
        ("recovered", words::count(source.records_recovered as usize)),
        ("joined", words::count(source.records_joined as usize)),
        ("bad", words::count(source.records_bad as usize)),
        ("events", words::count(source.events as usize)),
        ("no time", words::count(source.no_time as usize)),
        ("local times read as", source.zone.clone()),
        ("first", when(source.first)),
        ("last", when(source.last)),
    ];
    egui::Grid::new("ledger").num_columns(2).show(ui, |ui| {
        for (name, value) in rows {
            ui.label(RichText::new(name).color(theme::colours(ui).weak));
            ui.label(value);
            ui.end_row();
        }
    });
    for entry in source.entries.iter().take(6) {
        let at = match (entry.offset, entry.record) {
            (Some(o), _) => format!(" at byte {o}"),
            (None, Some(r)) => format!(" in record {r}"),
            _ => String::new(),
        };
        ui.label(RichText::new(format!("{}{at}", entry.what)).color(theme::colours(ui).warning));
    }
    if source.defects > 6 {
        ui.label(format!("and {} more", words::count(source.defects as usize - 6)));
    }
    ui.label(RichText::new("Right-click: use as known-good, copy path or hash").small().color(theme::colours(ui).weak));
}
