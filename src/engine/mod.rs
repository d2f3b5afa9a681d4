//! Runs a plan over a case; owns the one worker thread.
