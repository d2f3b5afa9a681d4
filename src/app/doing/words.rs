//! Carries out what is asked of the words that a ranking learned.

use crate::app::command::{Dialog, WordsCommand};
use crate::app::session::Session;
use crate::engine::jobs;
use std::sync::Arc;

impl Session {
    pub(super) fn apply_words(&mut self, command: WordsCommand) {
        match command {
            WordsCommand::LookAtWords => self.look_at_words(),
            WordsCommand::ChooseWord(word) => self.open.lexicon.chosen = Some(word),
            WordsCommand::Expressions(list) => self.open.lexicon.expressions = list,
            WordsCommand::LearnWordsAgain => self.learn_words_again(),
        }
    }

    /// Opens the dialog of words on the ranking shown.
    pub(super) fn look_at_words(&mut self) {
        let words = self.open.view.ranking.as_ref().and_then(|r| r.explain.words());
        self.dialog = Some(Dialog::Words);
        let Some(words) = words else {
            self.open.lexicon.words = None;
            return;
        };
        if self.open.lexicon.words.as_ref().is_some_and(|known| Arc::ptr_eq(known, &words)) {
            return;
        }
        self.open.lexicon.expressions.clone_from(&words.expressions);
        (self.open.lexicon.chosen, self.open.lexicon.plane) = (None, Arc::default());
        self.open.lexicon.words = Some(Arc::clone(&words));
        self.open.lexicon.drawing.start(move |_| Some(Arc::new(jobs::picture(&words))));
    }

    /// Learns again with the expressions as edited; with none of them, with generated ones.
    pub(super) fn learn_words_again(&mut self) {
        let texts = self.open.lexicon.expressions.iter().map(|e| e.regex.trim().to_owned()).filter(|text| !text.is_empty());
        self.open.choices.plan.settings.chains.expressions = texts.collect();
        self.dialog = None;
        self.analyse();
    }
}
