//! Keys where no window manager hands out the keyboard (a bare X server, a kiosk, a remote framebuffer).
//!
//! There a click on the window gives it no focus, and winit hears no keys without. Going to full screen and back asks the X server for the focus
//! itself; nothing else happens, because there is nobody to make the window larger. Where there is a window manager the click has given the focus
//! long before this is tried.

use eframe::egui::{Context, ViewportCommand};
use std::time::{Duration, Instant};

/// How long after a click a window manager is waited for.
const WAIT: Duration = Duration::from_millis(400);

/// Watches for a click that gave no focus.
#[derive(Default)]
pub(super) struct Focus {
    clicked: Option<Instant>,
    asked: bool,
}

impl Focus {
    /// To be called once a frame.
    pub(super) fn claim(&mut self, ctx: &Context) {
        let bare_x11 = cfg!(target_os = "linux") && std::env::var_os("DISPLAY").is_some() && std::env::var_os("WAYLAND_DISPLAY").is_none();
        if self.asked || !bare_x11 {
            return;
        }
        let (focused, pressed) = ctx.input(|i| (i.focused, i.pointer.any_pressed()));
        if focused {
            self.asked = true;
        } else if pressed {
            self.clicked.get_or_insert_with(Instant::now);
        }
        if let Some(clicked) = self.clicked.filter(|_| !focused) {
            if clicked.elapsed() >= WAIT {
                self.asked = true;
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(true));
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(false));
            } else {
                ctx.request_repaint_after(WAIT.saturating_sub(clicked.elapsed()));
            }
        }
    }
}
