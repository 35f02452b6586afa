//! Bounds on what one Pod, container or claim of a namespace asks for, and what a container gets that does not ask.
//!
//! See <https://kubernetes.io/docs/concepts/policy/limit-range/>.

use k8s_openapi::api::core::v1::{
    Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod, PodSpec,
};
use kinds::Object;
use kinds::core::pod::needs::Needs;
use kinds::resources::{self, Amounts};
use kinds::wire::OrEmpty;
use meta::quantity::Quantity;
use meta::{Key, StatusError};

use super::{Attempted, Operation, Plugin, core};

const ANNOTATION: &str = "kubernetes.io/limit-ranger";
const POD: &str = "Pod";
const CONTAINER: &str = "Container";
const CLAIM: &str = "PersistentVolumeClaim";

pub(super) struct LimitRanger;

impl Plugin for LimitRanger {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let Some(pod) =
            object.as_any_mut().downcast_mut::<Pod>().filter(|_| sizes_containers(attempted))
        else {
            return Ok(());
        };
        for range in ranges(attempted) {
            fill(pod, &range);
        }
        Ok(())
    }

    fn validate(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&dyn Object>,
    ) -> Result<(), StatusError> {
        let Some(new) = new.map(Object::as_any) else { return Ok(()) };
        if let Some(pod) = new.downcast_ref::<Pod>().filter(|_| sizes_containers(attempted)) {
            return check_all(attempted, |item| check_pod(pod, item));
        }
        match new.downcast_ref::<PersistentVolumeClaim>() {
            Some(claim) if attempted.subresource.is_empty() => {
                check_all(attempted, |item| check_claim(claim, item))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses what some range finds problems with, each told once.
fn check_all(
    attempted: &Attempted<'_>,
    check: impl Fn(&LimitRangeItem) -> Vec<String>,
) -> Result<(), StatusError> {
    for range in ranges(attempted) {
        let items = range.spec.iter().flat_map(|spec| &spec.limits);
        let mut problems: Vec<String> = Vec::new();
        for problem in items.flat_map(&check) {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        match &problems[..] {
            [] => {}
            [one] => return Err(attempted.forbid(one)),
            several => return Err(attempted.forbid(&format!("[{}]", several.join(", ")))),
        }
    }
    Ok(())
}

/// Whether the write decides what the containers of a Pod ask for.
fn sizes_containers(attempted: &Attempted<'_>) -> bool {
    attempted.creates()
        || (attempted.operation == Operation::Update && attempted.subresource == "resize")
}

/// The ranges of the namespace. What is being deleted may be whatever it likes.
fn ranges(attempted: &Attempted<'_>) -> impl Iterator<Item = LimitRange> {
    let is_leaving = attempted.old.is_some_and(|old| old.metadata().deletion_timestamp.is_some());
    let prefix = Key::prefix(&core("limitranges"), Some(attempted.namespace));
    let entries = (!is_leaving).then(|| attempted.snapshot.range(&prefix, None));
    let ranges: Vec<LimitRange> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| serde_json::from_slice(&entry.body).ok())
        .collect();
    ranges.into_iter()
}

/// Gives containers what they do not ask for, and leaves a note.
fn fill(pod: &mut Pod, range: &LimitRange) {
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    let items = range.spec.iter().flat_map(|spec| &spec.limits);
    for item in items.filter(|item| item.type_ == CONTAINER) {
        requests.extend(resources::amounts(item.default_request.or_empty()));
        limits.extend(resources::amounts(item.default.or_empty()));
    }
    let Some(spec) = &mut pod.spec else { return };
    let mut notes = Vec::new();
    for container in &mut spec.containers {
        fill_container(container, "container", (&requests, &limits), &mut notes);
    }
    for container in spec.init_containers.iter_mut().flatten() {
        fill_container(container, "init container", (&requests, &limits), &mut notes);
    }
    if !notes.is_empty() {
        let note = format!("LimitRanger plugin set: {}", notes.join("; "));
        pod.metadata.annotations.get_or_insert_default().insert(ANNOTATION.to_owned(), note);
    }
}

fn fill_container(
    container: &mut Container,
    what: &str,
    (requests, limits): (&Amounts, &Amounts),
    notes: &mut Vec<String>,
) {
    let own = container.resources.get_or_insert_default();
    for (list, defaults, field) in
        [(&mut own.requests, requests, "request"), (&mut own.limits, limits, "limit")]
    {
        let mut missing = resources::list(defaults);
        missing.retain(|name, _| !list.or_empty().contains_key(name));
        if !missing.is_empty() {
            let names: Vec<&str> = missing.keys().map(String::as_str).collect();
            notes.push(format!("{} {field} for {what} {}", names.join(", "), container.name));
            list.get_or_insert_default().extend(missing);
        }
    }
}

fn check_pod(pod: &Pod, item: &LimitRangeItem) -> Vec<String> {
    let none = PodSpec::default();
    let spec = pod.spec.as_ref().unwrap_or(&none);
    match item.type_.as_str() {
        CONTAINER => {
            let init = spec.init_containers.iter().flatten();
            let needs = spec.containers.iter().chain(init).map(of_container);
            needs.flat_map(|needs| check(item, &needs)).collect()
        }
        POD => check(item, &Needs::of_spec(spec)),
        _ => Vec::new(),
    }
}

fn of_container(container: &Container) -> Needs {
    let resources = container.resources.clone().unwrap_or_default();
    Needs {
        requests: resources::amounts(resources.requests.or_empty()),
        limits: resources::amounts(resources.limits.or_empty()),
    }
}

/// What is wrong with needs that an item bounds.
fn check(item: &LimitRangeItem, needs: &Needs) -> Vec<String> {
    let kind = item.type_.as_str();
    let min = resources::amounts(item.min.or_empty());
    let max = resources::amounts(item.max.or_empty());
    let ratios = resources::amounts(item.max_limit_request_ratio.or_empty());
    let mut problems = Vec::new();
    problems.extend(min.iter().filter_map(|(name, min)| too_little(kind, name, min, needs)));
    problems.extend(max.iter().filter_map(|(name, max)| too_much(kind, name, max, needs)));
    problems.extend(ratios.iter().filter_map(|(name, max)| too_far(kind, name, max, needs)));
    problems
}

fn too_little(kind: &str, name: &str, min: &Quantity, needs: &Needs) -> Option<String> {
    let rule = format!("minimum {name} usage per {kind} is {min}");
    match (needs.requests.get(name), needs.limits.get(name)) {
        (None, _) => Some(format!("{rule}.  No request is specified")),
        (Some(request), _) if request < min => Some(format!("{rule}, but request is {request}")),
        (_, Some(limit)) if limit < min => Some(format!("{rule}, but limit is {limit}")),
        _ => None,
    }
}

fn too_much(kind: &str, name: &str, max: &Quantity, needs: &Needs) -> Option<String> {
    let rule = format!("maximum {name} usage per {kind} is {max}");
    match (needs.limits.get(name), needs.requests.get(name)) {
        (None, _) => Some(format!("{rule}.  No limit is specified")),
        (Some(limit), _) if limit > max => Some(format!("{rule}, but limit is {limit}")),
        (_, Some(request)) if request > max => Some(format!("{rule}, but request is {request}")),
        _ => None,
    }
}

fn too_far(kind: &str, name: &str, max: &Quantity, needs: &Needs) -> Option<String> {
    let rule = format!("{name} max limit to request ratio per {kind} is {max}");
    let amount = |list: &Amounts| list.get(name).filter(|amount| !amount.is_zero()).cloned();
    let Some(request) = amount(&needs.requests) else {
        return Some(format!("{rule}, but no request is specified or request is 0"));
    };
    let Some(limit) = amount(&needs.limits) else {
        return Some(format!("{rule}, but no limit is specified or limit is 0"));
    };
    let ratio = limit.approximate() / request.approximate();
    resources::compare_ratio(&limit, &request, max)
        .is_gt()
        .then(|| format!("{rule}, but provided ratio is {ratio:.6}"))
}

/// A claim has no limits of its own: bounds are about what it asks for.
fn check_claim(claim: &PersistentVolumeClaim, item: &LimitRangeItem) -> Vec<String> {
    if item.type_ != CLAIM {
        return Vec::new();
    }
    let own = claim.spec.as_ref().and_then(|spec| spec.resources.clone()).unwrap_or_default();
    let requests = resources::amounts(own.requests.or_empty());
    let needs = Needs { limits: Amounts::new(), requests };
    let min = resources::amounts(item.min.or_empty());
    let max = resources::amounts(item.max.or_empty());
    let mut problems = Vec::new();
    problems.extend(min.iter().filter_map(|(name, min)| too_little(CLAIM, name, min, &needs)));
    for (name, max) in &max {
        let rule = format!("maximum {name} usage per {CLAIM} is {max}");
        match needs.requests.get(name) {
            None => problems.push(format!("{rule}.  No request is specified")),
            Some(request) if request > max => {
                problems.push(format!("{rule}, but request is {request}"));
            }
            Some(_) => {}
        }
    }
    problems
}
