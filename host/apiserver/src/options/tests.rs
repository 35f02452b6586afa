use super::*;

fn list(query: &str) -> Result<ListOptions, String> {
    ListOptions::read(&Query::parse(query), false).map_err(|error| error.message().to_owned())
}

fn watch(query: &str) -> Result<ListOptions, String> {
    ListOptions::read(&Query::parse(query), true).map_err(|error| error.message().to_owned())
}

#[test]
fn checks_options_of_lists() {
    let refused = "ListOptions.meta.k8s.io \"\" is invalid: ";
    for (query, expected) in [
        (
            "resourceVersionMatch=Exact",
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            "resourceVersionMatch=Exact&resourceVersion=0",
            "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
        (
            "resourceVersionMatch=X&resourceVersion=1",
            "resourceVersionMatch: Unsupported value: \"X\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
        ),
        (
            "sendInitialEvents=true",
            "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list",
        ),
    ] {
        assert_eq!(list(query).expect_err("refused"), format!("{refused}{expected}"), "{query}");
    }
    assert_eq!(list("limit=-3").expect("valid").limit, 0);
}

#[test]
fn checks_options_of_watches() {
    let refused = "ListOptions.meta.k8s.io \"\" is invalid: ";
    for (query, expected) in [
        (
            "sendInitialEvents=true",
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            "resourceVersionMatch=NotOlderThan&resourceVersion=5",
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
    ] {
        assert_eq!(watch(query).expect_err("refused"), format!("{refused}{expected}"), "{query}");
    }
}

#[test]
fn begins_watches_from_anywhere_with_what_is_there() {
    for query in ["", "resourceVersion=0"] {
        assert_eq!(watch(query).expect("valid").initial_events, Some(true), "{query}");
    }
    assert_eq!(watch("resourceVersion=7").expect("valid").initial_events, None);
    let explicit =
        watch("sendInitialEvents=false&resourceVersionMatch=NotOlderThan").expect("valid");
    assert_eq!(explicit.initial_events, Some(false));
}

#[test]
fn reads_options_of_deletions() {
    let read = |query: &str| {
        DeleteOptions::from_query(&Query::parse(query)).map_err(|error| error.message().to_owned())
    };
    assert_eq!(
        read("propagationPolicy=Orphan&gracePeriodSeconds=5").expect("valid").policy,
        Some(Policy::Orphan)
    );
    assert_eq!(read("orphanDependents=maybe").expect("valid").orphan, Some(true));
    assert_eq!(
        read("gracePeriodSeconds=soon").expect_err("refused"),
        "strconv.ParseInt: parsing \"soon\": invalid syntax"
    );
    assert_eq!(
        read("propagationPolicy=Sideways").expect_err("refused"),
        "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Sideways\": supported values: \"Foreground\", \
         \"Background\", \"Orphan\", \"nil\""
    );
    assert_eq!(
        read("dryRun=all").expect_err("refused"),
        "DeleteOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"all\"]: supported values: \"All\""
    );
    let unreadable = "ignoreStoreReadErrorWithClusterBreakingPotential";
    assert!(read(&format!("{unreadable}=true&dryRun=All")).expect("valid").unreadable);
    assert!(!read(&format!("{unreadable}=false&gracePeriodSeconds=0")).expect("valid").unreadable);
    assert_eq!(
        read(&format!("{unreadable}=true&gracePeriodSeconds=0")).expect_err("refused"),
        format!(
            "DeleteOptions.meta.k8s.io \"\" is invalid: {unreadable}: Invalid value: true: cannot be set together with .gracePeriodSeconds"
        )
    );
    let body = serde_json::json!({ "dryRun": ["All"], "preconditions": { "uid": "u" }, "propagationPolicy": "Foreground" });
    let options = DeleteOptions::from_tree(&body).expect("valid");
    assert!(options.dry_run);
    assert_eq!((options.uid.as_deref(), options.policy), (Some("u"), Some(Policy::Foreground)));
}
