//! The parameters with which a binding uses a policy.

use k8s_openapi::api::admissionregistration::v1::{ParamKind, ParamRef};
use kinds::AnyKind;
use kinds::wire::OrEmpty as _;
use meta::{GroupVersion, Key, Tree};
use store::Entry;

use super::asked::Asked;
use super::objects::selector;

/// The parameters to evaluate the policy with, one after the other; none stands for a policy or a binding without parameters. No
/// parameters at all mean that the binding demands nothing.
pub(super) fn collect(
    asked: &Asked<'_>,
    kind: Option<&ParamKind>,
    given: Option<&ParamRef>,
) -> Result<Vec<Option<Tree>>, String> {
    let (Some(kind), Some(given)) = (kind, given) else { return Ok(vec![None]) };
    let (version, name) = (kind.api_version.or_empty(), kind.kind.or_empty());
    let group_version = GroupVersion::parse(version).unwrap_or_default();
    let found = asked.kinds.find_kind(&group_version.group, &group_version.version, name);
    let found = found.filter(|kind| kind.info().has_verb(kinds::Verb::List));
    let Some(found) = found.map(|kind| &**kind) else {
        return Err(format!("paramKind kind `{version}, Kind={name}` not known"));
    };
    let namespace = namespace(asked, found, given.namespace.or_empty())?;
    let params = match (given.name.or_empty(), &given.selector) {
        ("", None) => return Err("one of name or selector must be provided".to_owned()),
        ("", Some(labels)) => selected(asked, found, namespace, labels)?,
        (name, _) => named(asked, found, namespace, name)?,
    };
    if params.is_empty() && given.parameter_not_found_action.as_deref() == Some("Deny") {
        return Err(
            "no params found for policy binding with `Deny` parameterNotFoundAction".to_owned()
        );
    }
    Ok(params.into_iter().map(Some).collect())
}

/// Where the parameters are: where the binding says, or in the namespace of the request.
fn namespace<'a>(
    asked: &'a Asked<'_>,
    kind: &dyn AnyKind,
    given: &'a str,
) -> Result<&'a str, String> {
    if !kind.info().namespaced {
        return match given {
            "" => Ok(""),
            _ => Err("paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
                .to_owned()),
        };
    }
    match (given, asked.namespace) {
        ("", "") => Err("cannot use namespaced paramRef in policy binding that matches \
                         cluster-scoped resources"
            .to_owned()),
        ("", own) => Ok(own),
        (given, _) => Ok(given),
    }
}

fn named(
    asked: &Asked<'_>,
    kind: &dyn AnyKind,
    namespace: &str,
    name: &str,
) -> Result<Vec<Tree>, String> {
    let key = Key::new(&kind.info().storage_resource(), namespace, name);
    let snapshot = asked.state.store.snapshot();
    let entry = snapshot.get(key.as_str()).filter(|_| !name.contains('/'));
    entry.map(|entry| served(kind, entry)).into_iter().collect()
}

fn selected(
    asked: &Asked<'_>,
    kind: &dyn AnyKind,
    namespace: &str,
    labels: &meta::LabelSelector,
) -> Result<Vec<Tree>, String> {
    let selector = selector(Some(labels))?;
    let within = kind.info().namespaced.then_some(namespace);
    let prefix = Key::prefix(&kind.info().storage_resource(), within);
    let snapshot = asked.state.store.snapshot();
    let found = snapshot.range(&prefix, None).filter(|entry| selector.matches(&entry.attributes));
    found.map(|entry| served(kind, entry)).collect()
}

fn served(kind: &dyn AnyKind, entry: &Entry) -> Result<Tree, String> {
    let mut tree: Tree = serde_json::from_slice(&entry.body).map_err(|error| error.to_string())?;
    if !kind.is_stored_as_served() {
        kind.rewrite_to_served(&mut tree);
    }
    Ok(tree)
}
