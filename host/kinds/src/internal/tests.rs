use serde_json::json;

use super::*;

#[test]
fn every_field_is_shown_under_its_name_in_go() {
    let shown = value("@SeccompProfile", &json!({ "type": "Unconfined", "localhostProfile": "a" }));
    assert_eq!(shown, BadValue::Json(r#"{"Type":"Unconfined","LocalhostProfile":"a"}"#.to_owned()));
    let shown = value("[@PodIP", &json!([{ "ip": "10.0.0.1" }]));
    assert_eq!(shown, BadValue::Json(r#"[{"IP":"10.0.0.1"}]"#.to_owned()));
}

#[test]
fn a_difference_is_shown_in_its_surroundings() {
    let old = json!({ "containers": [], "hostname": "a", "dnsPolicy": "ClusterFirst" });
    let new = json!({ "containers": [], "hostname": "b", "dnsPolicy": "ClusterFirst" });
    let expected = concat!(
        "@@ -16,7 +16,7 @@\n",
        "  \"ShareProcessNamespace\": null,\n",
        "  \"SecurityContext\": null,\n",
        "  \"ImagePullSecrets\": null,\n",
        "- \"Hostname\": \"a\",\n",
        "+ \"Hostname\": \"b\",\n",
        "  \"Subdomain\": \"\",\n",
        "  \"Affinity\": null,\n",
        "  \"SchedulerName\": \"\",\n",
    );
    let diff = diff("PodSpec", &old, &new);
    assert!(diff.ends_with(&expected[expected.find('\n').unwrap_or_default()..]), "{diff}");
}
