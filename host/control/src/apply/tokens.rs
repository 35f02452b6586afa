//! What is done about Secrets that ask for a token: the authority, whose key is elsewhere, issues it.

use controllers::{Failure, Sourced, Target, Verb};
use http::Method;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::certificates::Holder;
use super::{Applier, Judged, Outcome, Result, item, shown};

impl Applier {
    /// Has a token issued, and writes it into its Secret.
    pub(super) async fn issue_token(&self, mut secret: Secret, account: &Target) -> Judged {
        let Some(signer) = &self.signer else {
            return Err(failed("nobody here issues tokens".to_owned()));
        };
        let token = signer.issue_token(&Holder {
            namespace: &account.namespace,
            account: &account.name,
            uid: &account.uid,
            secret: secret.metadata.name.as_deref().unwrap_or_default(),
        });
        match token {
            Ok(token) => {
                let data = secret.data.get_or_insert_default();
                data.insert("token".to_owned(), ByteString(token.into_bytes()));
                let mut object = secret.into_any();
                let path = item(&object, "");
                let made: Result<_> =
                    self.write(Verb::Change, Method::PUT, path, &mut object).await;
                self.judge(made.map(|made| shown(object.which(), &made)))
            }
            Err(error) => {
                tracing::warn!(error = &*error, "a token could not be issued");
                Err(failed(error.to_string()))
            }
        }
    }
}

fn failed(message: String) -> Outcome {
    Outcome::Failed(Failure { verb: Verb::Change, resource: Secret::resource(), message })
}
