//! Amounts of what Pods ask for and nodes have, as integers: thousandths of a CPU, bytes, counts.
//!
//! A Pod's request is the sum over its containers or the largest init container, whichever is more, plus its overhead; sidecars (init
//! containers that restart) count as containers, and towards every init container after them
//! (<https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers>).

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Container, PodSpec},
    apimachinery::pkg::api::resource::Quantity as WireQuantity,
};
use meta::quantity::Quantity;

/// What scores assume of a container that asks for nothing, so that such Pods spread as well.
const DEFAULT_MILLI_CPU: i64 = 100;
const DEFAULT_MEMORY: i64 = 200 * 1024 * 1024;

/// Amounts by name; the usual three have fields because every decision reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    pub milli_cpu: i64,
    pub memory_bytes: i64,
    pub storage_bytes: i64,
    /// Extended resources and huge pages, in whole units.
    pub others: BTreeMap<String, i64>,
}

impl Resources {
    /// Reads a resource list of the API. What cannot be parsed was refused by validation and counts as nothing.
    pub fn from_list(list: Option<&BTreeMap<String, WireQuantity>>) -> Self {
        let mut resources = Self::default();
        for (name, quantity) in list.into_iter().flatten() {
            let Ok(quantity) = Quantity::parse(&quantity.0) else { continue };
            match name.as_str() {
                "cpu" => resources.milli_cpu = quantity.millis(),
                "memory" => resources.memory_bytes = quantity.value(),
                "ephemeral-storage" => resources.storage_bytes = quantity.value(),
                "pods" => {}
                _ => {
                    resources.others.insert(name.clone(), quantity.value());
                }
            }
        }
        resources
    }

    /// What a Pod asks for.
    pub fn requested_by(spec: &PodSpec) -> Self {
        Self::total(spec, |container| {
            let requests =
                container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
            Self::from_list(requests)
        })
    }

    /// What scores assume that a Pod uses.
    pub(crate) fn assumed_of(spec: &PodSpec) -> Self {
        Self::total(spec, |container| {
            let requests =
                container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
            let mut assumed = Self::from_list(requests);
            let asks = |name: &str| requests.is_some_and(|requests| requests.contains_key(name));
            if !asks("cpu") {
                assumed.milli_cpu = DEFAULT_MILLI_CPU;
            }
            if !asks("memory") {
                assumed.memory_bytes = DEFAULT_MEMORY;
            }
            assumed
        })
    }

    fn total(spec: &PodSpec, of: impl Fn(&Container) -> Self) -> Self {
        let mut running = Self::default();
        for container in &spec.containers {
            running.add(&of(container));
        }
        let (mut sidecars, mut starting) = (Self::default(), Self::default());
        for container in spec.init_containers.iter().flatten() {
            let own = of(container);
            if container.restart_policy.as_deref() == Some("Always") {
                sidecars.add(&own);
                running.add(&own);
                starting.raise_to(&sidecars);
            } else {
                let mut beside = sidecars.clone();
                beside.add(&own);
                starting.raise_to(&beside);
            }
        }
        running.raise_to(&starting);
        // Requests of the Pod as a whole take the place of its containers'.
        if let Some(requests) =
            spec.resources.as_ref().and_then(|resources| resources.requests.as_ref())
        {
            let whole = Self::from_list(Some(requests));
            if requests.contains_key("cpu") {
                running.milli_cpu = whole.milli_cpu;
            }
            if requests.contains_key("memory") {
                running.memory_bytes = whole.memory_bytes;
            }
        }
        running.add(&Self::from_list(spec.overhead.as_ref()));
        running
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.milli_cpu += other.milli_cpu;
        self.memory_bytes += other.memory_bytes;
        self.storage_bytes += other.storage_bytes;
        for (name, amount) in &other.others {
            *self.others.entry(name.clone()).or_default() += amount;
        }
    }

    pub(crate) fn subtract(&mut self, other: &Self) {
        self.milli_cpu -= other.milli_cpu;
        self.memory_bytes -= other.memory_bytes;
        self.storage_bytes -= other.storage_bytes;
        for (name, amount) in &other.others {
            *self.others.entry(name.clone()).or_default() -= amount;
        }
    }

    fn raise_to(&mut self, other: &Self) {
        self.milli_cpu = self.milli_cpu.max(other.milli_cpu);
        self.memory_bytes = self.memory_bytes.max(other.memory_bytes);
        self.storage_bytes = self.storage_bytes.max(other.storage_bytes);
        for (name, amount) in &other.others {
            let own = self.others.entry(name.clone()).or_default();
            *own = (*own).max(*amount);
        }
    }
}
