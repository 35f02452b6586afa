//! Webhooks: those that change are asked one after the other, each about what the one before left; those that only refuse are asked together.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use meta::{StatusError, patch};

use super::asked::Asked;
use super::compiled::Webhook;
use super::configured::Configured;
use super::evaluate::{Evaluation, Met};
use super::matching::Matched;
use super::objects::{Objects, convert, defaulted};
use super::review::{self, Review, Verdict};
use super::{Turn, client};

/// So many webhooks are asked about one request at a time.
const TOGETHER_MAX: usize = 16;

/// Lets webhooks change the object.
pub(super) async fn mutate(
    configured: &Configured,
    asked: &Asked<'_>,
    objects: &mut Objects,
    turn: &mut Turn,
) -> Result<(), StatusError> {
    for webhook in &configured.mutating_webhooks {
        let who = format!("webhook {} {}", webhook.configuration, webhook.name);
        if !turn.calls(&who) {
            continue;
        }
        let Some(meant) = meant(webhook, asked, objects).await? else { continue };
        let Some(verdict) = ask(webhook, asked, &meant, true).await? else { continue };
        let before = objects.object.clone();
        apply(webhook, asked, &meant, &verdict, objects)?;
        turn.note(who, objects.object != before, webhook.again);
    }
    Ok(())
}

/// Asks all webhooks that may refuse the request; of several refusals the first one counts.
pub(super) async fn validate(
    configured: &Configured,
    asked: &Asked<'_>,
    objects: &Objects,
) -> Result<(), StatusError> {
    let mut all = Vec::new();
    for webhook in &configured.validating_webhooks {
        if let Some(meant) = meant(webhook, asked, objects).await? {
            all.push((webhook, meant));
        }
    }
    let mut asking: Vec<BoxFuture<'_, Result<Option<Verdict>, StatusError>>> = Vec::new();
    for (webhook, meant) in &all {
        asking.push(Box::pin(ask(webhook, asked, meant, false)));
    }
    let answers: Vec<_> = stream::iter(asking).buffered(TOGETHER_MAX).collect().await;
    answers.into_iter().try_for_each(|answer| answer.map(drop))
}

/// A request that a webhook is asked about.
struct Meant {
    matched: Matched,
    objects: Objects,
}

/// Whether a webhook is asked, and as what the request is shown to it.
async fn meant(
    webhook: &Webhook,
    asked: &Asked<'_>,
    objects: &Objects,
) -> Result<Option<Meant>, StatusError> {
    let matched = match &webhook.matcher {
        Ok(matcher) => matcher.matches(asked, objects)?,
        Err(problem) => return Err(StatusError::internal(problem)),
    };
    let Some(matched) = matched else { return Ok(None) };
    let objects = match matched.conversion(asked) {
        Some((own, other)) => objects.converted(&*own, &*other),
        None => objects.clone(),
    };
    let conditions = webhook.conditions();
    if !conditions.is_empty() {
        let mut evaluation = Evaluation::new(asked, &matched, &objects);
        match evaluation.met(conditions).await {
            Met::Yes => {}
            Met::Unknown(text) if webhook.fails => return Err(asked.forbid(&text)),
            Met::No | Met::Unknown(_) => return Ok(None),
        }
    }
    Ok(Some(Meant { matched, objects }))
}

/// Asks a webhook. No answer from one that may fail is none.
async fn ask(
    webhook: &Webhook,
    asked: &Asked<'_>,
    meant: &Meant,
    mutating: bool,
) -> Result<Option<Verdict>, StatusError> {
    let quoted = meta::quote(&webhook.name);
    if asked.dry_run && !webhook.dry_run {
        return Err(StatusError::bad_request(format!(
            "admission webhook {quoted} does not support dry run"
        )));
    }
    let verdict = match called(webhook, asked, meant, mutating).await {
        Ok(verdict) => verdict,
        Err(problem) if webhook.fails => {
            tracing::warn!(webhook = webhook.name, problem, "a webhook failed");
            return Err(StatusError::internal(format!(
                "failed calling webhook {quoted}: {problem}"
            )));
        }
        Err(problem) => {
            tracing::warn!(webhook = webhook.name, problem, "a webhook failed, which is ignored");
            return Ok(None);
        }
    };
    asked.warnings.extend(verdict.warnings.iter().cloned());
    if verdict.allowed {
        Ok(Some(verdict))
    } else {
        Err(review::denial(&webhook.name, verdict.status))
    }
}

async fn called(
    webhook: &Webhook,
    asked: &Asked<'_>,
    meant: &Meant,
    mutating: bool,
) -> Result<Verdict, String> {
    let review = Review::new(&webhook.versions, asked, &meant.matched, &meant.objects)?;
    let within = Duration::from_secs(webhook.timeout_secs);
    let body = client::call(&webhook.client, asked.state, &review.body, within)
        .await
        .map_err(|problem| format!("failed to call webhook: {problem}"))?;
    review.verdict(&body, mutating)
}

/// Does to the object what a webhook wants.
fn apply(
    webhook: &Webhook,
    asked: &Asked<'_>,
    meant: &Meant,
    verdict: &Verdict,
    objects: &mut Objects,
) -> Result<(), StatusError> {
    let Some(bytes) = &verdict.patch else { return Ok(()) };
    let wanted = patch::json::Patch::parse(bytes).map_err(StatusError::internal)?;
    if wanted == patch::json::Patch::default() {
        return Ok(());
    }
    let Some(mut tree) = meant.objects.object.clone() else {
        return Err(StatusError::internal(format!(
            "admission webhook {} attempted to modify the object, which is not supported for this \
             operation",
            meta::quote(&webhook.name)
        )));
    };
    wanted.apply(&mut tree).map_err(StatusError::internal)?;
    let tree = match (&asked.stored, &meant.matched.shown_as) {
        (Some(own), Some(other)) => {
            other.canonicalize(&mut tree).map_err(StatusError::internal)?;
            let tree = defaulted(&tree, &**other).map_err(StatusError::internal)?;
            convert(&tree, &**other, &**own)
        }
        _ => tree,
    };
    objects.object = Some(tree);
    Ok(())
}
