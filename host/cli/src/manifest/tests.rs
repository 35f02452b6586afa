use super::{Manifest, parse};

fn check(text: &str, expected: Result<&[&str], &str>) {
    let mut manifests = Vec::new();
    let result = parse(text, "file", &mut manifests);
    let found: Vec<String> = manifests
        .iter()
        .map(|it: &Manifest| format!("{} {} {}", it.api_version(), it.kind(), it.name()))
        .collect();
    match expected {
        Ok(expected) => {
            result.expect("it parses");
            assert_eq!(found, expected);
        }
        Err(expected) => {
            let error = format!("{:#}", result.expect_err("it is refused"));
            assert!(error.contains(expected), "{error}");
        }
    }
}

#[test]
fn documents() {
    check("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", Ok(&["v1 Pod a"]));
    check(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b}\n",
        Ok(&["v1 Pod a", "apps/v1 Deployment b"]),
    );
    check(
        r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}]}"#,
        Ok(&["v1 Pod a"]),
    );
    check("# nothing\n", Ok(&[]));
    check("kind: Pod\nmetadata: {name: a}\n", Err("apiVersion not set"));
    check("apiVersion: v1\nkind: Pod\n", Err("no metadata.name"));
    check("- 1\n", Err("a manifest is an object"));
    check("a: [\n", Err("cannot parse file"));
}
