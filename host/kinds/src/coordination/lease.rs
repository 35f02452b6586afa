//! `Lease`: who holds a role, and until when.
//!
//! See <https://kubernetes.io/docs/concepts/architecture/leases/>.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use meta::Tree;

use crate::columns::{self, Column};
use crate::{Kind, KindInfo};

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
        ..KindInfo::namespaced::<Self>()
    };

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let holder = self
            .spec
            .as_ref()
            .and_then(|spec| spec.holder_identity.clone());
        vec![
            columns::name(&self.metadata),
            Tree::from(holder.unwrap_or_default()),
            columns::age(&self.metadata, now),
        ]
    }
}
