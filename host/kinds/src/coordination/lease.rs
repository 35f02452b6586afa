//! `Lease`: who holds a role, and until when.
//!
//! See <https://kubernetes.io/docs/concepts/architecture/leases/>.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use meta::Tree;
use meta::field::FieldError;

use crate::check::{At, Errors, NEGATIVE};
use crate::columns::{self, Column};
use crate::{Kind, KindInfo, PrefixRule};

impl Kind for Lease {
    const INFO: KindInfo = KindInfo {
        singular: "lease",
        type_name: "io.k8s.api.coordination.v1.Lease",
        create_on_update: true,
        unconditional_update: false,
        columns: &[
            columns::NAME,
            Column::of::<LeaseSpec>("Holder", "holderIdentity"),
            columns::AGE,
        ],
        plain_finalizers: true,
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    /// Leases that candidates compete for in an orderly way are not acted on by default.
    fn on_create(&mut self) {
        if let Some(spec) = &mut self.spec {
            (spec.strategy, spec.preferred_holder) = (None, None);
        }
    }

    fn on_update(&mut self, _old: &Self) {
        self.on_create();
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let Some(spec) = &self.spec else {
            return Vec::new();
        };
        let at = At::root("spec");
        if let Some(secs) = spec.lease_duration_seconds.filter(|secs| *secs <= 0) {
            errors.invalid(&at.field("leaseDurationSeconds"), secs, "must be greater than 0");
        }
        if let Some(count) = spec.lease_transitions.filter(|count| *count < 0) {
            errors.invalid(&at.field("leaseTransitions"), count, NEGATIVE);
        }
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        self.validate()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let holder = self.spec.as_ref().and_then(|spec| spec.holder_identity.clone());
        vec![
            columns::name(&self.metadata),
            Tree::from(holder.unwrap_or_default()),
            columns::age(&self.metadata, now),
        ]
    }
}
