//! `residue config`: every setting with its default, as TOML with a word on each.

use crate::domain::Settings;

/// What each setting means, for the comment above it. A test holds this list and the settings against each other.
const MEANINGS: &[(&str, &str)] = &[
    ("fields.context", "A process lends its events part of its most unusual event's excess."),
    ("fields.code", "Code size of the linear autoencoder (recommended preset)."),
    ("fields.epochs", "Most training epochs."),
    ("fields.patience", "Epochs without a better validation loss before training stops."),
    ("fields.validation", "Share of unique events kept for validation."),
    ("fields.restarts", "Restarts averaged (published preset)."),
    ("fields.own_weight", "Weight of the case's own events beside a baseline."),
    ("fields.published_all_channels", "Apply the published encoding to every channel, not to Task Scheduler alone."),
    ("fields.sequence", "The published preset's variant over windows of 200 events, none collapsed; needs 400 events."),
    ("groups.window_seconds", "Window length in seconds: 60, 300, 900, 3600 or 86400."),
    ("groups.buckets", "Hash buckets (published preset: always 16)."),
    ("groups.by_user", "Group by host and user instead of host."),
    ("groups.windows_only", "Only images under the Windows directory (published preset: on)."),
    ("chains.length", "Chain length, 2 to 6."),
    ("chains.own_weight", "Weight of the case's own chains beside a baseline."),
    ("chains.expressions", "Regular expressions that merge words of paths (published preset), in place of the generated ones; empty = generated."),
    ("process.steps", "Steps of a sequence."),
    ("process.min_events", "Fewest events of a process that is scored."),
    ("process.network", "recommended, linear, or published: simplest, dd, deep, deeper, conv_rnn, conv_birnn. Empty: the preset's own."),
    ("process.names", "Look at image names, their directories and parents' names, which may give the answer away."),
    ("process.epochs", "Most training epochs."),
    ("process.patience", "Epochs without a better validation loss before training stops."),
    ("process.folds", "Parts in which labelled processes are held out; groups are gathered into this many at most."),
    ("timeline.min_inode", "Rows with an inode below this are left out (published preset)."),
    ("timeline.journal_inode", "Inode of the change journal, whose rows are left out (published preset); 0 = the one that a row calls $UsnJrnl."),
    ("timeline.window", "Previous rows that predict the next one (published preset)."),
    ("timeline.units", "Units of the sequence network's widest layers (published preset); 64 is faster, and ranks better on few rows."),
    ("timeline.windows", "Most windows learned from on the CPU, spread evenly over the rows (published preset)."),
    ("timeline.closed_form", "The distance from the mean flags instead of the sequence network (published preset)."),
];

/// The defaults, commented; reads back as `--config`.
pub(super) fn commented() -> String {
    let plain = toml::to_string(&Settings::default()).unwrap_or_default();
    let mut text = String::from("# Residue's settings with their defaults. Change what you need, leave out the rest, and give the file as --config.\n");
    let mut section = String::new();
    for line in plain.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, _)) = line.split_once(" = ") {
            let full = format!("{section}.{key}");
            if let Some((_, meaning)) = MEANINGS.iter().find(|(name, _)| *name == full) {
                text.extend(["# ", meaning, "\n"]);
            }
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_explained_and_the_text_reads_back() {
        let text = commented();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), Settings::default());
        let settings = text.lines().filter(|l| l.contains(" = ") && !l.starts_with('#')).count();
        assert_eq!(settings, MEANINGS.len());
        assert_eq!(text.lines().filter(|l| l.starts_with('#')).count(), MEANINGS.len() + 1);
    }
}
