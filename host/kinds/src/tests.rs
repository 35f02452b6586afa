//! The table of kinds is complete, and every kind does what Kubernetes does with the objects in the files beside this one.
//!
//! * `golden/<group>.<Kind>.json` is an object as the server stores it; it must come through decoding, defaulting and encoding unchanged.
//!   Where two versions show the same objects, that of the version which is not stored is `golden/<group>.<version>.<Kind>.json`.
//! * `golden/rows.tsv` has its row.
//! * `create.tsv` has an object on each line, and the errors, warnings and defaults that creating it gives.
//! * `update.tsv` has objects, and below each what comes of changing it by a merge patch.
//!
//! All were compared with a real API server when they were written.

use std::path::PathBuf;

use meta::{GroupVersionKind, Tree, decode, patch};
use serde_json::json;

use crate::{AnyKind, Description, KindInfo, Object, Verb};

const NOW: &str = "2026-01-01T00:00:00Z";

fn file(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "src/tests", name].iter().collect();
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn name_of(kind: &dyn AnyKind) -> String {
    let info = kind.info();
    let group = if info.group.is_empty() { "core" } else { info.group };
    if info.stored_as.is_some_and(|stored| stored.group == info.group) {
        return format!("{group}.{}.{}", info.version, info.kind);
    }
    format!("{group}.{}", info.kind)
}

/// Kinds of which objects are stored; the others are questions that get an answer at once.
fn stored() -> impl Iterator<Item = &'static dyn AnyKind> {
    crate::all().iter().copied().filter(|kind| kind.info().has_verb(Verb::Get))
}

pub(crate) fn kind_of(tree: &Tree) -> &'static dyn AnyKind {
    let api_version = tree["apiVersion"].as_str().expect("an object has a version");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = tree["kind"].as_str().expect("an object has a kind");
    let gvk = GroupVersionKind::new(group.to_owned(), version.to_owned(), kind.to_owned());
    crate::find_kind(&gvk).unwrap_or_else(|| panic!("{gvk} is in the table"))
}

/// Decodes and defaults, as every write does.
pub(crate) fn read(mut tree: Tree) -> Box<dyn Object> {
    let kind = kind_of(&tree);
    let decoded = decode::canonicalize(&mut tree, kind.type_ref(), crate::schema());
    assert!(decoded.is_ok(), "{tree}: {decoded:?}");
    let mut object = kind.object(&tree).expect("a canonical tree has the shape of its type");
    object.set_defaults();
    object
}

pub(crate) fn parse(text: &str) -> Tree {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) fn merged(tree: Tree, change: Tree) -> Tree {
    patch::merge::apply(tree, change).expect("the change is an object")
}

pub(crate) fn shown(errors: &[meta::FieldError]) -> Tree {
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn facts_agree_with_each_other() {
    for kind in crate::all() {
        let (info, name) = (kind.info(), name_of(*kind));
        assert_eq!(info.singular, info.kind.to_lowercase(), "{name}");
        assert!(crate::schema().find(info.type_name).is_some(), "{name}: {}", info.type_name);
        assert!(crate::find(info.group, info.version, info.plural).is_some(), "{name}");
        for column in info.columns {
            let is_chosen = matches!(column.description, Description::Text(_));
            assert!(is_chosen || !column.describe().is_empty(), "{name}: {}", column.name);
        }
    }
}

#[test]
fn golden_objects_come_through_unchanged() {
    for kind in stored() {
        let name = name_of(kind);
        let golden = parse(&file(&format!("golden/{name}.json")));
        let object = read(golden.clone());
        assert_eq!(object.tree(), golden, "{name}");
        assert_eq!(shown(&object.validate()), json!([]), "{name}");
        assert_eq!(shown(&object.validate_update(&*object)), json!([]), "{name}");
        assert!(object.same(&*object.boxed_clone()), "{name}");
        let mut owned = golden.clone();
        owned["metadata"]["managedFields"] =
            json!([{ "manager": "m", "fieldsV1": { "f:spec": {} } }]);
        let parsed = kind.parse(owned.to_string().as_bytes()).expect("it is of the kind");
        let mut typed = kind.object(&golden).expect("it is of the kind");
        let owners = &owned["metadata"]["managedFields"];
        typed.metadata_mut().managed_fields = Some(meta::managed::heads(owners));
        assert!(parsed.same(&*typed), "{name}: stored bytes are typed as trees are");
        let attributes = object.attributes();
        for field in object.info().selectable {
            assert!(attributes.field(field).is_some(), "{name}: {field}");
        }
    }
}

#[test]
fn golden_objects_come_back_from_their_stored_form() {
    for kind in stored().filter(|kind| kind.info().stored_as.is_some()) {
        let name = name_of(kind);
        let golden = parse(&file(&format!("golden/{name}.json")));
        let mut tree = golden.clone();
        kind.rewrite_to_stored(&mut tree);
        assert!(read(tree.clone()).info().stored_as.is_none(), "{name}");
        kind.rewrite_to_served(&mut tree);
        assert_eq!(tree, golden, "{name}");
    }
}

#[test]
fn golden_rows() {
    let rows = file("golden/rows.tsv");
    for kind in stored() {
        let name = name_of(kind);
        let object = read(parse(&file(&format!("golden/{name}.json"))));
        let row = object.row(NOW.parse().expect("a time"));
        assert!(row.len() >= object.info().columns.len(), "{name}");
        let expected = rows.lines().find_map(|line| line.strip_prefix(&format!("{name}\t")));
        let expected = expected.unwrap_or_else(|| panic!("golden/rows.tsv has {name}"));
        assert_eq!(Tree::from(row), parse(expected), "{name}");
    }
}

#[test]
fn creating() {
    let mut rejected = std::collections::BTreeSet::new();
    for line in file("create.tsv").lines() {
        let (given, expected) = line.split_once('\t').expect("two columns");
        let given = parse(given);
        let mut object = read(given.clone());
        object.metadata_mut().namespace.get_or_insert_with(|| "test".to_owned());
        if !object.info().namespaced {
            object.metadata_mut().namespace = None;
        }
        object.on_create();
        let errors = shown(&object.validate());
        let kind = kind_of(&given);
        let expected = parse(expected);
        assert_eq!(errors, expected["errors"], "{given}");
        if errors == json!([]) {
            assert_eq!(Tree::from(object.warnings(None)), expected["warnings"], "{given}");
            let spec = object.tree()["spec"].take();
            if let Some(wanted) = expected.get("spec") {
                assert_eq!(&spec, wanted, "{given}");
            }
        } else {
            rejected.insert(name_of(kind));
        }
    }
    for kind in stored().filter(|kind| kind.info().has_verb(Verb::Create)) {
        let name = name_of(kind);
        assert!(rejected.contains(&name), "create.tsv has a rejection of {name}");
    }
}

#[test]
fn updating() {
    let mut base = Tree::Null;
    for line in file("update.tsv").lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [subresource, change, expected] = columns[..] else {
            base = parse(line);
            continue;
        };
        let mut old = read(base.clone());
        old.on_create();
        let mut new = read(merged(base.clone(), parse(change)));
        let errors = match subresource {
            "" => {
                new.on_update(&*old);
                new.validate_update(&*old)
            }
            "status" => {
                new = read(merged(old.tree(), parse(change)));
                new.on_status_update(&*old);
                new.validate_status(&*old)
            }
            other => {
                new.on_subresource_update(other, &*old);
                new.validate_subresource(other, &*old)
            }
        };
        assert_eq!(shown(&errors), parse(expected), "{subresource} {change} of {base}");
    }
}

/// What the table of kinds looks like in `README.md`.
fn support() -> String {
    let mut kinds: Vec<_> = crate::all().iter().map(|kind| kind.info()).collect();
    kinds.sort_by_key(|info| (info.group, info.kind, info.version));
    let head = "| kind | API version | names | scope | verbs | subresources |\n|---|---|---|---|---|---|\n";
    let row = |info: &KindInfo| {
        let names: Vec<_> = [info.plural].iter().chain(info.short_names).copied().collect();
        let scope = if info.namespaced { "namespace" } else { "cluster" };
        let verbs: Vec<_> = info.verbs.iter().map(ToString::to_string).collect();
        let verbs = if info.verbs == Verb::ALL { "all".to_owned() } else { verbs.join(", ") };
        let subresources: Vec<_> = info.all_subresources().iter().map(|it| it.name).collect();
        format!(
            "| {} | {} | {} | {scope} | {verbs} | {} |\n",
            info.kind,
            info.api_version(),
            names.join(", "),
            subresources.join(", ")
        )
    };
    let rows: Vec<String> = kinds.into_iter().map(row).collect();
    format!("{head}{}", rows.concat())
}

/// `UPDATE=1 cargo test -p kinds` writes it anew.
#[test]
fn the_readme_lists_all_kinds() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).expect("the room has a README.md");
    let (head, _) = text.split_once("| kind |").expect("it has the table");
    let expected = format!("{head}{}", support());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).expect("the checkout can be written");
    } else {
        assert_eq!(text, expected, "run the test again with UPDATE=1 and look at the difference");
    }
}
