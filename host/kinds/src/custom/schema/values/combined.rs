//! `allOf`, `anyOf`, `oneOf` and `not`.

use super::{Outcome, Subject, Walk};

impl<'a> Walk<'a> {
    pub(super) fn combined(&mut self, subject: Subject<'a>) -> Outcome {
        let checks = &subject.node.checks;
        let mut outcome = Outcome::default();
        let path = meta::quote(&self.path);
        if !checks.any_of.is_empty() {
            self.any_of(subject, &path, &mut outcome);
        }
        if !checks.one_of.is_empty() {
            self.one_of(subject, &path, &mut outcome);
        }
        if !checks.all_of.is_empty() {
            self.all_of(subject, &path, &mut outcome);
        }
        if let Some(not) = &checks.not
            && self.value(Subject { node: not, ..subject }).is_good()
        {
            outcome.add(self.anywhere(format!("{path} must not validate the schema (not)")));
        }
        outcome.matched += 1;
        outcome
    }

    /// Of alternatives that all fail, the one is told of which most was right.
    fn any_of(&mut self, subject: Subject<'a>, path: &str, outcome: &mut Outcome) {
        let mut best: Option<Outcome> = None;
        for node in &subject.node.checks.any_of {
            let found = self.value(Subject { node, ..subject });
            if found.is_good() {
                outcome.merge(found);
                return;
            }
            if best.as_ref().is_none_or(|best| found.matched > best.matched) {
                best = Some(found);
            }
        }
        outcome.add(self.anywhere(format!("{path} must validate at least one schema (anyOf)")));
        best.into_iter().for_each(|best| outcome.merge(best));
    }

    fn one_of(&mut self, subject: Subject<'a>, path: &str, outcome: &mut Outcome) {
        let (mut best, mut first): (Option<Outcome>, Option<Outcome>) = (None, None);
        let mut good = 0;
        for node in &subject.node.checks.one_of {
            let found = self.value(Subject { node, ..subject });
            if found.is_good() {
                good += 1;
                best = None;
                first.get_or_insert(found);
            } else if good == 0 && best.as_ref().is_none_or(|best| found.matched > best.matched) {
                best = Some(found);
            }
        }
        if good == 1 {
            first.into_iter().for_each(|first| outcome.merge(first));
            return;
        }
        let found = match good {
            0 => "Found none valid".to_owned(),
            several => format!("Found {several} valid alternatives"),
        };
        let message = format!("{path} must validate one and only one schema (oneOf). {found}");
        outcome.add(self.anywhere(message));
        best.into_iter().for_each(|best| outcome.merge(best));
    }

    fn all_of(&mut self, subject: Subject<'a>, path: &str, outcome: &mut Outcome) {
        let all = &subject.node.checks.all_of;
        let mut good = 0;
        for node in all {
            let found = self.value(Subject { node, ..subject });
            good += usize::from(found.is_good());
            outcome.merge(found);
        }
        if good != all.len() {
            let none = if good == 0 { ". None validated" } else { "" };
            let message = format!("{path} must validate all the schemas (allOf){none}");
            outcome.add(self.anywhere(message));
        }
    }
}
