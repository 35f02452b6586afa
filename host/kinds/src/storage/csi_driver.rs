//! `CSIDriver`: what a storage driver can do, and what it needs.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/storage/csi-driver-v1/>.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::storage::v1::{CSIDriver, CSIDriverSpec, TokenRequest};
use meta::Tree;
use meta::field::FieldError;

use crate::check::{At, Errors, json};
use crate::columns::{self, Column, NONE, UNSET};
use crate::wire::OrEmpty;
use crate::{DeleteAnswer, Generation, Kind, KindInfo, PrefixRule};

impl Kind for CSIDriver {
    const INFO: KindInfo = KindInfo {
        singular: "csidriver",
        type_name: "io.k8s.api.storage.v1.CSIDriver",
        generation: Generation::SpecOfChanged,
        unconditional_update: false,
        delete_answer: DeleteAnswer::Object,
        columns: &[
            columns::NAME,
            Column::of::<CSIDriverSpec>("AttachRequired", "attachRequired").boolean(),
            Column::of::<CSIDriverSpec>("PodInfoOnMount", "podInfoOnMount").boolean(),
            Column::of::<CSIDriverSpec>("StorageCapacity", "storageCapacity").boolean(),
            Column::of::<CSIDriverSpec>("TokenRequests", "tokenRequests"),
            Column::of::<CSIDriverSpec>("RequiresRepublish", "requiresRepublish").boolean(),
            Column::of::<CSIDriverSpec>("Modes", "volumeLifecycleModes"),
            columns::AGE,
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        let spec = &mut self.spec;
        spec.attach_required.get_or_insert(true);
        for flag in [
            &mut spec.pod_info_on_mount,
            &mut spec.prevent_pod_scheduling_if_missing,
            &mut spec.requires_republish,
            &mut spec.se_linux_mount,
            &mut spec.storage_capacity,
        ] {
            flag.get_or_insert(false);
        }
        spec.fs_group_policy.get_or_insert_with(|| "ReadWriteOnceWithFSType".to_owned());
        if spec.volume_lifecycle_modes.is_unset() {
            spec.volume_lifecycle_modes = Some(vec!["Persistent".to_owned()]);
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_spec(&mut errors, &self.spec);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_spec(&mut errors, &self.spec);
        let (new, old) = (&self.spec, &old.spec);
        let at = SPEC.field("attachedRequired");
        errors.immutable(&at, &new.attach_required, &old.attach_required);
        let at = SPEC.field("volumeLifecycleModes");
        errors.immutable(&at, &new.volume_lifecycle_modes, &old.volume_lifecycle_modes);
        errors.into_list()
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        let requests = self.spec.token_requests.or_empty();
        let is_new = old.is_none_or(|old| old.spec.token_requests.or_empty() != requests);
        if is_new && !requests.is_empty() && self.spec.service_account_token_in_secrets.is_none() {
            let advice = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI \
                          driver, set to true to prevent possible logging of tokens in volume \
                          attributes";
            return vec![advice.to_owned()];
        }
        Vec::new()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = &self.spec;
        let requests = spec.token_requests.as_ref().map(|requests| {
            requests.iter().map(|request| request.audience.as_str()).collect::<Vec<_>>().join(",")
        });
        let modes = spec.volume_lifecycle_modes.or_empty().join(",");
        vec![
            columns::name(&self.metadata),
            Tree::from(spec.attach_required.unwrap_or(true)),
            Tree::from(spec.pod_info_on_mount.unwrap_or_default()),
            Tree::from(spec.storage_capacity.unwrap_or_default()),
            Tree::from(requests.unwrap_or_else(|| UNSET.to_owned())),
            Tree::from(spec.requires_republish.unwrap_or_default()),
            Tree::from(if modes.is_empty() { NONE.to_owned() } else { modes }),
            columns::age(&self.metadata, now),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

fn validate_spec(errors: &mut Errors, spec: &CSIDriverSpec) {
    if let Some(policy) = &spec.fs_group_policy {
        let known = &["File", "None", "ReadWriteOnceWithFSType"];
        errors.one_of(&SPEC.field("fsGroupPolicy"), policy, known);
    }
    let requests = spec.token_requests.or_empty();
    token_requests(errors, &SPEC.field("tokenRequests"), requests);
    let modes_at = SPEC.field("volumeLifecycleModes");
    for mode in spec.volume_lifecycle_modes.or_empty() {
        errors.one_of(&modes_at, mode, &["Persistent", "Ephemeral"]);
    }
    if let Some(secs) = spec.node_allocatable_update_period_seconds.filter(|secs| *secs < 10) {
        let at = SPEC.field("nodeAllocatableUpdatePeriodSeconds");
        errors.invalid(&at, secs, "must be greater than or equal to 10 seconds");
    }
    if let Some(in_secrets) = spec.service_account_token_in_secrets
        && requests.is_empty()
    {
        let detail = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        errors.invalid(&SPEC.field("serviceAccountTokenInSecrets"), json(&in_secrets), detail);
    }
}

fn token_requests(errors: &mut Errors, all: &At<'_>, requests: &[TokenRequest]) {
    const SECS_MIN: i64 = 600;
    const SECS_MAX: i64 = 1 << 32;
    let mut seen = BTreeSet::new();
    for (index, request) in requests.iter().enumerate() {
        let at = all.index(index);
        if !seen.insert(&request.audience) {
            errors.duplicate(&at.field("audience"), &request.audience);
            continue;
        }
        let Some(secs) = request.expiration_seconds else {
            continue;
        };
        let at = at.field("expirationSeconds");
        if secs < SECS_MIN {
            errors.invalid(&at, secs, "may not specify a duration less than 10 minutes");
        }
        if secs > SECS_MAX {
            errors.invalid(&at, secs, "may not specify a duration larger than 2^32 seconds");
        }
    }
}
