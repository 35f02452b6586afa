//! Macros beside those that the parser has: comprehensions with two variables.
//!
//! See <https://kubernetes.io/docs/reference/using-api/cel/>.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, ListExpr, LiteralValue, MapExpr,
    operators,
};
use cel::parser::{Expression, Macro, MacroExprHelper, ParseError};

/// What an expander gives: an expression, or why there is none.
type Expanded = Result<Option<Expression>, ParseError>;

/// The name of the accumulator, which no expression can spell.
const RESULT: &str = "@result";
/// Adds an entry to the map that a comprehension makes.
pub(crate) const MAP_INSERT: &str = "cel.@mapInsert";
/// Adds all entries of a map to the map that a comprehension makes.
pub(crate) const MAP_MERGE: &str = "cel.@mapMerge";

/// Sorts a list by a list of keys.
pub(crate) const SORT_BY_KEYS: &str = "@sortByAssociatedKeys";
/// The name of a list that is sorted by what an expression makes of its items.
const SORTED: &str = "@__sortBy_input__";

pub(crate) fn all() -> Vec<Macro> {
    vec![
        receiver("sortBy", 2, sort_by),
        receiver(operators::ALL, 3, |build, target, args| {
            let [first, second, predicate] = take(args);
            let result = build.name(RESULT);
            let step = build.call(operators::LOGICAL_AND, vec![result, predicate]);
            let going = build.name(RESULT);
            let going = build.call(operators::NOT_STRICTLY_FALSE, vec![going]);
            let init = build.truth(true);
            let names = names(build, first, second)?;
            let shape = Shape { init, going, step, done: None };
            Ok(build.comprehension(target, names, shape))
        }),
        receiver(operators::EXISTS, 3, |build, target, args| {
            let [first, second, predicate] = take(args);
            let result = build.name(RESULT);
            let step = build.call(operators::LOGICAL_OR, vec![result, predicate]);
            let going = build.name(RESULT);
            let going = build.call(operators::LOGICAL_NOT, vec![going]);
            let going = build.call(operators::NOT_STRICTLY_FALSE, vec![going]);
            let init = build.truth(false);
            let names = names(build, first, second)?;
            let shape = Shape { init, going, step, done: None };
            Ok(build.comprehension(target, names, shape))
        }),
        receiver(operators::EXISTS_ONE, 3, exists_one),
        receiver("existsOne", 3, exists_one),
        receiver("transformList", 3, |build, target, args| {
            let [first, second, transform] = take(args);
            transform_list(build, target, first, second, None, transform)
        }),
        receiver("transformList", 4, |build, target, args| {
            let [first, second, filter, transform] = take(args);
            transform_list(build, target, first, second, Some(filter), transform)
        }),
        receiver("transformMap", 3, |build, target, args| {
            let [first, second, transform] = take(args);
            transform_map(build, target, first, second, None, transform)
        }),
        receiver("transformMap", 4, |build, target, args| {
            let [first, second, filter, transform] = take(args);
            transform_map(build, target, first, second, Some(filter), transform)
        }),
        receiver("transformMapEntry", 3, |build, target, args| {
            let [first, second, entry] = take(args);
            transform_entry(build, target, first, second, None, entry)
        }),
        receiver("transformMapEntry", 4, |build, target, args| {
            let [first, second, filter, entry] = take(args);
            transform_entry(build, target, first, second, Some(filter), entry)
        }),
    ]
}

fn receiver(
    name: &str,
    args: usize,
    expand: impl Fn(
        &mut Build<'_, '_>,
        Expression,
        &mut Vec<Expression>,
    ) -> Result<Expression, ParseError>
    + Send
    + Sync
    + 'static,
) -> Macro {
    Macro::receiver(name, args, move |helper, target, args| -> Expanded {
        let Some(target) = target.take() else { return Ok(None) };
        expand(&mut Build(helper), target, args).map(Some)
    })
}

fn take<const N: usize>(args: &mut Vec<Expression>) -> [Expression; N] {
    let mut taken = args.drain(..);
    std::array::from_fn(|_| taken.next().unwrap_or_default())
}

/// Makes parts of an expression.
struct Build<'a, 'b>(&'a mut MacroExprHelper<'b>);

/// What a comprehension does.
struct Shape {
    init: Expression,
    going: Expression,
    step: Expression,
    /// The result, where it is not the accumulator itself.
    done: Option<Expression>,
}

impl Build<'_, '_> {
    fn name(&mut self, name: &str) -> Expression {
        self.0.next_expr(Expr::Ident(name.to_owned()))
    }

    fn truth(&mut self, value: bool) -> Expression {
        self.0.next_expr(Expr::Literal(LiteralValue::Boolean(value.into())))
    }

    fn number(&mut self, value: i64) -> Expression {
        self.0.next_expr(Expr::Literal(LiteralValue::Int(value.into())))
    }

    fn list(&mut self, items: Vec<Expression>) -> Expression {
        self.0.next_expr(Expr::List(ListExpr::new(items)))
    }

    fn empty_map(&mut self) -> Expression {
        self.0.next_expr(Expr::Map(MapExpr { entries: Vec::new() }))
    }

    fn call(&mut self, name: &str, args: Vec<Expression>) -> Expression {
        self.0.next_expr(Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args }))
    }

    fn member_call(&mut self, name: &str, of: Expression, args: Vec<Expression>) -> Expression {
        let target = Some(Box::new(of));
        self.0.next_expr(Expr::Call(CallExpr { func_name: name.to_owned(), target, args }))
    }

    fn only_if(&mut self, filter: Option<Expression>, step: Expression) -> Expression {
        let Some(filter) = filter else { return step };
        let unchanged = self.name(RESULT);
        self.call(operators::CONDITIONAL, vec![filter, step, unchanged])
    }

    fn comprehension(
        &mut self,
        over: Expression,
        (first, second): (String, Option<String>),
        shape: Shape,
    ) -> Expression {
        let result = match shape.done {
            Some(done) => done,
            None => self.name(RESULT),
        };
        self.0.next_expr(Expr::Comprehension(Box::new(ComprehensionExpr {
            iter_range: over,
            iter_var: first,
            iter_var2: second,
            accu_var: RESULT.to_owned(),
            accu_init: shape.init,
            loop_cond: shape.going,
            loop_step: shape.step,
            result,
        })))
    }
}

fn plain_name(build: &Build<'_, '_>, name: Expression) -> Result<String, ParseError> {
    match name.expr {
        Expr::Ident(name) => Ok(name),
        _ => Err(build.0.new_error(name.id, "argument is not an identifier")),
    }
}

fn names(
    build: &Build<'_, '_>,
    first: Expression,
    second: Expression,
) -> Result<(String, Option<String>), ParseError> {
    Ok((plain_name(build, first)?, Some(plain_name(build, second)?)))
}

/// The list is named, so that it is evaluated once, and then sorted by what `key` comes to.
fn sort_by(
    build: &mut Build<'_, '_>,
    target: Expression,
    args: &mut Vec<Expression>,
) -> Result<Expression, ParseError> {
    let [item, key] = take(args);
    if matches!(target.expr, Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_)) {
        let problem = "sortBy can only be applied to a list, identifier, comprehension, call or \
                       select expression";
        return Err(build.0.new_error(target.id, problem));
    }
    let names = (plain_name(build, item)?, None);
    let (result, one) = (build.name(RESULT), build.list(vec![key]));
    let step = build.call(operators::ADD, vec![result, one]);
    let (init, going, over) = (build.list(Vec::new()), build.truth(true), build.name(SORTED));
    let keys = build.comprehension(over, names, Shape { init, going, step, done: None });
    let input = build.name(SORTED);
    let result = build.member_call(SORT_BY_KEYS, input, vec![keys]);
    let (nothing, never, same) = (build.list(Vec::new()), build.truth(false), build.name(SORTED));
    Ok(build.0.next_expr(Expr::Comprehension(Box::new(ComprehensionExpr {
        iter_range: nothing,
        iter_var: "#unused".to_owned(),
        iter_var2: None,
        accu_var: SORTED.to_owned(),
        accu_init: target,
        loop_cond: never,
        loop_step: same,
        result,
    }))))
}

fn exists_one(
    build: &mut Build<'_, '_>,
    target: Expression,
    args: &mut Vec<Expression>,
) -> Result<Expression, ParseError> {
    let [first, second, predicate] = take(args);
    let (count, one) = (build.name(RESULT), build.number(1));
    let more = build.call(operators::ADD, vec![count, one]);
    let step = build.only_if(Some(predicate), more);
    let (count, one) = (build.name(RESULT), build.number(1));
    let done = Some(build.call(operators::EQUALS, vec![count, one]));
    let (init, going) = (build.number(0), build.truth(true));
    let names = names(build, first, second)?;
    Ok(build.comprehension(target, names, Shape { init, going, step, done }))
}

fn transform_list(
    build: &mut Build<'_, '_>,
    target: Expression,
    first: Expression,
    second: Expression,
    filter: Option<Expression>,
    transform: Expression,
) -> Result<Expression, ParseError> {
    let (result, item) = (build.name(RESULT), build.list(vec![transform]));
    let more = build.call(operators::ADD, vec![result, item]);
    let step = build.only_if(filter, more);
    let (init, going) = (build.list(Vec::new()), build.truth(true));
    let names = names(build, first, second)?;
    Ok(build.comprehension(target, names, Shape { init, going, step, done: None }))
}

fn transform_map(
    build: &mut Build<'_, '_>,
    target: Expression,
    first: Expression,
    second: Expression,
    filter: Option<Expression>,
    transform: Expression,
) -> Result<Expression, ParseError> {
    let (result, key) = (build.name(RESULT), first.clone());
    let more = build.call(MAP_INSERT, vec![result, key, transform]);
    let step = build.only_if(filter, more);
    let (init, going) = (build.empty_map(), build.truth(true));
    let names = names(build, first, second)?;
    Ok(build.comprehension(target, names, Shape { init, going, step, done: None }))
}

fn transform_entry(
    build: &mut Build<'_, '_>,
    target: Expression,
    first: Expression,
    second: Expression,
    filter: Option<Expression>,
    entry: Expression,
) -> Result<Expression, ParseError> {
    let result = build.name(RESULT);
    let more = build.call(MAP_MERGE, vec![result, entry]);
    let step = build.only_if(filter, more);
    let (init, going) = (build.empty_map(), build.truth(true));
    let names = names(build, first, second)?;
    Ok(build.comprehension(target, names, Shape { init, going, step, done: None }))
}

/// The entries of a map literal, keys with values.
pub(crate) fn entries(map: &MapExpr) -> impl Iterator<Item = (&Expression, &Expression, bool)> {
    map.entries.iter().filter_map(|IdedEntryExpr { expr, .. }| match expr {
        EntryExpr::MapEntry(entry) => Some((&entry.key, &entry.value, entry.optional)),
        EntryExpr::StructField(_) => None,
    })
}
