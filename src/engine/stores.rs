//! Views over a store: the scope of a plan, and a baseline without its labelled attack.

use crate::control::{Control, RunError};
use crate::domain::{Event, EventKey, EventRef, EventStore, Ledger, Plan, Scope};
use crate::score::{Label, Truth, TruthMember};
use std::sync::Arc;

/// Only the events of a scope.
struct Scoped {
    pub(super) inner: Arc<dyn EventStore>,
    scope: Scope,
}

impl Scoped {
    fn holds(&self, event: &EventRef<'_>) -> bool {
        let Scope { from, to, hosts } = &self.scope;
        let timed = (from.is_none() && to.is_none()) || event.time.is_some_and(|t| from.is_none_or(|f| t >= f) && to.is_none_or(|u| t <= u));
        timed && (hosts.is_empty() || event.computer.is_some_and(|c| hosts.iter().any(|h| h.eq_ignore_ascii_case(c))))
    }
}

/// Only events, where rules' results stand beside them.
pub(super) struct WithoutFindings {
    pub(super) inner: Arc<dyn EventStore>,
    /// By source: rules' results.
    pub(super) results: Vec<bool>,
}

impl WithoutFindings {
    fn holds(&self, event: &EventRef<'_>) -> bool {
        !self.results.get(event.key.source as usize).copied().unwrap_or(false)
    }
}

/// What a plan scores of a case, and what of it is known-good.
pub(super) fn scoped(case: Arc<dyn EventStore>, plan: &Plan) -> (Arc<dyn EventStore>, Option<Arc<dyn EventStore>>) {
    let view = |scope: Scope| -> Arc<dyn EventStore> { Arc::new(Scoped { inner: Arc::clone(&case), scope }) };
    let mut scope = plan.scope.clone();
    let known_good = plan.known_good_before.map(|before| {
        let earlier = view(Scope { to: Some(scope.to.unwrap_or(i64::MAX).min(before.saturating_sub(1))), ..scope.clone() });
        scope.from = Some(scope.from.map_or(before, |from| from.max(before)));
        earlier
    });
    (if scope == Scope::default() { case.clone() } else { view(scope) }, known_good)
}

/// Only events that no truth file calls `attack` or `ignore`.
pub(super) struct Ordinary {
    pub(super) inner: Arc<dyn EventStore>,
    pub(super) truths: Vec<Arc<Truth>>,
}

impl Ordinary {
    fn holds(&self, event: &EventRef<'_>) -> bool {
        let source_file = self.inner.sources().get(event.key.source as usize).map_or("", |s| s.source_file.as_str());
        let member = TruthMember {
            source_file,
            record_id: Some(event.record_id.unwrap_or(event.key.record)),
            computer: event.computer,
            process_guid: event.process_guid,
        };
        self.truths.iter().all(|truth| truth.label(member) == Label::Benign)
    }
}

/// Scans `inner`, handing on what `holds`.
fn filtered(
    inner: &dyn EventStore,
    payload: bool,
    control: &Control,
    holds: &dyn Fn(&EventRef<'_>) -> bool,
    each: &mut dyn FnMut(&[EventRef<'_>]) -> Result<(), RunError>,
) -> Result<(), RunError> {
    inner.scan(payload, control, &mut |batch| {
        let kept: Vec<EventRef<'_>> = batch.iter().filter(|e| holds(e)).copied().collect();
        if kept.is_empty() { Ok(()) } else { each(&kept) }
    })
}

macro_rules! view {
    ($view:ty) => {
        impl EventStore for $view {
            fn sources(&self) -> &[Ledger] {
                self.inner.sources()
            }
            fn events(&self) -> u64 {
                self.inner.events()
            }
            fn scan(&self, payload: bool, control: &Control, each: &mut dyn FnMut(&[EventRef<'_>]) -> Result<(), RunError>) -> Result<(), RunError> {
                filtered(self.inner.as_ref(), payload, control, &|e| self.holds(e), each)
            }
            fn fetch(&self, key: EventKey) -> Result<Option<Event>, RunError> {
                self.inner.fetch(key)
            }
        }
    };
}
view!(Scoped);
view!(Ordinary);
view!(WithoutFindings);
