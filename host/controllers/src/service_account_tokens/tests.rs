use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::laws::told;
use crate::laws::world::World;

/// What is done at a second about a Secret that names account `a`, created at second 0, with these annotations and data beside.
fn planned(account: Option<&str>, uid: Option<&str>, data: serde_json::Value, second: i64) -> Plan {
    let mut world = World::new(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second));
    if let Some(uid) = account {
        world.put::<ServiceAccount>(
            json!({"metadata": {"name": "a", "namespace": "n", "uid": uid}}),
        );
    }
    let mut notes = json!({ACCOUNT_NAME: "a"});
    if let Some(uid) = uid {
        notes[ACCOUNT_UID] = uid.into();
    }
    world.put::<Secret>(json!({
        "type": "kubernetes.io/service-account-token",
        "metadata": {
            "name": "s", "namespace": "n", "annotations": notes,
            "creationTimestamp": Timestamp::UNIX_EPOCH.to_string(),
        },
        "data": data,
    }));
    told::plan(&ServiceAccountTokens, &world, "n/s")
}

#[test]
fn a_secret_gets_the_token_of_its_account() {
    let plan = planned(Some("u"), None, json!({"mine": "AA=="}), 0);
    let [Action::IssueToken { secret, account }] = plan.actions.as_slice() else {
        panic!("a token is issued: {plan:?}");
    };
    assert_eq!((note(secret, ACCOUNT_UID), account.uid.as_str()), ("u", "u"));
    assert_eq!(value(secret, "namespace"), b"n");
    assert_eq!(value(secret, "mine"), [0], "what else is in it stays");
}

#[test]
fn a_filled_secret_is_left_alone() {
    let full = json!({"token": "eA==", "namespace": "bg==", "ca.crt": "UEVN"});
    let plan = planned(Some("u"), Some("u"), full, 0);
    assert_eq!(told::told(&plan), "");
    let old = json!({"token": "eA==", "namespace": "bg==", "ca.crt": "eA=="});
    let plan = planned(Some("u"), Some("u"), old, 0);
    assert_eq!(told::told(&plan), "update s", "it trusts the authority of today");
}

#[test]
fn a_secret_goes_with_its_account() {
    assert_eq!(told::told(&planned(None, Some("u"), json!({}), 0)), "delete s");
    assert_eq!(told::told(&planned(Some("other"), Some("u"), json!({}), 0)), "delete s");
    let early = planned(None, None, json!({}), 4);
    assert_eq!(told::told(&early), "", "the account may only not be seen yet");
    assert_eq!(early.wake_after, Some(std::time::Duration::from_secs(6)));
    assert_eq!(told::told(&planned(None, None, json!({}), 10)), "delete s");
}
