//! Starts every task of the room and stops them together.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::Client;
use controllers::Facts;
use meta::Clock;
use tokio::task::JoinSet;

use crate::apply::Applier;
use crate::apply::certificates::Signer;
use crate::binding::Binder;
use crate::caches::Caches;
use crate::collector::{self, Collector};
use crate::events::Recorder;
use crate::report::Report;
use crate::runner::Runner;

/// Keys of one controller that are worked on at once.
const WORKERS: usize = 4;

/// What runs, and with which facts.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Names of controllers that do not run, as `kube-controller-manager` calls them, and
    /// `scheduler`.
    pub disabled: BTreeSet<String>,
    /// The certificates that clients trust the API server by, in PEM.
    pub root_ca: String,
    /// What signs certificates; without it no request for one is answered.
    pub signer: Option<Arc<dyn Signer>>,
    /// Counters that the caller wants to read.
    pub report: Arc<Report>,
}

/// Why the room ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that no controller has.
    #[error("there is no controller {0:?}")]
    UnknownController(String),
    /// A task panicked, which is a bug.
    #[error("a task of the control room broke")]
    Task(#[source] tokio::task::JoinError),
}

/// Names that need no entry in the list of `controllers`.
const OTHERS: [&str; 2] = ["garbage-collector", "scheduler"];

/// Names that Kubernetes has given up and still understands.
const OLD_NAMES: [(&str, &str); 6] = [
    ("endpoint", "endpoints"),
    ("endpointslicemirroring", "endpointslice-mirroring"),
    ("garbagecollector", "garbage-collector"),
    ("nodelifecycle", "node-lifecycle"),
    ("podgc", "pod-garbage-collector"),
    ("root-ca-cert-publisher", "root-ca-certificate-publisher"),
];

fn is_disabled(config: &Config, name: &str) -> bool {
    config.disabled.iter().any(|given| is_called(name, given))
}

/// Whether a given name means a controller: `deployment`, `deployment-controller`, or an old name.
fn is_called(name: &str, given: &str) -> bool {
    let short = given.strip_suffix("-controller").unwrap_or(given);
    name == given || name == short || OLD_NAMES.contains(&(short, name))
}

/// Runs controllers and scheduler until `shutdown` is ready. Plans that are being carried out are
/// dropped where they are: every prefix of a plan is safe.
pub async fn run(
    client: Client,
    clock: Arc<dyn Clock>,
    config: Config,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let controllers = controllers::all();
    for name in &config.disabled {
        let mut known = controllers.iter().map(|controller| controller.name()).chain(OTHERS);
        if !known.any(|known| is_called(known, name)) {
            return Err(Error::UnknownController(name.clone()));
        }
    }
    let client = client.with_user_agent("kube-controller-manager");
    let mut tasks = JoinSet::new();
    let (recorder, writing) = Recorder::new(client.clone(), clock.clone());
    tasks.spawn(writing);
    let (caches, drivers) = Caches::new(&client);
    let caches = Arc::new(caches);
    for driver in drivers {
        tasks.spawn(driver);
    }
    if !is_disabled(&config, "scheduler") {
        let report = config.report.clone();
        let binder = Binder::new(client.clone(), recorder.clone(), clock.clone(), report);
        tasks.spawn(binder.run(caches.clone()));
    }
    let is_collecting = !is_disabled(&config, "garbage-collector");
    let applier = Applier::new(client.clone(), recorder.clone(), "garbage-collector-controller");
    let collector = Collector::new(client.clone(), applier, is_collecting);
    tasks.spawn(collector::task(collector.clone()));
    let facts = Arc::new(Facts { root_ca: config.root_ca.clone() });
    for controller in controllers {
        if is_disabled(&config, controller.name()) {
            continue;
        }
        let client = client.clone().with_user_agent(controller.agent());
        let applier = Applier::new(client, recorder.clone(), controller.component())
            .with_signer(config.signer.clone());
        let runner = Runner::new(
            controller,
            caches.clone(),
            Arc::new(applier),
            clock.clone(),
            facts.clone(),
            collector.clone(),
            config.report.clone(),
        );
        tasks.spawn(async move {
            runner.listen().await;
            let mut workers = JoinSet::new();
            workers.spawn(runner.clone().resync());
            for _ in 0..WORKERS {
                workers.spawn(runner.clone().work());
            }
            while let Some(ended) = workers.join_next().await {
                if let Err(error) = ended {
                    std::panic::resume_unwind(error.into_panic());
                }
            }
        });
    }
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            ended = tasks.join_next() => if let Some(Err(error)) = ended { return Err(Error::Task(error)) },
        }
    }
}
