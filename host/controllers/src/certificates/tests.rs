use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::approving::Approving;
use super::cleaning::Cleaning;
use super::signing::Signing;
use super::*;
use crate::laws::told;
use crate::laws::world::World;
use crate::{Action, Controller};

const NOW: &str = "2027-01-15T08:00:00Z";

fn world(text: &str, signer: &str, usages: &[&str], more: Value) -> World {
    let mut world = World::new(NOW.parse().expect("a time"));
    let mut tree = json!({
        "metadata": {"name": "r", "creationTimestamp": NOW},
        "spec": {"request": ByteString(text.into()), "usages": usages,
            "signerName": format!("kubernetes.io/{signer}"), "username": "system:node:edge-1"},
    });
    let Value::Object(more) = more else { panic!("members") };
    for (path, value) in more {
        let (parent, name) = path.rsplit_once('/').expect("a path");
        let parent = tree.pointer_mut(parent);
        parent.expect("it is there").as_object_mut().expect("members").insert(name.into(), value);
    }
    world.put::<CertificateSigningRequest>(tree);
    world
}

fn decided(type_: &str, at: &str) -> Value {
    json!({"conditions": [{"type": type_, "status": "True", "lastUpdateTime": at}]})
}

fn approved() -> Value {
    json!({"/status": decided("Approved", NOW)})
}

const NODE_USAGES: [&str; 2] = ["digital signature", "client auth"];
const KUBELET: &str = "kube-apiserver-client-kubelet";

/// What is asked about a request, in order.
fn asked(text: &str, signer: &str, usages: &[&str], more: Value) -> Vec<String> {
    let world = world(text, signer, usages, more);
    let plan = told::plan(&Approving, &world, "r");
    let approvals = plan.actions.into_iter().flat_map(|action| match action {
        Action::Approve { approvals } => approvals,
        other => panic!("{other:?}"),
    });
    let asks = approvals.map(|approval| {
        assert_eq!(
            approval.ask.user.as_deref(),
            world.all::<CertificateSigningRequest>()[0].spec.username.as_deref()
        );
        approval.ask.resource_attributes.and_then(|what| what.subresource).unwrap_or_default()
    });
    asks.collect()
}

#[test]
fn requests_of_nodes_are_approved_if_their_maker_may_make_them() {
    let none = || json!({});
    let node = samples::NODE;
    assert_eq!(asked(node, KUBELET, &NODE_USAGES, none()), ["selfnodeclient", "nodeclient"]);
    let token = json!({"/spec/username": "system:bootstrap:abc"});
    assert_eq!(asked(node, KUBELET, &NODE_USAGES, token), ["nodeclient"]);
    let nobody: [&str; 0] = [];
    assert_eq!(asked(node, KUBELET, &NODE_USAGES, approved()), nobody);
    let denied = json!({"/status": decided("Denied", NOW)});
    assert_eq!(asked(node, KUBELET, &NODE_USAGES, denied), nobody);
    assert_eq!(asked(node, KUBELET, &["client auth"], none()), nobody);
    assert_eq!(asked(node, "kubelet-serving", &NODE_USAGES, none()), nobody);
    assert_eq!(asked(samples::SERVING, KUBELET, &NODE_USAGES, none()), nobody);
    assert_eq!(asked(samples::CLIENT, KUBELET, &NODE_USAGES, none()), nobody);
}

#[test]
fn an_approval_says_why() {
    let world = world(samples::NODE, KUBELET, &NODE_USAGES, json!({}));
    let plan = told::plan(&Approving, &world, "r");
    let [Action::Approve { approvals }] = &plan.actions[..] else { panic!("{plan:?}") };
    let written = approvals[0].object.downcast().expect("a request");
    assert_eq!(
        serde_json::to_value(conditions(written)).expect("JSON"),
        json!([{"type": "Approved", "status": "True", "reason": "AutoApproved",
            "message": "Auto approving self kubelet client certificate after SubjectAccessReview.",
            "lastUpdateTime": NOW}])
    );
}

#[test]
fn approved_requests_are_signed() {
    let check = |text: &str, signer: &str, usages: &[&str], expected: &str| {
        let world = world(text, signer, usages, approved());
        let plan = told::plan(&Signing, &world, "r");
        let told = match &plan.actions[..] {
            [Action::UpdateStatus { object }] => {
                let request = object.downcast::<CertificateSigningRequest>().expect("a request");
                let last = conditions(request).last().expect("a condition");
                assert_eq!(last.reason.as_deref(), Some("SignerValidationFailure"));
                format!("{}: {}", last.type_, last.message.or_empty())
            }
            [Action::Sign { .. }] => "signed".to_owned(),
            _ => told::told(&plan),
        };
        assert_eq!(told, expected, "{signer} {usages:?}");
    };
    let client = "kube-apiserver-client";
    check(samples::CLIENT, client, &["client auth"], "signed");
    check(samples::CLIENT, client, &["client auth", "key encipherment"], "signed");
    check(
        samples::CLIENT,
        client,
        &["client auth", "server auth"],
        "Failed: invalid usage for client certificate: server auth",
    );
    check(
        samples::CLIENT,
        client,
        &["digital signature"],
        "Failed: missing required usage for client certificate: client auth",
    );
    check(samples::NODE, KUBELET, &NODE_USAGES, "signed");
    check(samples::SERVING, KUBELET, &NODE_USAGES, "Failed: DNS subjectAltNames are not allowed");
    check(
        samples::CLIENT,
        KUBELET,
        &NODE_USAGES,
        "Failed: subject organization is not system:nodes",
    );
    check(
        samples::NODE,
        KUBELET,
        &["server auth"],
        "Failed: usages did not match [client auth digital signature key encipherment]",
    );
    let serving = ["server auth", "digital signature", "key encipherment"];
    check(samples::SERVING, "kubelet-serving", &serving, "signed");
    check(
        samples::NODE,
        "kubelet-serving",
        &serving,
        "Failed: DNS or IP subjectAltName is required",
    );
    check(samples::CLIENT, "legacy-unknown", &["any"], "signed");
    check(samples::CLIENT, "somebody-else", &["client auth"], "");
}

#[test]
fn certificates_begin_in_the_past_and_end_within_a_year() {
    let check = |secs: Option<i32>, end: &str| {
        let more = json!({"/spec/expirationSeconds": secs, "/status": decided("Approved", NOW)});
        let world = world(samples::CLIENT, "kube-apiserver-client", &["client auth"], more);
        let plan = told::plan(&Signing, &world, "r");
        assert_eq!(told::told(&plan), format!("sign 2027-01-15T07:55:00Z {end}"), "{secs:?}");
    };
    check(None, "2028-01-15T07:55:00Z");
    check(Some(i32::MAX), "2028-01-15T07:55:00Z");
    check(Some(600), "2027-01-15T08:10:00Z");
    check(Some(7 * 3600), "2027-01-15T15:00:00Z");
    check(Some(8 * 3600), "2027-01-15T15:55:00Z");
}

#[test]
fn what_is_not_approved_or_done_already_is_not_signed() {
    for status in [
        json!({}),
        decided("Denied", NOW),
        json!({"conditions": [{"type": "Approved", "status": "True"},
            {"type": "Failed", "status": "True"}]}),
        json!({"conditions": [{"type": "Approved", "status": "True"}],
            "certificate": ByteString(samples::ISSUED.into())}),
    ] {
        let more = json!({"/status": status});
        let world = world(samples::CLIENT, "kube-apiserver-client", &["client auth"], more);
        assert_eq!(told::told(&told::plan(&Signing, &world, "r")), "");
    }
}

#[test]
fn requests_go_when_nobody_needs_them() {
    let check = |status: Value, created: &str, expected: Option<u64>| {
        let more = json!({"/status": status, "/metadata/creationTimestamp": created});
        let world = world(samples::CLIENT, "kube-apiserver-client", &["client auth"], more);
        let plan = told::plan(&Cleaning, &world, "r");
        match expected {
            Some(secs) => {
                assert_eq!(told::told(&plan), "", "{status}");
                assert_eq!(plan.wake_after.map(|wait| wait.as_secs()), Some(secs), "{status}");
            }
            None => assert_eq!(told::told(&plan), "delete r", "{status}"),
        }
    };
    let issued = |at: &str| {
        let mut status = decided("Approved", at);
        status["certificate"] = json!(ByteString(samples::ISSUED.into()));
        status
    };
    check(json!({}), NOW, Some(24 * 3600));
    check(json!({}), "2027-01-14T08:00:00Z", None);
    check(decided("Denied", NOW), "2027-01-01T00:00:00Z", Some(3600));
    check(decided("Denied", "2027-01-15T07:00:00Z"), NOW, None);
    check(decided("Failed", "2027-01-15T07:00:00Z"), NOW, None);
    // The certificate ends before the hour is over.
    check(issued(NOW), NOW, Some(30));
    check(issued("2027-01-15T07:00:00Z"), NOW, None);
    // Approved, but not signed: somebody may do it yet.
    let mut more = json!({"/status": decided("Approved", "2020-01-01T00:00:00Z")});
    more["/metadata/creationTimestamp"] = json!("2020-01-01T00:00:00Z");
    let world = world(samples::CLIENT, "kube-apiserver-client", &["client auth"], more);
    assert_eq!(told::plan(&Cleaning, &world, "r"), crate::Plan::default());
}

#[test]
fn names_are_those_of_kubernetes() {
    let names = [Approving.name(), Signing.name(), Cleaning.name()];
    let expected = ["approving", "signing", "cleaner"];
    assert_eq!(names, expected.map(|end| format!("certificatesigningrequest-{end}")));
}
