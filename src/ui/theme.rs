//! Every colour and size there is. Nothing else in the window names a colour.
//!
//! One accent stands for the threshold and what is above it: orange against blue, which every common colour blindness keeps apart; shape or text
//! always says the same.

use eframe::egui::{self, Color32, Context, CornerRadius, FontFamily, FontId, Stroke, Style, TextStyle, Theme, Ui, Visuals, style::ScrollStyle, vec2};

/// Colours with a meaning.
pub(super) struct Colours {
    /// The threshold and what is above it.
    pub above: Color32,
    /// Behind text that is above.
    pub above_faint: Color32,
    /// Subjects below.
    pub below: Color32,
    /// Subjects below that a filter leaves out.
    pub left_out: Color32,
    /// The analyst's flag.
    pub flag: Color32,
    /// The selected row.
    pub selected: Color32,
    /// The row under the pointer.
    pub hovered: Color32,
    /// Between rows.
    pub row_line: Color32,
    /// Behind words that the search looks for.
    pub hit: Color32,
    /// Those words.
    pub hit_text: Color32,
    /// A row that holds them.
    pub hit_row: Color32,
    /// Less important text.
    pub weak: Color32,
    /// Something partial went wrong.
    pub warning: Color32,
    /// Something asked for was not done.
    pub error: Color32,
    /// Done, ready.
    pub good: Color32,
    /// Training loss.
    pub train: Color32,
    /// Validation loss.
    pub validation: Color32,
    /// Lines between things.
    pub line: Color32,
    /// A share bar.
    pub share: Color32,
    /// A share bar that lowers the score.
    pub lowers: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

static DARK: Colours = Colours {
    above: rgb(0xf5a142),
    above_faint: rgb(0x3a2c1a),
    below: rgb(0x5f8bb8),
    left_out: rgb(0x33475c),
    flag: rgb(0x4fd1c5),
    selected: rgb(0x28486b),
    hovered: rgb(0x262d36),
    row_line: rgb(0x242b32),
    hit: rgb(0x6b5f12),
    hit_text: rgb(0xffffff),
    hit_row: rgb(0x2b2a17),
    weak: rgb(0x96a1ad),
    warning: rgb(0xecc94b),
    error: rgb(0xff7b6e),
    good: rgb(0x68c08b),
    train: rgb(0x5f9bd8),
    validation: rgb(0xf5a142),
    line: rgb(0x343c46),
    share: rgb(0x4d7199),
    lowers: rgb(0x4a525c),
};

static LIGHT: Colours = Colours {
    above: rgb(0xb85400),
    above_faint: rgb(0xfdeedd),
    below: rgb(0x5485b8),
    left_out: rgb(0xc9d6e4),
    flag: rgb(0x00796f),
    selected: rgb(0xcfe1f5),
    hovered: rgb(0xe9eef4),
    row_line: rgb(0xeaeef2),
    hit: rgb(0xffe27a),
    hit_text: rgb(0x1d1b10),
    hit_row: rgb(0xfff8dc),
    weak: rgb(0x5b6672),
    warning: rgb(0x8a6100),
    error: rgb(0xb3261e),
    good: rgb(0x1f7a45),
    train: rgb(0x2f6fb0),
    validation: rgb(0xb85400),
    line: rgb(0xd3d9e0),
    share: rgb(0x9dbbdb),
    lowers: rgb(0xc4cad1),
};

/// The colours of the theme in use.
pub(super) fn colours(ui: &Ui) -> &'static Colours {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

/// Colours of clusters, which colour-blind eyes keep apart (Okabe and Ito 2008).
const CLUSTERS: [Color32; 8] = [rgb(0x0072b2), rgb(0xe69f00), rgb(0x009e73), rgb(0xcc79a7), rgb(0x56b4e9), rgb(0xd55e00), rgb(0xb8a900), rgb(0x8f6bd8)];

/// A cluster's colour, and which time that colour is used; what is in no cluster is weak.
pub(super) fn cluster(ui: &Ui, cluster: Option<u32>) -> (Color32, usize) {
    cluster.map_or((colours(ui).weak, 0), |number| (CLUSTERS[number as usize % CLUSTERS.len()], number as usize / CLUSTERS.len()))
}

/// Height of a table row.
pub(super) const ROW: f32 = 21.0;
/// Half the width in which the threshold can be grabbed.
pub(super) const GRAB: f32 = 6.0;

/// Gives the context our look.
pub(super) fn install(ctx: &Context) {
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| dress(style, theme));
    }
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
}

/// Digits of equal width.
pub(super) fn digits() -> FontId {
    FontId::new(12.0, FontFamily::Monospace)
}

fn dress(style: &mut Style, theme: Theme) {
    let sizes = [
        (TextStyle::Small, FontId::new(11.0, FontFamily::Proportional)),
        (TextStyle::Body, FontId::new(13.0, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(13.0, FontFamily::Proportional)),
        (TextStyle::Heading, FontId::new(17.0, FontFamily::Proportional)),
        (TextStyle::Monospace, digits()),
    ];
    style.text_styles = sizes.into();
    style.spacing.item_spacing = vec2(6.0, 4.0);
    style.spacing.button_padding = vec2(7.0, 2.0);
    style.spacing.interact_size.y = 22.0;
    style.spacing.scroll = ScrollStyle { bar_width: 9.0, ..ScrollStyle::solid() };
    style.spacing.combo_width = 60.0;
    style.spacing.tooltip_width = 460.0;
    style.animation_time = 0.08;
    style.scroll_animation = egui::style::ScrollAnimation::none();
    style.interaction.tooltip_delay = 0.4;
    style.visuals = visuals(theme);
}

fn visuals(theme: Theme) -> Visuals {
    let dark = theme == Theme::Dark;
    let (colours, mut v) = if dark { (&DARK, Visuals::dark()) } else { (&LIGHT, Visuals::light()) };
    let pick = |d: u32, l: u32| rgb(if dark { d } else { l });
    let (panel, text, strong) = (pick(0x181c21, 0xfbfcfd), pick(0xd6dce3, 0x20262d), pick(0xffffff, 0x000000));
    v.panel_fill = panel;
    v.window_fill = pick(0x1e2329, 0xffffff);
    v.extreme_bg_color = pick(0x101317, 0xffffff);
    v.text_edit_bg_color = Some(pick(0x101317, 0xffffff));
    v.faint_bg_color = pick(0x1f252c, 0xf0f3f6);
    v.code_bg_color = v.faint_bg_color;
    v.weak_text_color = Some(colours.weak);
    v.hyperlink_color = pick(0x7db3ee, 0x14599f);
    v.warn_fg_color = colours.warning;
    v.error_fg_color = colours.error;
    v.window_stroke = Stroke::new(1.0, colours.line);
    v.selection.bg_fill = pick(0x2b5583, 0xbcd7f3);
    v.selection.stroke = Stroke::new(1.0, pick(0xe8f1fb, 0x0b2f55));
    v.window_corner_radius = CornerRadius::same(8);
    v.menu_corner_radius = CornerRadius::same(6);
    v.striped = true;
    // A blink is a whole window drawn anew: without a graphics card a quarter of a core, while nothing happens.
    v.text_cursor.blink = false;
    v.interact_cursor = Some(egui::CursorIcon::PointingHand);
    let radius = CornerRadius::same(4);
    let states = [
        (&mut v.widgets.noninteractive, panel, panel, colours.line, text),
        (&mut v.widgets.inactive, pick(0x2a3139, 0xe9edf1), pick(0x2a3139, 0xe9edf1), pick(0x39424c, 0xc9d0d8), text),
        (&mut v.widgets.hovered, pick(0x343d47, 0xdde5ee), pick(0x343d47, 0xdde5ee), pick(0x5d6b7a, 0x8fa2b6), strong),
        (&mut v.widgets.active, pick(0x3d5673, 0xc8dcf1), pick(0x3d5673, 0xc8dcf1), pick(0x7fa6cf, 0x4d7fb3), strong),
        (&mut v.widgets.open, pick(0x2a3139, 0xe9edf1), pick(0x2a3139, 0xe9edf1), pick(0x5d6b7a, 0x8fa2b6), strong),
    ];
    for (state, fill, weak_fill, line, ink) in states {
        state.bg_fill = fill;
        state.weak_bg_fill = weak_fill;
        state.bg_stroke = Stroke::new(1.0, line);
        state.fg_stroke = Stroke::new(1.0, ink);
        state.corner_radius = radius;
        state.expansion = 0.0;
    }
    v
}
