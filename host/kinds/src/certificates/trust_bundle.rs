//! `ClusterTrustBundle`: certificates of those whom everybody in the cluster may trust, as a signer or nobody in particular publishes them.
//!
//! Bundles of a signer have its name at the beginning of theirs. The API server asks whether the writer may speak for the signer.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#cluster-trust-bundles>.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::certificates::v1::{ClusterTrustBundle, ClusterTrustBundleSpec};
use meta::Tree;
use meta::field::FieldError;

use super::x509;
use crate::check::{At, Errors};
use crate::columns::{self, Column, NONE};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, NameRule, pem, signer};

impl Kind for ClusterTrustBundle {
    const INFO: KindInfo = KindInfo {
        singular: "clustertrustbundle",
        type_name: "io.k8s.api.certificates.v1.ClusterTrustBundle",
        // The signer decides about the name.
        name_rule: NameRule::Any,
        selectable: &["spec.signerName"],
        columns: &[columns::NAME, Column::of::<ClusterTrustBundleSpec>("SignerName", "signerName")],
        unconditional_update: false,
        ..KindInfo::cluster::<Self>()
    };

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_names(&mut errors, self);
        validate_bundle(&mut errors, &self.spec.trust_bundle);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_names(&mut errors, self);
        if self.spec.trust_bundle != old.spec.trust_bundle {
            validate_bundle(&mut errors, &self.spec.trust_bundle);
        }
        let (new, old) = (signer_name(self), signer_name(old));
        errors.immutable(&SPEC.field("signerName"), &new, &old);
        errors.into_list()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("spec.signerName", signer_name(self).to_owned())]
    }

    fn row(&self, _now: Timestamp) -> Vec<Tree> {
        let signer = Some(signer_name(self)).filter(|name| !name.is_empty()).unwrap_or(NONE);
        vec![columns::name(&self.metadata), Tree::from(signer)]
    }
}

const METADATA: At<'static> = At::root("metadata");
const SPEC: At<'static> = At::root("spec");

fn signer_name(bundle: &ClusterTrustBundle) -> &str {
    bundle.spec.signer_name.or_empty()
}

fn validate_names(errors: &mut Errors, bundle: &ClusterTrustBundle) {
    let signer = signer_name(bundle);
    let prefix = bundle.metadata.generate_name.or_empty();
    if !prefix.is_empty() {
        let messages =
            signer::own_name(signer, prefix, |own| NameRule::Subdomain.check_prefix(own));
        errors.invalid_each(&METADATA.field("generateName"), prefix, messages);
    }
    let name = bundle.metadata.name.or_empty();
    if !name.is_empty() {
        let messages = signer::own_name(signer, name, |own| NameRule::Subdomain.check(own));
        errors.invalid_each(&METADATA.field("name"), name, messages);
    }
    if !signer.is_empty() {
        signer::signer_name(errors, &SPEC.field("signerName"), signer);
    }
}

const BUNDLE_BYTES_MAX: usize = 1024 * 1024;
/// Stands for the bundle in messages.
const SHOWN: &str = "<value omitted>";

fn validate_bundle(errors: &mut Errors, bundle: &str) {
    let at = SPEC.field("trustBundle");
    if bundle.len() > BUNDLE_BYTES_MAX {
        errors.too_long(&at, BUNDLE_BYTES_MAX);
        return;
    }
    let blocks = pem::blocks(bundle.as_bytes());
    let mut by_contents: BTreeMap<&[u8], Vec<String>> = BTreeMap::new();
    let mut is_sound = true;
    for (index, block) in blocks.iter().enumerate() {
        if let Err(fault) = anchor(block) {
            is_sound = false;
            errors.invalid(&at, SHOWN, format!("entry {index} {fault}"));
        }
        by_contents.entry(&block.contents).or_default().push(index.to_string());
    }
    // Beside a bad entry the others need not be counted.
    if !is_sound {
        return;
    }
    if blocks.is_empty() {
        errors.invalid(&at, SHOWN, "at least one trust anchor must be provided");
    }
    for indices in by_contents.values().filter(|indices| indices.len() > 1) {
        let indices = indices.join(" ");
        errors.invalid(&at, SHOWN, format!("duplicate trust anchor (indices [{indices}])"));
    }
}

/// Why a block holds nobody who vouches for others.
fn anchor(block: &pem::Block<'_>) -> Result<(), String> {
    if block.label != x509::LABEL {
        return Err(format!("has bad block type: {}", block.label));
    }
    if block.has_headers {
        return Err("has PEM block headers".to_owned());
    }
    let certificate = x509::read(&block.contents).ok_or("does not parse as X.509")?;
    if certificate.is_ca() { Ok(()) } else { Err("does not have the CA bit set".to_owned()) }
}
