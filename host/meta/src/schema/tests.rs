#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const TABLE: &str = "\
T\tk8s.io/api/x/v1\tPod\tio.k8s.api.x.v1.Pod\t
F\tspec\t@1\tz\t2\t
F\treplicas\t*i\tp\t1\tdefault=1
T\tk8s.io/api/x/v1\tPodSpec\tio.k8s.api.x.v1.PodSpec\tatomic
F\tcontainers\t[@0\ta\t2\tlistType=map;keys=name,port;patchStrategy=merge,retainKeys;mergeKey=name
F\tnodeSelector\t{s\tz\t7\tmapType=atomic
F\tfinalizers\t[s\tz\t14\tlistType=set;patchStrategy=merge;default={\"a\":\";\"}
";

#[test]
fn reads_the_table() {
    let schema = Schema::from_facts(TABLE).unwrap();
    let id = schema.find("io.k8s.api.x.v1.Pod").unwrap();
    let pod = schema.get(id).unwrap();
    assert_eq!((&*pod.name, pod.atomic), ("Pod", false));
    assert_eq!(pod.fields().iter().map(|f| &*f.name).collect::<Vec<_>>(), ["spec", "replicas"]);
    let replicas = pod.field("replicas").unwrap();
    assert_eq!((&replicas.ty, replicas.presence), (&TypeRef::Int32, Presence::OmitNull));
    assert_eq!((replicas.pointer, &replicas.default), (true, &Some(1.into())));

    let spec = schema.resolve(&pod.field("spec").unwrap().ty).unwrap();
    assert!(spec.atomic);
    let containers = spec.field("containers").unwrap();
    assert_eq!(containers.facts.list, ListType::Map(Box::new(["name".into(), "port".into()])));
    assert!(containers.facts.patch.merge && containers.facts.patch.retain_keys);
    assert_eq!(containers.facts.merge_key.as_deref(), Some("name"));
    assert_eq!(spec.field("nodeSelector").unwrap().facts.atomic, Some(true));
    let finalizers = spec.field("finalizers").unwrap();
    assert_eq!(finalizers.facts.list, ListType::Set);
    assert_eq!(finalizers.default, Some(serde_json::json!({"a": ";"})));
    assert!(spec.field("none").is_none());
}

#[test]
fn refuses_other_tables() {
    let check = |table: &str, line: usize, problem: &'static str| {
        assert_eq!(Schema::from_facts(table).unwrap_err(), FactsError { line, problem });
    };
    check("X\ta", 1, "neither a struct nor a field");
    check("F\ta\ts\tz\t0\t", 1, "field before struct");
    check("T\tp\tA\tA\t\nF\ta\tQ\tz\t0\t", 2, "unknown type");
    check("T\tp\tA\tA\t\nF\ta\ts\ty\t0\t", 2, "unknown presence");
    check("T\tp\tA\tA\t\nF\ta\t@7\tz\t0\t", 0, "a type refers to a missing struct");
    check("T\tp\tA\tA\t\nF\ta\t[s\tz\t0\tlistType=odd", 2, "unknown fact");
}

/// The table that the built-in kinds are served with follows the format.
#[test]
fn reads_the_published_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../kinds/facts/fields.tsv");
    let schema = Schema::from_facts(&std::fs::read_to_string(path).unwrap()).unwrap();
    let pod = schema.find("io.k8s.api.core.v1.PodSpec").unwrap();
    let containers = schema.get(pod).unwrap().field("containers").unwrap();
    assert_eq!(containers.facts.merge_key.as_deref(), Some("name"));
}
