#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::needless_pass_by_value, reason = "cases read better without borrows")]

mod apply;
mod owners;
mod sets;
mod update;

use serde_json::{Value, json};

use super::{Context, FieldSet};
use crate::schema::{Schema, TypeRef};

const TABLE: &str = "\
T\tk8s.io/api/apps/v1\tDeployment\tDeployment\t
F\tapiVersion\ts\tz\t0\t
F\tkind\ts\tz\t0\t
F\tmetadata\t@1\ta\t1\t
F\tspec\t@2\ta\t2\t
F\tstatus\t@6\ta\t3\t
T\tk8s.io/apimachinery/pkg/apis/meta/v1\tObjectMeta\tObjectMeta\t
F\tname\ts\tz\t1\t
F\tnamespace\ts\tz\t1\t
F\tuid\ts\tz\t1\t
F\tlabels\t{s\tz\t2\t
F\tannotations\t{s\tz\t2\t
F\tfinalizers\t[s\tz\t3\tlistType=set
F\tcreationTimestamp\tt\tz\t3\t
F\tmanagedFields\t[x\tz\t4\tlistType=atomic
T\tk8s.io/api/apps/v1\tDeploymentSpec\tDeploymentSpec\t
F\treplicas\t*i\tp\t1\t
F\tselector\t*@3\tp\t2\t
F\tcontainers\t[@4\ta\t3\tlistType=map;keys=name
F\targs\t[s\tz\t4\t
F\tnodeSelector\t{s\tz\t5\tmapType=atomic
F\traw\tx\tz\t6\tstructType=granular
F\topaque\tx\tz\t6\t
F\tstrategy\t@7\ta\t7\t
F\treplies\t[@8\tz\t8\tlistType=map;keys=to
T\tk8s.io/api/apps/v1\tSelector\tSelector\tatomic
F\tmatchLabels\t{s\tz\t1\t
T\tk8s.io/api/core/v1\tContainer\tContainer\t
F\tname\ts\ta\t1\t
F\timage\ts\tz\t2\t
F\tports\t[@5\tz\t3\tlistType=map;keys=containerPort,protocol
T\tk8s.io/api/core/v1\tPort\tPort\t
F\tcontainerPort\ti\ta\t1\t
F\tprotocol\ts\tz\t2\tdefault=\"TCP\"
T\tk8s.io/api/apps/v1\tDeploymentStatus\tDeploymentStatus\t
F\tready\ti\tz\t1\t
T\tk8s.io/api/apps/v1\tStrategy\tStrategy\t
F\ttype\ts\tz\t1\t
T\tk8s.io/api/apps/v1\tReply\tReply\t
F\tto\ts\tz\t1\t
F\ttext\ts\tz\t2\t
";

fn schema() -> (Schema, TypeRef) {
    let schema = Schema::from_facts(TABLE).unwrap();
    let ty = TypeRef::Struct(schema.find("Deployment").unwrap());
    (schema, ty)
}

/// Runs with the context of a write by a manager at a second.
fn with<T>(manager: &str, second: i64, run: impl FnOnce(&Context<'_>) -> T) -> T {
    let (schema, ty) = schema();
    run(&Context {
        manager,
        api_version: "apps/v1",
        subresource: "",
        now: jiff::Timestamp::from_second(second).unwrap(),
        ty: &ty,
        schema: &schema,
        reset: None,
    })
}

fn deployment(spec: Value) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": spec,
    })
}

/// The object as it would be stored.
fn canonical(mut tree: Value) -> Value {
    let (schema, ty) = schema();
    crate::decode::canonicalize(&mut tree, &ty, &schema).unwrap();
    tree
}

/// `manager operation second: paths`, one line for each entry.
fn owners(object: &Value) -> Vec<String> {
    let entries = super::decode_entries(object).unwrap();
    entries
        .iter()
        .map(|entry| {
            let second =
                entry.time.parse::<jiff::Timestamp>().map_or(-1, jiff::Timestamp::as_second);
            let paths: Vec<_> = show(&entry.fields);
            let subresource = &entry.subresource;
            format!(
                "{} {:?} {subresource}{second}: {}",
                entry.manager,
                entry.operation,
                paths.join(" ")
            )
        })
        .collect()
}

fn show(set: &FieldSet) -> Vec<String> {
    set.paths().iter().map(|path| path.iter().map(ToString::to_string).collect()).collect()
}
