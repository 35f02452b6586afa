use serde_json::{Value, json};

use super::*;
use crate::laws::told::{plan, told};
use crate::laws::world::World;

/// A world some seconds after a full minute, with one `CronJob` of some minutes ago.
fn world(spec: &Value) -> World {
    let mut world = World::new("2027-01-15T08:00:05Z".parse().expect("a time"));
    let mut cron = json!({
        "metadata": {"name": "c", "namespace": "ns", "creationTimestamp": "2027-01-15T07:58:30Z"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {}}}},
    });
    for (key, value) in spec.as_object().expect("an object") {
        cron["spec"][key] = value.clone();
    }
    world.put::<CronJob>(cron);
    world
}

fn settle(world: &mut World) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..5 {
        let wanted = plan(&CronJobs, world, "ns/c");
        if wanted.actions.is_empty() {
            break;
        }
        all.push(told(&wanted));
        for action in wanted.actions {
            world.apply(action).expect("nobody else writes");
        }
    }
    all
}

fn due(world: &World) -> Vec<String> {
    let notes = |job: Job| job.metadata.annotations.unwrap_or_default().remove(DUE_NOTE);
    world.all::<Job>().into_iter().filter_map(notes).collect()
}

#[test]
fn a_job_says_when_it_was_due_in_the_zone_of_its_schedule() {
    for (zone, text) in [
        (json!(null), "2027-01-15T08:00:00Z"),
        (json!("Europe/London"), "2027-01-15T08:00:00Z"),
        (json!("Asia/Kolkata"), "2027-01-15T13:30:00+05:30"),
    ] {
        let mut world = world(&json!({"timeZone": zone}));
        settle(&mut world);
        assert_eq!(due(&world), [text]);
        assert_eq!(due_of(&world.all::<Job>()[0]), "2027-01-15T08:00:00Z".parse().ok());
    }
}

#[test]
fn nobody_misses_a_job_that_was_replaced() {
    let mut world = world(&json!({"concurrencyPolicy": "Replace"}));
    settle(&mut world);
    world.now += SignedDuration::from_secs(60);
    let told = settle(&mut world);
    assert_eq!(world.all::<Job>().len(), 1);
    assert!(told.iter().all(|plan| !plan.contains("event")), "{told:?}");
    let active = world.all::<CronJob>()[0].status.clone().and_then(|status| status.active);
    assert_eq!(active.map_or(0, |active| active.len()), 1);
}
