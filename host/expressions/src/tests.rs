use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::admission::{Offered, Purpose};

fn variables() -> Environment {
    Environment::new()
        .with("object", Type::Dyn)
        .with("list", Type::list(Type::Int))
        .with("labels", Type::map(Type::String, Type::String))
        .with("maybe", Type::optional(Type::Int))
        .with("authorizer", AUTHORIZER)
        .with_record(&Type::Struct(Arc::new(Struct::open("JSONPatch"))))
}

fn activation() -> Activation {
    let object = serde_json::json!({
        "metadata": { "name": "web", "labels": { "app": "a" } },
        "spec": { "replicas": 3, "ports": [80, 443], "nothing": null, "half": 0.5 },
    });
    let mut activation = Activation::new(Arc::default());
    activation.set("object", Value::from(&object));
    activation.set("list", Value::list(vec![Value::Int(3), Value::Int(1)]));
    activation.set("labels", Value::map([("a", Value::from("b"))]));
    activation.set("maybe", Value::Optional(None));
    activation.set("authorizer", Value::Check(Arc::new(Check::Authorizer(Question::default()))));
    activation
}

/// What an expression comes to, as text: its value as JSON, or what is wrong with it.
fn outcome(text: &str) -> String {
    let program = match variables().compile(text) {
        Ok(program) => program,
        Err(issues) => {
            let messages: Vec<String> = issues
                .list
                .into_iter()
                .map(|issue| format!("{}: {}", issue.column, issue.message))
                .collect();
            return format!("refused {}", messages.join("; "));
        }
    };
    match activation().evaluate(&program) {
        Ok(value) => match value.to_json() {
            Ok(tree) => tree.to_string(),
            Err(_) => format!("a {}", value.type_name()),
        },
        Err(error) => format!("error {error}"),
    }
}

/// One case for each line: the expression, a tab, and what it comes to.
const CASES: &str = include_str!("tests/cases.tsv");

#[test]
fn expressions_come_to_what_they_should() {
    let mut wrong = Vec::new();
    for line in CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (text, expected) = line.split_once('\t').expect("a case has two columns");
        let found = outcome(text);
        if found != expected {
            wrong.push(format!("{text}\n  wanted {expected}\n  found  {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn issues_show_the_place() {
    let issues = variables().compile("object.\nx + foo").expect_err("foo is nothing");
    assert_eq!(
        issues.to_string(),
        "ERROR: <input>:2:5: undeclared reference to 'foo' (in container '')\n | x + foo\n | ....^"
    );
}

#[test]
fn an_expression_that_does_too_much_is_stopped() {
    let text = "[1,2,3,4,5,6,7,8,9,10]".to_owned();
    let all = format!(
        "{text}.all(a, {text}.all(b, {text}.all(c, {text}.all(d, {text}.all(e, {text}.all(f, a+b+c+d+e+f > 0))))))"
    );
    assert_eq!(outcome(&all), "error operation cancelled: actual cost limit exceeded");
    let doubling = "['0123456789'].map(a, a + a + a + a + a + a + a + a)".to_owned();
    let grown =
        (0..9).fold(doubling, |text, _| format!("{text}.map(a, a + a + a + a + a + a + a + a)"));
    assert_eq!(outcome(&grown), "error operation cancelled: actual cost limit exceeded");
}

#[test]
fn values_that_share_their_parts_are_not_unfolded() {
    // Ten thousand million zeros in a hundred lists.
    let huge =
        (0..10).fold("[0]".to_owned(), |text, _| format!("{text}.map(a, [a,a,a,a,a,a,a,a,a,a])"));
    let huge = format!("[{huge}]").replace("[0].map", "[[0]].map");
    let stopped = "error operation cancelled: actual cost limit exceeded";
    assert_eq!(outcome(&format!("{huge} == {huge}")), stopped);
    assert_eq!(outcome(&format!("'%s'.format([{huge}])")), stopped);
    let program = variables().compile(&huge).expect("it compiles");
    let value = activation().evaluate(&program).expect("it is made quickly");
    assert_eq!(value.to_json(), Err(ToJsonError::TooLarge));
}

#[test]
fn the_cost_of_many_expressions_counts_together() {
    let text = "[1,2,3,4,5,6,7,8,9,10]";
    let text = format!("{text}.all(a, {text}.all(b, {text}.all(c, {text}.all(d, a+b+c+d > 0))))");
    let program = variables().compile(&text).expect("it compiles");
    let mut activation = activation();
    let ends = (0..1_000).find_map(|_| activation.evaluate(&program).err());
    assert_eq!(ends, Some(Error::OutOfBudget));
}

#[test]
fn a_list_grows_in_place() {
    // A thousand elements, each added to those before: in place this costs thousands, by copying half a million.
    let ten = "[0,1,2,3,4,5,6,7,8,9]";
    let thousand = format!("{ten}.map(a, {ten}.map(b, {ten}.map(c, a+b+c)))");
    assert!(!outcome(&thousand).starts_with("error"));
    let long: Vec<Value> = (0..5_000).map(Value::Int).collect();
    let mut activation = activation();
    activation.set("list", Value::list(long));
    let program =
        variables().compile("list.map(x, x + 1).filter(x, x > 0).size()").expect("it compiles");
    assert_eq!(activation.evaluate(&program), Ok(Value::Int(5_000)));
}

#[test]
fn deep_and_long_expressions_are_refused_or_run() {
    let sum = |terms: usize| vec!["1"; terms].join(" + ");
    assert_eq!(outcome(&sum(150)), "150");
    assert!(outcome(&sum(1_900)).starts_with("refused"));
    assert!(outcome(&sum(100_000)).starts_with("refused"));
    let nested = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(outcome(&nested(50)), "1");
    assert!(outcome(&nested(900)).starts_with("refused"));
    let all = vec!["true"; 900].join(" && ");
    assert_eq!(outcome(&all), "true");
}

#[test]
fn an_answer_is_asked_for_and_then_known() {
    let text = "authorizer.group('').resource('pods').namespace('n').check('get').allowed()";
    let program = variables().compile(text).expect("it compiles");
    let mut activation = activation();
    let Err(Error::Ask(question)) = activation.evaluate(&program) else { panic!("it asks") };
    assert_eq!((question.resource.as_str(), question.verb.as_str()), ("pods", "get"));
    activation.answered(*question, Answer { allowed: true, reason: String::new() });
    assert_eq!(activation.evaluate(&program), Ok(Value::Bool(true)));
}

#[test]
fn composed_expressions_are_evaluated_when_they_are_needed() {
    let mut environment = variables().with_composed();
    let mut composition = Composition::new();
    for (name, text) in [
        ("size", "object.spec.ports.size()"),
        ("twice", "variables.size * 2"),
        ("bad", "object.missing"),
    ] {
        let program = environment.compile(text).expect("it compiles");
        environment.compose(name, program.result().clone());
        composition.insert(Arc::from(name), program);
    }
    let mut activation = activation();
    activation.renew(Arc::new(composition));
    let mut check = |text: &str, expected: Result<Value, &str>| {
        let program = environment.compile(text).expect("it compiles");
        let found = activation.evaluate(&program).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    };
    check("variables.twice", Ok(Value::Int(4)));
    check(
        "variables.bad",
        Err("composited variable \"bad\" fails to evaluate: no such key: missing"),
    );
    check("[1].map(variables, variables + 1)", Ok(Value::list(vec![Value::Int(2)])));
    assert!(environment.compile("variables.other").is_err());
    assert!(environment.compile("variables.size == 'a'").is_err());
}

#[test]
fn admission_expressions_have_the_type_of_their_purpose() {
    let environment = admission::environment(Offered { patches: true, ..Offered::default() });
    let check = |text: &str, purpose: Purpose, expected: Result<(), &str>| {
        let found = admission::compile(&environment, text, purpose).map(|_| ());
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    };
    check("request.operation == 'CREATE'", Purpose::Condition, Ok(()));
    check("1", Purpose::Condition, Err("must evaluate to bool but got int"));
    check("object.a", Purpose::Condition, Err("must evaluate to bool but got dyn"));
    check(
        "1",
        Purpose::AuditAnnotation,
        Err("must evaluate to one of [string null_type] but got int"),
    );
    check("Object{spec: Object.spec{a: 1}}", Purpose::ApplyConfiguration, Ok(()));
    check("1", Purpose::ApplyConfiguration, Err("must evaluate to Object but got int"));
    check("[JSONPatch{op: 'add', path: '/a', value: 1}]", Purpose::JsonPatch, Ok(()));
    check(
        "[JSONPatch{verb: 'add'}]",
        Purpose::JsonPatch,
        Err(
            "compilation failed: ERROR: <input>:1:16: expected type of field 'verb' is '' but provided type is 'string'\n | [JSONPatch{verb: 'add'}]\n | ...............^",
        ),
    );
    check(
        "params.a == 1",
        Purpose::Condition,
        Err(
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params.a == 1\n | ^",
        ),
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_breaks_the_compiler(text in "[a-z0-9.()\\[\\]{}'\"?:!&|+*/<>=, -]{0,40}") {
        let _ = outcome(&text);
    }
}

#[test]
fn patches_have_functions_only_where_they_are_made() {
    assert!(variables().compile("jsonpatch.escapeKey('a') == 'a'").is_ok());
    let issues = Environment::new().compile("jsonpatch.escapeKey('a') == 'a'");
    let first = issues.expect_err("it is unknown").list.remove(0);
    assert_eq!(first.message, "undeclared reference to 'jsonpatch' (in container '')");
}
