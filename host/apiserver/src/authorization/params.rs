//! Who makes a policy that reads parameters, or binds one to them, must be able to read them: else the policy would tell what they say.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#parameter-resources>.

use meta::field::{FieldError, Path};
use meta::{GroupKind, GroupResource, GroupVersion, Key, StatusError, Tree};

use crate::request::ResourceRequest;
use crate::seams::{Attempt, Identity, ResourceAttempt};
use crate::state::State;

const GROUP: &str = "admissionregistration.k8s.io";
/// What stands for whatever is not known.
const ALL: &str = "*";

/// Refuses a policy or a binding by somebody who may not read its parameters. Objects of other resources pass.
pub(crate) async fn check(
    state: &State,
    identity: &Identity,
    request: &ResourceRequest,
    new: &Tree,
    old: Option<&Tree>,
) -> Result<(), StatusError> {
    if request.group != GROUP || !request.subresource.is_empty() {
        return Ok(());
    }
    // Whose reading was checked once is not checked again.
    let changed =
        |pointer: &str| old.is_none_or(|old| old.pointer(pointer) != new.pointer(pointer));
    let (kind, policies) = match request.resource.as_str() {
        "validatingadmissionpolicies" => ("ValidatingAdmissionPolicy", None),
        "mutatingadmissionpolicies" => ("MutatingAdmissionPolicy", None),
        "validatingadmissionpolicybindings" => {
            ("ValidatingAdmissionPolicyBinding", Some("validatingadmissionpolicies"))
        }
        "mutatingadmissionpolicybindings" => {
            ("MutatingAdmissionPolicyBinding", Some("mutatingadmissionpolicies"))
        }
        _ => return Ok(()),
    };
    let problem = match policies {
        None if changed("/spec/paramKind") => policy_problem(state, identity, new).await,
        Some(policies) if changed("/spec/paramRef") || changed("/spec/policyName") => {
            binding_problem(state, identity, new, policies).await
        }
        _ => None,
    };
    match problem {
        None => Ok(()),
        Some(error) => {
            let name = text(new, "/metadata/name");
            Err(StatusError::invalid(&GroupKind::new(GROUP, kind), name, &[error]))
        }
    }
}

fn text<'a>(tree: &'a Tree, pointer: &str) -> &'a str {
    tree.pointer(pointer).and_then(Tree::as_str).unwrap_or_default()
}

/// The resource of a kind of parameters, as an authorizer knows it.
struct Params {
    group: String,
    version: String,
    resource: String,
}

fn params_of(state: &State, policy: &Tree) -> Option<Params> {
    let (api_version, kind) =
        (text(policy, "/spec/paramKind/apiVersion"), text(policy, "/spec/paramKind/kind"));
    let parsed = GroupVersion::parse(api_version)?;
    let kinds = state.kinds();
    let found = kinds.find_kind(&parsed.group, &parsed.version, kind);
    Some(Params {
        resource: found.map_or(ALL, |kind| kind.info().plural).to_owned(),
        group: parsed.group.to_string(),
        version: parsed.version.to_string(),
    })
}

async fn may(
    state: &State,
    identity: &Identity,
    verb: &str,
    params: &Params,
    (namespace, name): (&str, &str),
) -> bool {
    let resource = ResourceAttempt {
        group: &params.group,
        version: &params.version,
        resource: &params.resource,
        namespace,
        name,
        ..ResourceAttempt::default()
    };
    let attempt = Attempt { identity, verb, resource: Some(resource), path: "" };
    state.authorizer.authorize(&attempt).await.is_allowed()
}

async fn policy_problem(state: &State, identity: &Identity, policy: &Tree) -> Option<FieldError> {
    policy.pointer("/spec/paramKind")?;
    let params = params_of(state, policy)?;
    if may(state, identity, "get", &params, (ALL, ALL)).await {
        return None;
    }
    let text = format!(
        "user {} must have \"get\" permission on all objects of the referenced paramKind (kind={}, apiVersion={})",
        identity.name,
        text(policy, "/spec/paramKind/kind"),
        text(policy, "/spec/paramKind/apiVersion")
    );
    Some(FieldError::forbidden(&Path::new("spec.paramKind"), text))
}

async fn binding_problem(
    state: &State,
    identity: &Identity,
    binding: &Tree,
    policies: &'static str,
) -> Option<FieldError> {
    let given = binding.pointer("/spec/paramRef")?;
    let key = Key::new(&GroupResource::new(GROUP, policies), "", text(binding, "/spec/policyName"));
    let snapshot = state.store.snapshot();
    let policy: Option<Tree> =
        snapshot.get(key.as_str()).and_then(|entry| serde_json::from_slice(&entry.body).ok());
    let unknown =
        || Params { group: ALL.to_owned(), version: ALL.to_owned(), resource: ALL.to_owned() };
    let params = policy.and_then(|policy| params_of(state, &policy)).unwrap_or_else(unknown);
    let verb = if given.get("selector").is_some() { "list" } else { "get" };
    let or_all = |text: &str| if text.is_empty() { ALL.to_owned() } else { text.to_owned() };
    let (namespace, name) = (or_all(text(given, "/namespace")), or_all(text(given, "/name")));
    if may(state, identity, verb, &params, (&namespace, &name)).await {
        return None;
    }
    let text = format!(
        "user {} does not have \"{verb}\" permission on the object referenced by paramRef",
        identity.name
    );
    Some(FieldError::forbidden(&Path::new("spec.paramRef"), text))
}
