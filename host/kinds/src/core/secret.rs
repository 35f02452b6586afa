//! `Secret`: confidential key-value pairs.
//!
//! See <https://kubernetes.io/docs/concepts/configuration/secret/>.

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use meta::field::FieldError;
use meta::{Tree, decode, names};

use super::config_map::{BYTES_MAX, FROZEN};
use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::{OrEmpty, default_text};
use crate::{Kind, KindInfo};

impl Kind for Secret {
    const INFO: KindInfo = KindInfo {
        singular: "secret",
        type_name: "io.k8s.api.core.v1.Secret",
        selectable: &["type"],
        columns: &[
            columns::NAME,
            Column::of::<Self>("Type", "type"),
            Column::of::<Self>("Data", "data"),
            columns::AGE,
        ],
        ..KindInfo::namespaced::<Self>()
    };

    /// Texts that clients give in the clear become data.
    fn set_defaults(&mut self) {
        default_text(&mut self.type_, "Opaque");
        for (key, text) in self.string_data.take().unwrap_or_default() {
            let data = self.data.get_or_insert_default();
            data.insert(key, ByteString(text.into_bytes()));
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_data(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        errors.immutable(&At::root("type"), &self.type_, &old.type_);
        if old.immutable == Some(true) {
            if self.immutable != Some(true) {
                errors.forbidden(&At::root("immutable"), FROZEN);
            }
            if self.data.or_empty() != old.data.or_empty() {
                errors.forbidden(&At::root("data"), FROZEN);
            }
        }
        validate_data(&mut errors, self);
        errors.into_list()
    }

    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        let is_pair = self.type_.or_empty() == "kubernetes.io/tls";
        if is_pair { tls_problem(self).into_iter().collect() } else { Vec::new() }
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("type", self.type_.clone().unwrap_or_default())]
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(self.type_.or_empty()),
            Tree::from(self.data.or_empty().len()),
            columns::age(&self.metadata, now),
        ]
    }
}

const ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";

fn validate_data(errors: &mut Errors, secret: &Secret) {
    let (data, at) = (secret.data.or_empty(), At::root("data"));
    for key in data.keys() {
        errors.invalid_each(&at.key(key), key, names::is_config_map_key(key));
    }
    if data.values().map(|value| value.0.len()).sum::<usize>() > BYTES_MAX {
        errors.too_long(&at, BYTES_MAX);
    }
    let missing = |key: &str| !data.contains_key(key);
    let is_empty = |key: &str| data.get(key).is_none_or(|value| value.0.is_empty());
    match secret.type_.or_empty() {
        "kubernetes.io/service-account-token" => {
            let annotations = secret.metadata.annotations.or_empty();
            if annotations.get(ACCOUNT_NAME).is_none_or(String::is_empty) {
                let metadata = At::root("metadata");
                let annotations_at = metadata.field("annotations");
                errors.required(&annotations_at.key(ACCOUNT_NAME), "");
            }
        }
        "kubernetes.io/dockercfg" => json_object(errors, &at, secret, ".dockercfg"),
        "kubernetes.io/dockerconfigjson" => {
            json_object(errors, &at, secret, ".dockerconfigjson");
        }
        "kubernetes.io/basic-auth" if missing("username") && missing("password") => {
            errors.required(&at.key("username"), "");
            errors.required(&at.key("password"), "");
        }
        "kubernetes.io/ssh-auth" if is_empty("ssh-privatekey") => {
            errors.required(&at.key("ssh-privatekey"), "");
        }
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"].into_iter().filter(|key| missing(key)) {
                errors.required(&at.key(key), "");
            }
        }
        _ => {}
    }
}

fn json_object(errors: &mut Errors, at: &At<'_>, secret: &Secret, key: &str) {
    let at = at.key(key);
    let Some(text) = secret.data.or_empty().get(key) else {
        errors.required(&at, "");
        return;
    };
    // What is in a secret is nothing for error messages.
    let problem = match serde_json::from_slice::<Tree>(&text.0) {
        Ok(Tree::Object(_) | Tree::Null) => return,
        Ok(other) => {
            let kind = match other {
                Tree::Bool(_) => "bool",
                Tree::Number(_) => "number",
                Tree::String(_) => "string",
                _ => "array",
            };
            format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")
        }
        Err(_) => match decode::parse_json(&text.0) {
            Err(problem) => problem.to_string(),
            Ok(_) => return,
        },
    };
    errors.invalid(&at, "<secret contents redacted>", problem);
}

/// Why no server could use the certificate and the key. Whether they belong together is not looked into.
fn tls_problem(secret: &Secret) -> Option<String> {
    let blocks = |key: &str| -> Vec<String> {
        let data = secret.data.or_empty().get(key);
        let text = data.map(|data| String::from_utf8_lossy(&data.0).into_owned());
        let text = text.unwrap_or_default();
        let begins = text.lines().filter_map(|line| line.trim().strip_prefix("-----BEGIN "));
        begins.filter_map(|rest| Some(rest.strip_suffix("-----")?.to_owned())).collect()
    };
    let certificates = blocks("tls.crt");
    if certificates.is_empty() {
        return Some("tls: failed to find any PEM data in certificate input".to_owned());
    }
    if !certificates.iter().any(|kind| kind == "CERTIFICATE") {
        return Some(if matches!(&certificates[..], [only] if only.ends_with("PRIVATE KEY")) {
            "tls: failed to find certificate PEM data in certificate input, but did find a private \
             key; PEM inputs may have been switched"
                .to_owned()
        } else {
            format!(
                "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping \
                 PEM blocks of the following types: [{}]",
                certificates.join(" ")
            )
        });
    }
    let keys = blocks("tls.key");
    let is_key = |kind: &String| kind == "PRIVATE KEY" || kind.ends_with(" PRIVATE KEY");
    if keys.iter().any(is_key) {
        return None;
    }
    Some(match &keys[..] {
        [] => "tls: failed to find any PEM data in key input".to_owned(),
        [only] if only == "CERTIFICATE" => {
            "tls: found a certificate rather than a key in the PEM for the private key".to_owned()
        }
        others => format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after \
             skipping PEM blocks of the following types: [{}]",
            others.join(" ")
        ),
    })
}
