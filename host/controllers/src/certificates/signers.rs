//! What each of Kubernetes' signers demands of a request.
//!
//! The texts are Kubernetes' own: clients see them as the reason of a failure.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers>.

use std::collections::BTreeSet;

use kinds::certificates::pkcs10::Subject;

pub(super) const KUBELET_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";

/// A rule: what of a request is against it, if anything.
type Rule = fn(&Subject, &[String]) -> Result<(), String>;

const SIGNERS: [(&str, Rule); 4] = [
    ("kubernetes.io/kube-apiserver-client", client),
    (KUBELET_CLIENT, kubelet_client),
    ("kubernetes.io/kubelet-serving", kubelet_serving),
    // No new request can name it.
    ("kubernetes.io/legacy-unknown", |_, _| Ok(())),
];

/// The rule of a signer; none if it is not one of ours.
pub(super) fn rule(signer: &str) -> Option<Rule> {
    SIGNERS.iter().find(|(name, _)| *name == signer).map(|(_, rule)| *rule)
}

fn client(_: &Subject, usages: &[String]) -> Result<(), String> {
    const OTHERS: [&str; 3] = ["client auth", "digital signature", "key encipherment"];
    if let Some(usage) = usages.iter().find(|usage| !OTHERS.contains(&usage.as_str())) {
        return Err(format!("invalid usage for client certificate: {usage}"));
    }
    if !usages.iter().any(|usage| usage == "client auth") {
        return Err("missing required usage for client certificate: client auth".to_owned());
    }
    Ok(())
}

/// What the agent of a node shows to the API server.
pub(super) fn kubelet_client(subject: &Subject, usages: &[String]) -> Result<(), String> {
    in_nodes(subject)?;
    forbid(&subject.dns_names, "DNS")?;
    forbid(&subject.emails, "Email")?;
    forbid(&subject.addresses, "IP")?;
    forbid(&subject.uris, "URI")?;
    named_as_node(subject)?;
    exactly(usages, "client auth")
}

/// What the agent of a node shows to its clients.
fn kubelet_serving(subject: &Subject, usages: &[String]) -> Result<(), String> {
    in_nodes(subject)?;
    if subject.dns_names.is_empty() && subject.addresses.is_empty() {
        return Err("DNS or IP subjectAltName is required".to_owned());
    }
    forbid(&subject.emails, "Email")?;
    forbid(&subject.uris, "URI")?;
    exactly(usages, "server auth")?;
    named_as_node(subject)
}

fn in_nodes(subject: &Subject) -> Result<(), String> {
    if subject.organizations == ["system:nodes"] {
        Ok(())
    } else {
        Err("subject organization is not system:nodes".to_owned())
    }
}

fn named_as_node(subject: &Subject) -> Result<(), String> {
    if subject.common_name.starts_with("system:node:") {
        Ok(())
    } else {
        Err("subject common name does not begin with system:node:".to_owned())
    }
}

fn forbid<T>(names: &[T], what: &str) -> Result<(), String> {
    if names.is_empty() { Ok(()) } else { Err(format!("{what} subjectAltNames are not allowed")) }
}

/// A signature, this purpose, and for keys that can do it, encipherment.
fn exactly(usages: &[String], purpose: &str) -> Result<(), String> {
    let mut all = ["digital signature", "key encipherment", purpose];
    all.sort_unstable();
    let given: BTreeSet<&str> = usages.iter().map(String::as_str).collect();
    let with = BTreeSet::from(all);
    let without: BTreeSet<&str> =
        with.iter().copied().filter(|usage| *usage != "key encipherment").collect();
    if given == with || given == without {
        Ok(())
    } else {
        Err(format!("usages did not match [{}]", all.join(" ")))
    }
}
