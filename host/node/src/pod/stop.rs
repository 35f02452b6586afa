//! Ending one container: the hook, the request, and the kill when patience ends.
//! <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination>

use jiff::Timestamp;

use super::after_secs;
use super::event::Effect;
use super::machine::{GRACE_SECS_MIN, Turn, is_killed};
use super::probe::Probes;
use super::state::{State, StopPhase, Stopping};

impl Turn<'_> {
    /// Begins to end a running instance; one that is being made is killed.
    pub(super) fn stop(&mut self, index: usize, kill: Timestamp, message: String) {
        let now = self.now;
        let plan = &self.pod.plan.containers[index];
        let container = &mut self.pod.containers[index];
        let instance = container.instance;
        let (started, probes, is_made) = match &container.state {
            State::Running { started, probes, .. } => (*started, (**probes).clone(), true),
            State::Creating => (now, Probes::new(plan, now), false),
            _ => return,
        };
        let left_secs = (kill.as_millisecond() - now.as_millisecond()) / 1000;
        let (phase, effect) = if !is_made || kill <= now {
            (StopPhase::Killed, Effect::Kill { container: index, instance })
        } else if plan.pre_stop.is_some() {
            let within_secs = left_secs.max(1);
            (StopPhase::Hook, Effect::PreStop { container: index, instance, within_secs })
        } else {
            (StopPhase::Asked, Effect::Stop { container: index, instance })
        };
        container.state = State::Stopping(Box::new(Stopping { started, probes, kill, phase }));
        self.record(false, "Killing", message, Some(index));
        self.effects.push(effect);
        self.is_changed = true;
    }

    /// Loses patience when it is time.
    pub(super) fn progress_stop(&mut self, index: usize) {
        let now = self.now;
        let container = &mut self.pod.containers[index];
        let instance = container.instance;
        let State::Stopping(stopping) = &mut container.state else { return };
        if is_killed(stopping.phase) {
            return;
        }
        let is_forced = self.pod.deleting.is_some_and(|deleting| deleting.is_removed);
        if stopping.kill <= now {
            if stopping.phase == StopPhase::Hook && !is_forced {
                // The hook has used up the time; the program gets the least there is.
                stopping.phase = StopPhase::Asked;
                stopping.kill = after_secs(now, GRACE_SECS_MIN);
                self.effects.push(Effect::Stop { container: index, instance });
            } else {
                stopping.phase = StopPhase::Killed;
                self.effects.push(Effect::Kill { container: index, instance });
            }
            return;
        }
        self.begin_probes(index);
    }

    /// Gives a container that will not begin again its final state.
    pub(super) fn settle(&mut self, index: usize) {
        let container = &mut self.pod.containers[index];
        if let State::BackingOff { ended, .. } = &container.state {
            container.state = State::Ended(ended.clone());
            self.is_changed = true;
        }
    }
}
