//! How objects get from one version to another.
//!
//! Webhooks are not asked yet. They are accepted where nothing is ever converted, which is where there is one version only.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/>.

use k8s_openapi::api::admissionregistration::v1 as admission;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceConversion, CustomResourceDefinitionSpec, WebhookClientConfig,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::ratchet::Options;
use crate::admissionregistration::webhook;
use crate::check::{At, Errors, json};
use crate::pem;

const NONE: &str = "None";
const WEBHOOK: &str = "Webhook";
/// Versions of reviews that this server or one before it knows.
const REVIEWS: &[&str] = &["v1", "v1beta1"];

pub(super) fn set_defaults(spec: &mut CustomResourceDefinitionSpec) {
    let conversion = spec.conversion.get_or_insert_with(|| CustomResourceConversion {
        strategy: NONE.to_owned(),
        webhook: None,
    });
    let client = conversion.webhook.as_mut().and_then(|webhook| webhook.client_config.as_mut());
    if let Some(service) = client.and_then(|client| client.service.as_mut()) {
        service.port.get_or_insert(webhook::DEFAULT_PORT);
    }
}

pub(super) fn check(errors: &mut Errors, spec: &CustomResourceDefinitionSpec, options: &Options) {
    let Some(conversion) = &spec.conversion else { return };
    let at = At::root("spec");
    let at = at.field("conversion");
    let strategy_at = at.field("strategy");
    let preserves = spec.preserve_unknown_fields == Some(true);
    if preserves && conversion.strategy != NONE {
        let detail = "must be None if spec.preserveUnknownFields is true";
        errors.invalid(&strategy_at, &conversion.strategy, detail);
    }
    errors.required_one_of(&strategy_at, &conversion.strategy, &[NONE, WEBHOOK]);
    let webhook = conversion.webhook.as_ref();
    let client = webhook.and_then(|webhook| webhook.client_config.as_ref());
    let reviews = webhook.map(|webhook| webhook.conversion_review_versions.as_slice());
    let reviews = reviews.unwrap_or_default();
    let (client_at, reviews_at) =
        (at.field("webhookClientConfig"), at.field("conversionReviewVersions"));
    if conversion.strategy != WEBHOOK {
        let detail = "should not be set when strategy is not set to Webhook";
        if client.is_some() {
            errors.forbidden(&client_at, detail);
        }
        if !reviews.is_empty() {
            errors.forbidden(&reviews_at, detail);
        }
        return;
    }
    match client {
        Some(client) => check_client(errors, &client_at, client, options),
        None => errors.required(&client_at, "required when strategy is set to Webhook"),
    }
    check_reviews(errors, &reviews_at, reviews, options.requires_known_reviews);
    if spec.versions.len() > 1 {
        let detail = "conversion by a webhook is not supported where there are several versions";
        errors.invalid(&strategy_at, WEBHOOK, detail);
    }
}

fn check_client(errors: &mut Errors, at: &At<'_>, client: &WebhookClientConfig, options: &Options) {
    match (&client.url, &client.service) {
        (Some(url), None) => webhook::validate_url(errors, &at.field("url"), url),
        (None, Some(service)) => {
            let service = admission::ServiceReference {
                name: service.name.clone(),
                namespace: service.namespace.clone(),
                path: service.path.clone(),
                port: service.port,
            };
            webhook::validate_service(errors, &at.field("service"), &service);
        }
        _ => errors.required(at, "exactly one of url or service is required"),
    }
    let bundle = client.ca_bundle.as_ref().map(|bundle| bundle.0.as_slice()).unwrap_or_default();
    if !options.allows_bad_bundle && !bundle.is_empty() && !is_bundle(bundle) {
        let detail = "unable to load root certificates: data does not contain any valid RSA or \
                      ECDSA certificates";
        let value = format!("{} bytes", bundle.len());
        errors.invalid(&at.field("caBundle"), value, detail);
    }
}

fn is_bundle(bundle: &[u8]) -> bool {
    let blocks = pem::blocks(bundle);
    let mut certificates =
        blocks.iter().filter(|block| block.label == "CERTIFICATE" && !block.has_headers).peekable();
    certificates.peek().is_some()
        && certificates.all(|block| X509Certificate::from_der(&block.contents).is_ok())
}

fn check_reviews(errors: &mut Errors, all: &At<'_>, versions: &[String], requires_known: bool) {
    if versions.is_empty() {
        errors.required(all, "");
        return;
    }
    webhook::validate_version_names(errors, all, versions);
    if requires_known && !versions.iter().any(|version| REVIEWS.contains(&version.as_str())) {
        let detail = format!("must include at least one of {}", REVIEWS.join(", "));
        errors.invalid(all, json(&versions), detail);
    }
}

/// Whether a conversion names a review that is known, or none at all.
pub(super) fn knows_a_review(conversion: Option<&CustomResourceConversion>) -> bool {
    let webhook = conversion.and_then(|conversion| conversion.webhook.as_ref());
    webhook.is_none_or(|webhook| {
        let versions = &webhook.conversion_review_versions;
        versions.is_empty() || versions.iter().any(|it| REVIEWS.contains(&it.as_str()))
    })
}

pub(super) fn has_bad_bundle(conversion: Option<&CustomResourceConversion>) -> bool {
    let webhook = conversion.and_then(|conversion| conversion.webhook.as_ref());
    let client = webhook.and_then(|webhook| webhook.client_config.as_ref());
    let bundle = client.and_then(|client| client.ca_bundle.as_ref());
    bundle.is_some_and(|bundle| !bundle.0.is_empty() && !is_bundle(&bundle.0))
}
