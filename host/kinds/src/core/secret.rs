//! `Secret`: confidential key-value pairs.
//!
//! See <https://kubernetes.io/docs/concepts/configuration/secret/>.

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use meta::field::FieldError;
use meta::{Tree, names};

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
        "kubernetes.io/basic-auth" => {
            if missing("username") && missing("password") {
                errors.required(&at.key("username"), "");
                errors.required(&at.key("password"), "");
            }
        }
        "kubernetes.io/ssh-auth" => {
            if data
                .get("ssh-privatekey")
                .is_none_or(|key| key.0.is_empty())
            {
                errors.required(&at.key("ssh-privatekey"), "");
            }
        }
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"]
                .into_iter()
                .filter(|key| missing(key))
            {
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
        Err(error) if error.is_eof() => "unexpected end of JSON input".to_owned(),
        Err(_) => "invalid character in JSON".to_owned(),
    };
    errors.invalid(&at, "<secret contents redacted>", problem);
}
