use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::laws::told::plan;
use crate::laws::world::World;
use crate::{Change, Target};

/// A world with one Job, and the hands that play the node.
struct Story(World);

impl Story {
    fn new(spec: &Value) -> Self {
        let mut world = World::new(Timestamp::from_second(1_800_000_000).expect("in range"));
        let mut job = json!({"metadata": {"name": "job", "namespace": "ns"}, "spec": {
            "selector": {"matchLabels": {"job": "job"}}, "completions": 1, "parallelism": 1,
            "backoffLimit": 6,
            "template": {"metadata": {"labels": {"job": "job"}},
                "spec": {"containers": [{"name": "c"}], "restartPolicy": "Never"}}}});
        for (key, value) in spec.as_object().expect("an object") {
            job["spec"][key] = value.clone();
        }
        world.put::<Job>(job);
        let mut story = Self(world);
        story.settle();
        story
    }

    fn settle(&mut self) {
        for _ in 0..20 {
            let wanted = plan(&Jobs, &self.0, "ns/job");
            if wanted.actions.is_empty() {
                return;
            }
            for action in wanted.actions {
                self.0.apply(action).expect("nobody else writes");
            }
        }
        panic!("it does not settle");
    }

    fn pods(&self) -> Vec<Pod> {
        self.0.all::<Pod>()
    }

    /// The Pod of this place ends.
    fn end(&mut self, place: usize, phase: &str) {
        let pod = &self.pods()[place];
        let target = Target::of(pod);
        let patch = Change::Merge(json!({"status": {"phase": phase}}));
        let told = Action::Patch { target, subresource: "status", patch, announce: None };
        self.0.apply(told).expect("it is there");
        self.settle();
    }

    /// Somebody changes the spec.
    fn change(&mut self, spec: &Value) {
        let target = Target::of(&self.0.all::<Job>()[0]);
        let patch = Change::Merge(json!({ "spec": spec }));
        let told = Action::Patch { target, subresource: "", patch, announce: None };
        self.0.apply(told).expect("it is there");
        self.settle();
    }

    fn wait(&mut self, secs: i64) {
        self.0.now += SignedDuration::from_secs(secs);
        self.settle();
    }

    fn status(&self) -> JobStatus {
        self.0.all::<Job>()[0].status.clone().expect("a status")
    }

    fn reasons(&self) -> Vec<String> {
        let conditions = self.status().conditions.unwrap_or_default();
        conditions
            .into_iter()
            .map(|c| format!("{} {}", c.type_, c.reason.unwrap_or_default()))
            .collect()
    }
}

#[test]
fn pods_are_counted_once_and_released() {
    let mut story = Story::new(&json!({"completions": 2}));
    assert_eq!((story.pods().len(), story.status().active), (1, Some(1)));
    story.end(0, "Succeeded");
    assert_eq!((story.pods().len(), story.status().succeeded), (2, Some(1)));
    story.end(1, "Succeeded");
    assert_eq!(story.status().succeeded, Some(2));
    assert_eq!(story.status().uncounted_terminated_pods, Some(UncountedTerminatedPods::default()));
    assert_eq!(
        story.reasons(),
        ["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"]
    );
    assert!(story.pods().iter().all(|pod| !is_tracked(pod)));
}

#[test]
fn a_failed_pod_is_replaced_after_a_while_until_the_limit() {
    let mut story = Story::new(&json!({"backoffLimit": 1}));
    story.wait(60);
    story.end(0, "Failed");
    assert_eq!((story.status().failed, story.status().active), (Some(1), Some(1)));
    story.end(1, "Failed");
    assert_eq!(
        story.reasons(),
        ["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"]
    );
}

#[test]
fn a_suspended_job_has_no_pods_and_a_deadline_ends_it() {
    let story = Story::new(&json!({"suspend": true}));
    assert!(story.pods().is_empty());
    assert_eq!(story.reasons(), ["Suspended JobSuspended"]);
    assert_eq!(story.status().start_time, None);
    let mut late = Story::new(&json!({"activeDeadlineSeconds": 30}));
    late.wait(31);
    assert_eq!(late.reasons(), ["FailureTarget DeadlineExceeded", "Failed DeadlineExceeded"]);
    assert_eq!(late.status().failed, Some(1), "who was deleted for it counts as failed");
}

#[test]
fn a_job_of_another_manager_is_left_alone() {
    let story = Story::new(&json!({"managedBy": "example.com/mine"}));
    assert!(story.pods().is_empty());
    assert_eq!(story.0.all::<Job>()[0].status, None);
}

#[test]
fn pods_that_nobody_needs_any_more_do_not_count() {
    let mut story = Story::new(&json!({"completions": 2, "parallelism": 2}));
    assert_eq!(story.pods().len(), 2);
    story.change(&json!({"suspend": true}));
    assert!(story.pods().is_empty());
    assert_eq!((story.status().failed, story.status().active), (None, None));
}

#[test]
fn indexes_are_told_apart() {
    let mut story = Story::new(&json!({"completionMode": "Indexed", "completions": 3,
        "parallelism": 3, "backoffLimitPerIndex": 0}));
    assert_eq!(story.pods().len(), 3);
    story.end(1, "Failed");
    assert_eq!(story.status().failed_indexes.as_deref(), Some("1"));
    story.end(0, "Succeeded");
    assert_eq!(story.status().completed_indexes.as_deref(), Some("0"));
    story.end(2, "Succeeded");
    assert_eq!(story.status().completed_indexes.as_deref(), Some("0,2"));
    assert_eq!(story.reasons(), ["FailureTarget FailedIndexes", "Failed FailedIndexes"]);
}

#[test]
fn whoever_still_runs_when_enough_succeeded_is_no_failure() {
    let policy = json!({"rules": [{"succeededCount": 1}]});
    let mut story = Story::new(&json!({"completionMode": "Indexed", "completions": 2,
        "parallelism": 2, "successPolicy": policy}));
    story.end(1, "Succeeded");
    assert_eq!((story.status().succeeded, story.status().failed), (Some(1), None));
    assert_eq!(story.reasons(), ["SuccessCriteriaMet SuccessPolicy", "Complete SuccessPolicy"]);
}

#[test]
fn whoever_still_runs_when_a_job_failed_counts_as_failed() {
    for replacement in ["Failed", "TerminatingOrFailed"] {
        let mut story = Story::new(&json!({"completions": 2, "parallelism": 2, "backoffLimit": 0,
            "podReplacementPolicy": replacement}));
        story.end(0, "Failed");
        assert_eq!(story.status().failed, Some(2), "{replacement}");
    }
}

#[test]
fn a_failed_pod_of_an_index_is_counted_when_its_successor_is_there() {
    let mut story = Story::new(&json!({"completionMode": "Indexed", "completions": 1,
        "backoffLimitPerIndex": 1}));
    story.end(0, "Failed");
    assert_eq!((story.status().failed, story.pods().len()), (None, 1));
    assert!(is_tracked(&story.pods()[0]));
    story.wait(11);
    assert_eq!((story.status().failed, story.pods().len()), (Some(1), 2));
    assert_eq!(story.pods().iter().map(failures).max(), Some(1));
}

#[test]
fn pods_that_lost_their_job_are_let_go() {
    let mut story = Story::new(&json!({"completions": 2, "parallelism": 2}));
    let job = &story.0.all::<Job>()[0];
    let orphan = json!({"metadata": {"ownerReferences": null}});
    let pod = &story.pods()[0];
    let target = Target::of(pod);
    let patch = Change::Merge(orphan);
    let told = Action::Patch { target, subresource: "", patch, announce: None };
    story.0.apply(told).expect("it is there");
    let gone = Action::Delete {
        target: Target::of(job),
        propagation: None,
        grace_secs: None,
        announce: None,
    };
    story.0.apply(gone).expect("it is there");
    let keys = |pod: &Pod| {
        let watches = Jobs.watches();
        story.0.look(0, |look| watches[1].keys(look.sources, None, Some(pod)))
    };
    assert_eq!(story.pods().iter().map(keys).collect::<Vec<_>>(), vec![[Key::new("ns", "")]; 2]);
    let wanted = plan(&Jobs, &story.0, "ns/");
    assert_eq!(wanted.actions.len(), 2, "one has no owner, and that of the other is gone");
    for action in wanted.actions {
        story.0.apply(action).expect("nobody else writes");
    }
    assert!(story.pods().iter().all(|pod| !is_tracked(pod)));
}

#[test]
fn an_index_whose_pod_is_deleted_has_failed() {
    let mut story = Story::new(&json!({"completionMode": "Indexed", "completions": 2,
        "parallelism": 2, "backoffLimitPerIndex": 0}));
    let gone = Action::Delete {
        target: Target::of(&story.pods()[0]),
        propagation: None,
        grace_secs: None,
        announce: None,
    };
    story.0.apply(gone).expect("it is there");
    story.settle();
    assert_eq!(story.status().failed_indexes.as_deref(), Some("0"));
    assert_eq!((story.status().failed, story.pods().len()), (Some(1), 1));
}

#[test]
fn a_queue_of_work_that_is_suspended_after_a_success_is_done() {
    let mut story = Story::new(&json!({"completions": null, "parallelism": 3}));
    story.end(0, "Succeeded");
    story.change(&json!({"parallelism": 0}));
    assert_eq!(story.status().active, Some(2), "who works is left alone");
    story.change(&json!({"suspend": true}));
    assert_eq!(
        story.reasons(),
        ["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"]
    );
    assert!(story.status().start_time.is_some());
}

#[test]
fn a_failed_index_does_not_keep_a_job_that_is_being_deleted() {
    let mut story = Story::new(&json!({"completionMode": "Indexed", "completions": 1,
        "backoffLimitPerIndex": 1}));
    story.end(0, "Failed");
    assert!(is_tracked(&story.pods()[0]), "it waits for its successor");
    let target = Target::of(&story.0.all::<Job>()[0]);
    let held = json!({"metadata": {"finalizers": ["foregroundDeletion"]}});
    let hold =
        Action::Patch { target, subresource: "", patch: Change::Merge(held), announce: None };
    story.0.apply(hold).expect("it is there");
    let target = Target::of(&story.0.all::<Job>()[0]);
    let gone = Action::Delete { target, propagation: None, grace_secs: None, announce: None };
    story.0.apply(gone).expect("it is there");
    story.settle();
    assert!(!is_tracked(&story.pods()[0]));
}
