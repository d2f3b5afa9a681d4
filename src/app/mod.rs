//! Session state without a window: commands, undo, selections.
