//! The Pods of this node by name, for those who ask from outside the agent's loop: logs, port-forwards, usage.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::RwLock;
use runtime::Account;

/// What is known of one Pod.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) uid: Box<str>,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) containers: Vec<ListedContainer>,
}

/// And of one of its containers.
#[derive(Clone, Debug)]
pub(crate) struct ListedContainer {
    pub(crate) name: Box<str>,
    /// The newest instance that has begun; 0 where none has.
    pub(crate) instance: u32,
    /// Why it has not begun.
    pub(crate) waiting: &'static str,
    pub(crate) account: Weak<Account>,
}

/// What a container uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub namespace: String,
    pub pod: String,
    pub container: String,
    pub cpu: Duration,
    pub memory_bytes: u64,
}

/// Namespace and name.
type Name = (Box<str>, Box<str>);

/// The names.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pods: RwLock<HashMap<Name, Arc<Listed>>>,
}

impl Directory {
    pub(crate) fn set(&self, namespace: &str, name: &str, listed: Listed) {
        self.pods.write().insert((namespace.into(), name.into()), Arc::new(listed));
    }

    /// Removes a Pod, unless the name belongs to a newer one already.
    pub(crate) fn remove(&self, namespace: &str, name: &str, uid: &str) {
        let mut pods = self.pods.write();
        let key = (namespace.into(), name.into());
        if pods.get(&key).is_some_and(|listed| &*listed.uid == uid) {
            pods.remove(&key);
        }
    }

    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Listed>> {
        self.pods.read().get(&(namespace.into(), name.into())).cloned()
    }

    /// What all running containers use now.
    pub(crate) fn usage(&self) -> Vec<Usage> {
        let pods = self.pods.read();
        let mut usage = Vec::new();
        for ((namespace, pod), listed) in pods.iter() {
            for container in &listed.containers {
                let Some(account) = container.account.upgrade() else { continue };
                usage.push(Usage {
                    namespace: namespace.to_string(),
                    pod: pod.to_string(),
                    container: container.name.to_string(),
                    cpu: account.cpu(),
                    memory_bytes: account.memory_bytes(),
                });
            }
        }
        usage
    }
}
