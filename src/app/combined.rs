//! All detectors in one list: the state of the dialog *All detectors*, and how it is made. Nothing else knows of it but [`crate::app::open`], which holds
//! it, and [`crate::app::doing`], which asks for it when the dialog opens.

use crate::app::background::{Background, Wake};
use crate::domain::{Ledger, Suppression, Threshold};
use crate::engine::{Fusion, Ranking, fuse, without};
use std::sync::Arc;

/// All detectors in one list.
pub struct Combined {
    /// The list, once it was asked for.
    pub fusion: Option<Fusion>,
    /// The rankings it is made of, without what was called ordinary.
    pub fused: Vec<Ranking>,
    fusing: Background<(Vec<Ranking>, Fusion)>,
}

impl Combined {
    pub(super) fn new(wake: Wake) -> Self {
        Self { fusion: None, fused: vec![], fusing: Background::new(wake) }
    }

    /// Puts rankings into one list, on a thread.
    pub(super) fn combine(&mut self, rankings: Vec<Ranking>, rules: Arc<Suppression>, sources: Arc<Vec<Ledger>>) {
        (self.fusion, self.fused) = (None, vec![]);
        self.fusing.start(move |_| {
            let rest: Vec<Ranking> = rankings.iter().map(|r| without(r, &rules, Threshold::Value(r.report.threshold), &sources).0).collect();
            let fusion = fuse(&rest);
            Some((rest, fusion))
        });
    }

    /// Takes the list when it is there.
    pub(super) fn drain(&mut self) {
        if let Some((fused, fusion)) = self.fusing.take() {
            (self.fused, self.fusion) = (fused, Some(fusion));
        }
    }
}
