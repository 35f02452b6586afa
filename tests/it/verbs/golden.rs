//! A file of requests and answers, read and written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Told, request::Request};

/// All kinds that are not named.
const OTHERS: &str = "*";

#[derive(Default)]
pub(super) struct Golden {
    exchanges: Vec<Exchange>,
}

#[derive(Default)]
struct Exchange {
    /// Comments and empty lines before the request.
    before: String,
    request: Request,
    /// By kinds.
    answers: BTreeMap<String, Known>,
}

#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Known {
    ours: String,
    /// What Kubernetes answers, where it is not ours.
    theirs: String,
}

impl Golden {
    pub(super) fn parse(text: &str) -> Self {
        let mut exchanges: Vec<Exchange> = Vec::new();
        let (mut before, mut labels, mut known) = (String::new(), Vec::new(), Known::default());
        let keep = |exchanges: &mut Vec<Exchange>, labels: &mut Vec<String>, known: &mut Known| {
            let known = std::mem::take(known);
            for label in labels.drain(..) {
                let exchange = exchanges.last_mut().expect("answers follow a request");
                exchange.answers.insert(label, known.clone());
            }
        };
        for line in text.lines() {
            match line.chars().next() {
                Some('=' | ' ' | '!') => writeln!(known.ours, "{line}").unwrap(),
                Some('~') => writeln!(known.theirs, "{}", &line[2..]).unwrap(),
                Some('@') => {
                    keep(&mut exchanges, &mut labels, &mut known);
                    labels = line[2..].split(' ').map(str::to_owned).collect();
                }
                None | Some('#') => {
                    keep(&mut exchanges, &mut labels, &mut known);
                    writeln!(before, "{line}").unwrap();
                }
                Some(_) => {
                    keep(&mut exchanges, &mut labels, &mut known);
                    let request = Request::parse(line);
                    let before = std::mem::take(&mut before);
                    exchanges.push(Exchange { before, request, ..Exchange::default() });
                }
            }
        }
        keep(&mut exchanges, &mut labels, &mut known);
        Self { exchanges }
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.exchanges.iter().map(|exchange| &exchange.request)
    }

    /// How answers differ from those that are known.
    pub(super) fn differences(&self, file: &str, told: impl Iterator<Item = Told>) -> Vec<String> {
        let mut asked: Vec<Vec<String>> = vec![Vec::new(); self.exchanges.len()];
        let mut differences = Vec::new();
        for (index, label, got) in told {
            let exchange = &self.exchanges[index];
            let wanted = exchange.known(&label).map_or("", |known| known.ours.as_str());
            if wanted != got {
                differences.push(format!(
                    "{file}: {label}: {}\nknown:\n{wanted}answered:\n{got}",
                    exchange.request.text
                ));
            }
            asked[index].push(label);
        }
        for (exchange, asked) in self.exchanges.iter().zip(asked) {
            let named = exchange.answers.keys().filter(|label| *label != OTHERS);
            for label in named.filter(|label| !asked.contains(label)) {
                differences
                    .push(format!("{file}: {label} is not there: {}\n", exchange.request.text));
            }
        }
        differences
    }

    /// The file with new answers, ours or those of Kubernetes.
    pub(super) fn recorded(&self, told: impl Iterator<Item = Told>, is_ours: bool) -> String {
        let mut answers = vec![BTreeMap::<Known, Vec<String>>::new(); self.exchanges.len()];
        for (index, label, answer) in told {
            let before = self.exchanges[index].known(&label).cloned().unwrap_or_default();
            answers[index].entry(before.with(answer, is_ours)).or_default().push(label);
        }
        let mut text = String::new();
        for (exchange, answers) in self.exchanges.iter().zip(answers) {
            writeln!(text, "{}{}", exchange.before, exchange.request.text).unwrap();
            let mut groups: Vec<(Known, Vec<String>)> = answers.into_iter().collect();
            groups.iter_mut().for_each(|(_, labels)| labels.sort());
            groups.sort_by(|(_, left), (_, right)| {
                right.len().cmp(&left.len()).then_with(|| left.cmp(right))
            });
            for (index, (known, labels)) in groups.iter().enumerate() {
                let labels = if index == 0 { OTHERS.to_owned() } else { labels.join(" ") };
                if known.ours.is_empty() {
                    continue;
                }
                write!(text, "@ {labels}\n{}", known.ours).unwrap();
                for line in known.theirs.lines() {
                    writeln!(text, "~ {line}").unwrap();
                }
            }
        }
        text
    }
}

impl Known {
    /// What is known with one more answer. Where ours is known to differ, both are kept.
    fn with(self, answer: String, is_ours: bool) -> Self {
        let theirs = if self.theirs.is_empty() { &self.ours } else { &self.theirs };
        let (ours, theirs) = if is_ours {
            (answer, theirs.clone())
        } else if self.theirs.is_empty() {
            (answer, String::new())
        } else {
            (self.ours, answer)
        };
        let theirs = if ours == theirs { String::new() } else { theirs };
        Self { ours, theirs }
    }
}

impl Exchange {
    fn known(&self, label: &str) -> Option<&Known> {
        self.answers.get(label).or_else(|| self.answers.get(OTHERS))
    }
}
