//! What the dialog *Mark ordinary* holds.

use crate::domain::RuleField;
use std::collections::BTreeSet;

/// What the dialog *Mark ordinary* holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrdinaryForm {
    /// This subject alone, not all like it.
    pub one: bool,
    /// The columns in which the others must be like it.
    pub fields: BTreeSet<RuleField>,
    /// Why it is ordinary.
    pub reason: String,
    /// How many subjects of this ranking the rule takes out.
    pub taken: usize,
}
