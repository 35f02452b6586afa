//! What must hold for every controller, in every world.
//!
//! 1. *Settles*: carrying out plans again and again reaches empty plans, and they stay empty.
//! 2. *Crash-safe*: so it does if only the first k actions of each plan are carried out, and if others
//!    write in between.
//! 3. *Order-blind*: the order of lists in a view does not change the plan.
//! 4. *Keeps off*: what belongs to others is neither written nor deleted.
//! 5. *Quiet*: in a settled world only a change that matters makes a plan.
//! 6. *Bounded*: a plan has a bounded number of actions.
//!
//! Worlds come from one generator that knows all kinds, see `worlds.rs`; a controller that finds
//! nothing to do in any of them fails, so that none can be registered without one.

pub(crate) mod told;
pub(crate) mod world;
mod worlds;

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::{Action, Controller, Key, Plan};
use world::World;

/// Rounds until a world must have settled.
const ROUNDS: usize = 40;
/// Worlds for each controller.
const CASES: u32 = 128;
/// Actions of one plan.
const ACTIONS_MAX: usize = 1100;

fn plan(controller: &dyn Controller, world: &World, key: &Key, shuffle: usize) -> Plan {
    world.look(shuffle, |look| controller.plan(look, key))
}

/// One round over all keys; says whether anything was wanted. Carries out at most `first` actions of
/// each plan.
fn round(controller: &dyn Controller, world: &mut World, first: usize) -> bool {
    let mut any = false;
    for key in world.keys(controller) {
        let plan = plan(controller, world, &key, 0);
        any |= !plan.actions.is_empty();
        for action in plan.actions.into_iter().take(first) {
            if world.apply(action).is_err() {
                break;
            }
        }
    }
    any
}

fn settle(controller: &dyn Controller, world: &mut World) -> Result<(), TestCaseError> {
    for _ in 0..ROUNDS {
        if !round(controller, world, usize::MAX) {
            prop_assert!(!round(controller, world, usize::MAX), "it does not stay settled");
            return Ok(());
        }
    }
    let plans: Vec<Plan> =
        world.keys(controller).iter().map(|key| plan(controller, world, key, 0)).collect();
    Err(TestCaseError::fail(format!("it does not settle: {plans:#?}")))
}

fn check(
    controller: &dyn Controller,
    mut world: World,
    first: usize,
) -> Result<bool, TestCaseError> {
    let mut had_work = false;
    for key in world.keys(controller) {
        let wanted = plan(controller, &world, &key, 0);
        for shuffle in 1..4 {
            let other = plan(controller, &world, &key, shuffle);
            prop_assert_eq!(&wanted, &other, "the order of a list changes the plan");
        }
        prop_assert!(wanted.actions.len() <= ACTIONS_MAX, "{} actions", wanted.actions.len());
        for action in &wanted.actions {
            prop_assert!(!world.is_foreign(action), "not its object: {action:?}");
        }
        had_work |= !wanted.actions.is_empty();
    }
    // Crashes first, then somebody else's writes, then peace.
    for _ in 0..3 {
        round(controller, &mut world, first);
    }
    world.disturb();
    settle(controller, &mut world)?;
    // Foreign objects, revisions and the clock move on; nothing that matters does.
    world.touch_foreign();
    world.now += SignedDuration::from_millis(1);
    prop_assert!(!round(controller, &mut world, 0), "a foreign change makes it work");
    Ok(had_work)
}

fn hold(controller: &dyn Controller) {
    let had_work = std::cell::Cell::new(0);
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    // The same worlds every time: what fails, fails for everybody.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let strategy = (worlds::any(), 0_usize..4);
    let result = runner.run(&strategy, |(world, first)| {
        if check(controller, world, first)? {
            had_work.set(had_work.get() + 1);
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{}: {error}", controller.name());
    }
    assert!(had_work.get() > 0, "{} has no work in any world", controller.name());
}

#[test]
fn every_controller_keeps_the_laws() {
    for controller in crate::all() {
        hold(&*controller);
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<&str> = crate::all().iter().map(|controller| controller.name()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// The laws must catch a controller that breaks them.
#[derive(Debug)]
struct Restless;

impl Controller for Restless {
    fn name(&self) -> &'static str {
        "restless"
    }

    fn watches(&self) -> Vec<crate::Watch> {
        vec![crate::Watch::itself::<k8s_openapi::api::core::v1::Pod>()]
    }

    fn plan(&self, look: &crate::Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        if let Some(pod) = look.sources.pods.get(&key.namespace, &key.name) {
            plan.act(Action::UpdateStatus { object: crate::Sourced::into_any((*pod).clone()) });
        }
        plan
    }
}

#[test]
#[should_panic(expected = "restless")]
fn a_restless_controller_is_caught() {
    hold(&Restless);
}
