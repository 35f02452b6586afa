//! When a probe is due and what its results mean: thresholds, delays and the hold that a startup probe puts on the others. Pure.
//! <https://kubernetes.io/docs/concepts/workloads/pods/probes/>

use jiff::Timestamp;

use super::plan::{ContainerPlan, ProbePlan};
use super::{after, after_secs};

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Startup,
    Liveness,
    Readiness,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Startup, Self::Liveness, Self::Readiness];

    /// The name as events write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Liveness => "Liveness",
            Self::Readiness => "Readiness",
        }
    }

    pub(crate) fn plan(self, container: &ContainerPlan) -> Option<&ProbePlan> {
        match self {
            Self::Startup => container.startup.as_ref(),
            Self::Liveness => container.liveness.as_ref(),
            Self::Readiness => container.readiness.as_ref(),
        }
    }
}

/// The probes of one running instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probes {
    startup: Option<Series>,
    liveness: Option<Series>,
    readiness: Option<Series>,
    /// The container has started, in the sense of its startup probe.
    pub(crate) is_started: bool,
    pub(crate) is_ready: bool,
}

/// The results of one probe so far.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Series {
    /// When it runs next; none while it runs.
    due: Option<Timestamp>,
    last_begin: Timestamp,
    successes: u32,
    failures: u32,
}

/// What a result leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Nothing,
    /// Started or ready has changed.
    Changed,
    /// The container must be stopped, with this grace period instead of the Pod's.
    Stop(Option<i64>),
}

impl Probes {
    pub(crate) fn new(plan: &ContainerPlan, started: Timestamp) -> Self {
        let series = |kind: Kind| {
            kind.plan(plan).map(|probe| {
                let due = after_secs(started, probe.delay_secs);
                Series { due: Some(due), last_begin: started, successes: 0, failures: 0 }
            })
        };
        let is_started = plan.startup.is_none();
        Self {
            startup: series(Kind::Startup),
            liveness: series(Kind::Liveness),
            readiness: series(Kind::Readiness),
            is_started,
            is_ready: is_started && plan.readiness.is_none(),
        }
    }

    fn series(&mut self, kind: Kind) -> Option<&mut Series> {
        match kind {
            Kind::Startup => self.startup.as_mut(),
            Kind::Liveness => self.liveness.as_mut(),
            Kind::Readiness => self.readiness.as_mut(),
        }
    }

    /// Whether a probe may run: the startup probe until it has passed, the others from then on. A stopping container is asked only whether it is ready.
    fn is_active(&self, kind: Kind, is_stopping: bool) -> bool {
        match kind {
            Kind::Startup => !self.is_started && !is_stopping,
            Kind::Liveness => self.is_started && !is_stopping,
            Kind::Readiness => self.is_started,
        }
    }

    /// The next moment at which a probe is due.
    pub(crate) fn next(&self, is_stopping: bool) -> Option<Timestamp> {
        let due = |kind: Kind, series: &Option<Series>| {
            series.as_ref().filter(|_| self.is_active(kind, is_stopping)).and_then(|s| s.due)
        };
        [
            due(Kind::Startup, &self.startup),
            due(Kind::Liveness, &self.liveness),
            due(Kind::Readiness, &self.readiness),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The probes to run now; they count as running from here.
    pub(crate) fn begin_due(&mut self, is_stopping: bool, now: Timestamp) -> Vec<Kind> {
        let mut begun = Vec::new();
        for kind in Kind::ALL {
            if !self.is_active(kind, is_stopping) {
                continue;
            }
            if let Some(series) = self.series(kind)
                && series.due.is_some_and(|due| due <= now)
            {
                series.due = None;
                series.last_begin = now;
                begun.push(kind);
            }
        }
        begun
    }

    /// Takes a result.
    pub(crate) fn take(
        &mut self,
        kind: Kind,
        is_success: bool,
        plan: &ContainerPlan,
        is_stopping: bool,
        now: Timestamp,
    ) -> Verdict {
        let Some(probe) = kind.plan(plan) else { return Verdict::Nothing };
        let is_active = self.is_active(kind, is_stopping);
        let Some(series) = self.series(kind) else { return Verdict::Nothing };
        let period = after_secs(series.last_begin, probe.period_secs);
        // A probe that took longer than its period runs again at once, but never in a hot loop.
        series.due = Some(period.max(after(now, 1)));
        if !is_active {
            return Verdict::Nothing;
        }
        if is_success {
            series.successes += 1;
            series.failures = 0;
        } else {
            series.failures += 1;
            series.successes = 0;
        }
        let passed = is_success && series.successes >= probe.success_threshold;
        let failed = !is_success && series.failures >= probe.failure_threshold;
        match kind {
            Kind::Startup if passed => {
                self.is_started = true;
                self.is_ready = plan.readiness.is_none();
                Verdict::Changed
            }
            Kind::Startup | Kind::Liveness if failed => Verdict::Stop(probe.grace_secs),
            Kind::Readiness if passed && !self.is_ready => {
                self.is_ready = true;
                Verdict::Changed
            }
            Kind::Readiness if failed && self.is_ready => {
                self.is_ready = false;
                Verdict::Changed
            }
            Kind::Startup | Kind::Liveness | Kind::Readiness => Verdict::Nothing,
        }
    }
}
