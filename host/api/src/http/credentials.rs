//! The headers that say who is asking.

use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::Error;
use crate::kubeconfig::Target;

pub(super) struct Credentials {
    fixed: Option<HeaderValue>,
    /// Read for every request: tokens in files are short-lived and rotate underneath.
    token_file: Option<PathBuf>,
    impersonation: Vec<(HeaderName, HeaderValue)>,
}

impl Credentials {
    pub(super) fn new(target: &Target) -> Result<Self, Error> {
        let fixed = match (&target.token, &target.basic) {
            (Some(token), _) => Some(bearer(token)?),
            (None, Some((user, password))) => {
                let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
                let value = HeaderValue::from_str(&format!("Basic {pair}"));
                Some(secret(value.map_err(|_| Error::Header("the password"))?))
            }
            (None, None) => None,
        };
        let mut impersonation = Vec::new();
        for (name, value) in &target.impersonation {
            let name = name.parse().map_err(|_| Error::Header("an impersonation key"))?;
            let value = HeaderValue::from_str(value);
            impersonation.push((name, value.map_err(|_| Error::Header("an impersonation"))?));
        }
        Ok(Self { fixed, token_file: target.token_file.clone(), impersonation })
    }

    pub(super) async fn add_to(&self, headers: &mut HeaderMap) -> Result<(), crate::Error> {
        let mut value = self.fixed.clone();
        if let Some(file) = &self.token_file {
            let token = tokio::fs::read_to_string(file).await.map_err(crate::Error::encode)?;
            value = Some(bearer(token.trim()).map_err(crate::Error::encode)?);
        }
        if let Some(value) = value
            && !headers.contains_key(AUTHORIZATION)
        {
            headers.insert(AUTHORIZATION, value);
        }
        for (name, value) in &self.impersonation {
            headers.append(name.clone(), value.clone());
        }
        Ok(())
    }
}

fn bearer(token: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(&format!("Bearer {token}"))
        .map(secret)
        .map_err(|_| Error::Header("the token"))
}

fn secret(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}
