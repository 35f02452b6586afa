//! The numbers are those of a real API server; the room of kinds compares many more with it, through definitions of custom kinds.

use std::sync::Arc;

use super::{Extent, Parts};
use crate::environment::Environment;
use crate::types::Type;

fn list(max: u64, item_max: u64) -> Extent {
    let item = Extent { max: item_max, parts: Parts::None };
    Extent { max, parts: Parts::Items(Arc::new(item)) }
}

/// What a rule costs that looks at a list of texts.
fn cost(rule: &str, extent: &Extent) -> u64 {
    let environment = Environment::new().with("self", Type::list(Type::String));
    let program = environment.compile(rule).expect("the rule is right");
    program.cost_max(&environment, extent)
}

#[test]
fn costs_follow_from_sizes() {
    let small = list(8, 6);
    assert_eq!(cost("true", &small), 0);
    assert_eq!(cost("self.size() > 2", &small), 3);
    assert!(cost("self.all(x, x == 'a')", &list(80, 6)) > cost("self.all(x, x == 'a')", &small));
    assert!(cost("self[0].matches('a')", &list(8, 60)) > cost("self[0].matches('a')", &small));
    let each = cost("self.all(x, self.exists(y, x == y))", &small);
    assert!(each > 8 * cost("self.exists(x, x == 'a')", &small) / 2);
}

#[test]
fn unknown_sizes_cost_the_most() {
    let unknown = list(u64::MAX, u64::MAX);
    assert_eq!(cost("self.all(x, x.contains(x + x))", &unknown), u64::MAX);
}

#[test]
fn programs_know_the_names_in_them() {
    let environment = Environment::new().with("self", Type::Int).with("oldSelf", Type::Int);
    let names_old = |rule: &str| environment.compile(rule).expect("it is right").names("oldSelf");
    assert!(names_old("self > 1 && [1].all(x, x < oldSelf)"));
    assert!(!names_old("self > 1 && 'oldSelf' != ''"));
}
