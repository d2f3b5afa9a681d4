//! A window with its hands: what tests press, wait for and take pictures of.

use super::fake::{Fake, Log};
use eframe::egui::{self, Key, Modifiers, Role, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use residue::app::{Pick, Session};
use residue::ui::{Picker, Window};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct Hand {
    pub asked: Vec<Pick>,
    pub answers: Vec<(Pick, Vec<PathBuf>)>,
}

struct FakePicker(Arc<Mutex<Hand>>);

impl Picker for FakePicker {
    fn pick(&mut self, what: Pick, _ctx: egui::Context) {
        self.0.lock().unwrap().asked.push(what);
    }
    fn picked(&mut self) -> Vec<(Pick, Vec<PathBuf>)> {
        std::mem::take(&mut self.0.lock().unwrap().answers)
    }
}

/// A window on a fake engine.
pub(super) struct Desk {
    pub window: Harness<'static, Window>,
    pub log: Arc<Mutex<Log>>,
    pub hand: Arc<Mutex<Hand>>,
    rendered: bool,
}

pub(super) fn desk(subjects: usize, size: Vec2, rendered: bool) -> Desk {
    let fake = Fake::new(subjects);
    let (log, hand) = (Arc::clone(&fake.log), Arc::<Mutex<Hand>>::default());
    desk_on(fake, log, hand, size, rendered)
}

pub(super) fn desk_on(fake: Fake, log: Arc<Mutex<Log>>, hand: Arc<Mutex<Hand>>, size: Vec2, rendered: bool) -> Desk {
    desk_with(Arc::new(fake), log, hand, size, rendered)
}

/// A rendered window on the engine itself.
pub(super) fn real_desk(size: Vec2) -> Desk {
    desk_with(Arc::new(residue::app::Real::new("CPU".into())), Arc::default(), Arc::default(), size, true)
}

/// The same, rendered only where pictures are asked for by `RESIDUE_PICTURES`.
pub(super) fn working_desk(size: Vec2) -> Desk {
    let rendered = std::env::var_os("RESIDUE_PICTURES").is_some();
    desk_with(Arc::new(residue::app::Real::new("CPU".into())), Arc::default(), Arc::default(), size, rendered)
}

pub(super) fn desk_with(engine: Arc<dyn residue::app::Engine>, log: Arc<Mutex<Log>>, hand: Arc<Mutex<Hand>>, size: Vec2, rendered: bool) -> Desk {
    let picker = FakePicker(Arc::clone(&hand));
    let mut builder = Harness::builder().with_size(size).with_max_steps(30).allow_missing_glyphs().with_render_cursor(false);
    if rendered {
        builder = builder.wgpu();
    }
    let window = builder.build_eframe(move |cc| {
        let session = Session::new(engine, Arc::new(|| ()), None).unwrap();
        Window::new(&cc.egui_ctx, session, Box::new(picker))
    });
    Desk { window, log, hand, rendered }
}

/// Rows of [`ready`].
pub(super) const ROWS: usize = 5000;

/// A window with an analysed case.
pub(super) fn ready() -> Desk {
    analysed(ROWS, SIZE, false)
}

pub(super) fn analysed(subjects: usize, size: Vec2, rendered: bool) -> Desk {
    let mut desk = desk(subjects, size, rendered);
    desk.click("Try the demo case");
    desk.until("the final ranking", |d| {
        d.session().activity == residue::app::Activity::Idle && d.session().open.view.order.is_some() && !d.session().open.view.is_building()
    });
    desk
}

impl Desk {
    pub(super) fn session(&self) -> &Session {
        &self.window.state().session
    }

    /// Steps until the workers have brought what is waited for.
    pub(super) fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        loop {
            self.window.step();
            if done(self) {
                break;
            }
            let s = self.session();
            assert!(begin.elapsed() < Duration::from_mins(3), "waited too long for {what}: {:?}, {:?}, {:?}", s.activity, s.said, s.notices);
            std::thread::park_timeout(Duration::from_millis(2));
        }
        self.window.run_steps(2);
    }

    /// Steps until nothing is under way.
    pub(super) fn settle(&mut self) {
        self.until("everything to settle", |d| {
            let s = d.session();
            !s.activity.is_busy() && !s.exporting && !s.open.view.is_building() && !s.open.drill.is_waiting() && s.open.marks.is_all_kept()
        });
    }

    /// Takes a picture of the window as it stands, where it is rendered, into `RESIDUE_PICTURES` or `screenshots`.
    pub(super) fn shot(&mut self, name: &str) {
        if !self.rendered {
            return;
        }
        self.window.remove_cursor();
        self.window.run_steps(2);
        let mut picture = self.window.render().expect("a renderer");
        // The window's own ground, which the system's window is cleared with.
        let ground = self.window.ctx.global_style().visuals.panel_fill.to_array();
        for pixel in picture.pixels_mut() {
            let clear = 255 - u32::from(pixel.0[3]);
            pixel.0 = std::array::from_fn(|at| (u32::from(pixel.0[at]) + u32::from(ground[at]) * clear / 255).min(255) as u8);
        }
        let folder = std::env::var("RESIDUE_PICTURES").unwrap_or_else(|_| "screenshots".into());
        std::fs::create_dir_all(&folder).unwrap();
        picture.save(format!("{folder}/{name}.png")).unwrap();
    }

    pub(super) fn apply(&mut self, command: impl Into<residue::app::Command>) {
        self.window.state_mut().session.apply(command);
        self.window.run_steps(2);
    }

    pub(super) fn click(&mut self, label: &str) {
        self.window.get_by_label(label).click();
        self.window.run_steps(2);
    }

    /// Clicks with the pointer into the first row whose label has this in it, a frame for each move of the hand: hits what is there, if anything is.
    pub(super) fn click_into(&mut self, label: &str) {
        let at = self.window.query_all_by_label_contains(label).next().expect("a row").rect().left_center() + vec2(250.0, 0.0);
        let button = |pressed| egui::Event::PointerButton { pos: at, button: egui::PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
        for event in [egui::Event::PointerMoved(at), button(true), button(false)] {
            self.window.event(event);
            self.window.step();
        }
        self.window.run_steps(2);
    }

    /// What is pressed by its label in tests is found by the pointer only where it takes room.
    pub(super) fn takes_room(&self, state: &str) {
        for role in [Role::Button, Role::CheckBox, Role::ListBoxOption, Role::TextInput, Role::ComboBox, Role::RadioButton, Role::Link, Role::Slider] {
            for node in self.window.query_all_by_role(role) {
                let rect = node.rect();
                assert!(rect.width() >= 3.0 && rect.height() >= 3.0, "{state}: {role:?} lies at {rect:?}: {node:?}");
            }
        }
    }

    /// Types into a field that is found by its label, over what stands in it.
    pub(super) fn type_into(&mut self, label: &str, text: &str) {
        self.window.get_by_label(label).focus();
        self.window.run_steps(2);
        self.window.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.window.run_steps(1);
        self.window.get_by_label(label).type_text(text);
        self.window.run_steps(2);
    }

    pub(super) fn key(&mut self, key: Key) {
        self.window.key_press(key);
        self.window.run_steps(2);
    }

    pub(super) fn command(&mut self, key: Key) {
        self.window.key_press_modifiers(Modifiers::COMMAND, key);
        self.window.run_steps(2);
    }
}

pub(super) const SIZE: Vec2 = vec2(1366.0, 768.0);
