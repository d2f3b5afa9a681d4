//! The words that the shown ranking's detector learned: their picture in the plane, the chosen word, and the expressions being edited.

use crate::app::background::{Background, Wake};
use crate::domain::{Expression, Words};
use std::sync::Arc;

/// What the dialog of words shows.
pub struct Lexicon {
    /// The words; none until the dialog was opened on a ranking that has them.
    pub words: Option<Arc<Words>>,
    /// Where each word stands in the plane; empty while it is being found, and where words are too few.
    pub plane: Arc<Vec<[f32; 2]>>,
    /// The word whose neighbours are listed.
    pub chosen: Option<usize>,
    /// The expressions as edited.
    pub expressions: Vec<Expression>,
    pub(super) drawing: Background<Arc<Vec<[f32; 2]>>>,
}

impl Lexicon {
    pub(super) fn new(wake: Wake) -> Self {
        Self { words: None, plane: Arc::default(), chosen: None, expressions: vec![], drawing: Background::new(wake) }
    }

    /// Takes the picture when it is there.
    pub(super) fn drain(&mut self) {
        if let Some(plane) = self.drawing.take() {
            self.plane = plane;
        }
    }

    /// Whether the picture is still to come.
    #[must_use]
    pub fn is_drawing(&self) -> bool {
        self.drawing.is_waiting()
    }

    /// Whether the expressions differ from what the words were learned with.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.words.as_ref().is_some_and(|words| words.expressions != self.expressions)
    }
}
