use serde_json::json;

use super::{Options, Table, print};

fn printed(options: Options, prefix: Option<&str>) -> String {
    let table: Table = serde_json::from_value(json!({
        "columnDefinitions": [{"name": "Name"}, {"name": "Ready"}, {"name": "IP", "priority": 1}],
        "rows": [
            {"cells": ["web", 3, "100.64.0.1"], "object": {"metadata": {"namespace": "default", "labels": {"a": "b"}}}},
            {"cells": ["a-longer-name", null, "100.64.0.2"], "object": {"metadata": {"namespace": "other"}}},
        ],
    }))
    .expect("a table");
    let mut out = Vec::new();
    print(&mut out, &table.lines(options, prefix)).expect("memory takes all");
    String::from_utf8(out).expect("text")
}

#[test]
fn columns_are_aligned_and_wide_ones_hidden() {
    let options = Options { headers: true, ..Options::default() };
    assert_eq!(
        printed(options, None),
        "NAME            READY\nweb             3\na-longer-name   <none>\n"
    );
}

#[test]
fn no_list_is_an_empty_one() {
    let nothing = json!({"columnDefinitions": null, "rows": null});
    let table: Table = serde_json::from_value(nothing).expect("a table");
    assert!(table.rows.is_empty() && table.column_definitions.is_empty());
}

#[test]
fn options_add_columns() {
    let options = Options { headers: true, wide: true, namespaces: true, labels: true };
    assert_eq!(
        printed(options, Some("pod")),
        "NAMESPACE   NAME                READY    IP           LABELS\n\
         default     pod/web             3        100.64.0.1   a=b\n\
         other       pod/a-longer-name   <none>   100.64.0.2   <none>\n"
    );
}
