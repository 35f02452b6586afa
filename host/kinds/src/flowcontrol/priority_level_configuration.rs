//! `PriorityLevelConfiguration`: how much of the API server some requests get, and what happens to those that do not fit.
//!
//! See <https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#prioritylevelconfiguration>.

use jiff::Timestamp;
use k8s_openapi::api::flowcontrol::v1::{
    ExemptPriorityLevelConfiguration, LimitResponse, LimitedPriorityLevelConfiguration,
    PriorityLevelConfiguration, PriorityLevelConfigurationSpec, QueuingConfiguration,
};
use meta::Tree;
use meta::field::FieldError;

use super::{bootstrap, condition};
use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Generation, Kind, KindInfo, internal};

impl Kind for PriorityLevelConfiguration {
    const INFO: KindInfo = KindInfo {
        singular: "prioritylevelconfiguration",
        type_name: "io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration",
        status: true,
        status_keeps_metadata: true,
        generation: Generation::Spec,
        columns: &[
            columns::NAME,
            Column::of::<PriorityLevelConfigurationSpec>("Type", "type"),
            Column::of::<LimitedPriorityLevelConfiguration>(
                "NominalConcurrencyShares",
                "nominalConcurrencyShares",
            ),
            Column::of::<QueuingConfiguration>("Queues", "queues"),
            Column::of::<QueuingConfiguration>("HandSize", "handSize"),
            Column::of::<QueuingConfiguration>("QueueLengthLimit", "queueLengthLimit"),
            columns::AGE,
        ],
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        if let Some(exempt) = &mut self.spec.exempt {
            exempt.nominal_concurrency_shares.get_or_insert(0);
            exempt.lendable_percent.get_or_insert(0);
        }
        if let Some(limited) = &mut self.spec.limited {
            limited.nominal_concurrency_shares.get_or_insert(30);
            limited.lendable_percent.get_or_insert(0);
            if let Some(queuing) = &mut limited.limit_response.queuing {
                default_number(&mut queuing.queues, 64);
                default_number(&mut queuing.hand_size, 8);
                default_number(&mut queuing.queue_length_limit, 50);
            }
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let name = self.metadata.name.or_empty();
        if self.metadata.annotations.or_empty().contains_key(KEEPS_ZERO) {
            let detail = format!("annotation '{KEEPS_ZERO}' is forbidden");
            errors.forbidden(&At::root("metadata").field("annotations"), detail);
        }
        validate_spec(&mut errors, &self.spec, name);
        fixed_spec(&mut errors, &self.spec, name);
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        Kind::validate(self)
    }

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let conditions = self.status.iter().flat_map(|status| status.conditions.or_empty());
        condition::validate(&mut errors, conditions.map(|condition| &condition.type_));
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let limited = self.spec.limited.as_ref();
        let queuing = limited.and_then(|limited| limited.limit_response.queuing.as_ref());
        vec![
            columns::name(&self.metadata),
            Tree::from(self.spec.type_.as_str()),
            cell(limited.and_then(|limited| limited.nominal_concurrency_shares)),
            cell(queuing.and_then(|queuing| queuing.queues)),
            cell(queuing.and_then(|queuing| queuing.hand_size)),
            cell(queuing.and_then(|queuing| queuing.queue_length_limit)),
            columns::age(&self.metadata, now),
        ]
    }
}

/// Older versions of the kind said by it that they mean the 0 they have.
const KEEPS_ZERO: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";
const SPEC: At<'static> = At::root("spec");
const QUEUES_MAX: i32 = 10_000_000;
/// A hand is picked by the bits of one hash; more of them than this would not be spread evenly.
const HASH_BITS_MAX: i32 = 60;
const NO_NEGATIVE: &str = "must be a non-negative integer";

/// A number of a part that may be missing.
fn cell(number: Option<i32>) -> Tree {
    number.map_or_else(|| Tree::from(columns::NONE), Tree::from)
}

fn default_number(field: &mut Option<i32>, value: i32) {
    if field.unwrap_or_default() == 0 {
        *field = Some(value);
    }
}

fn validate_spec(errors: &mut Errors, spec: &PriorityLevelConfigurationSpec, name: &str) {
    let (type_, at) = (spec.type_.as_str(), SPEC.field("type"));
    if (name == bootstrap::EXEMPT) != (type_ == "Exempt") {
        errors.invalid(&at, type_, "must be 'Exempt' if and only if `name` is 'exempt'");
    }
    errors.required_one_of(&at, type_, &["Exempt", "Limited"]);
    let is_exempt = type_ == "Exempt";
    let exempt = |errors: &mut Errors| {
        let at = SPEC.field("exempt");
        match (&spec.exempt, is_exempt) {
            (Some(exempt), true) => validate_exempt(errors, &at, exempt),
            (Some(_), false) => errors.forbidden(&at, ""),
            (None, _) => {}
        }
    };
    // What is wrong with the part of its type comes first.
    if is_exempt {
        exempt(errors);
    }
    let at = SPEC.field("limited");
    match (&spec.limited, type_ == "Limited") {
        (Some(limited), true) => validate_limited(errors, &at, limited),
        (Some(limited), false) => {
            errors.forbidden(&at, "");
            // Only that it is whole is looked at.
            let at = at.field("limitResponse");
            if limited.limit_response.type_.is_empty() {
                errors.required(&at.field("type"), "");
            }
            queues(errors, &at, &limited.limit_response);
        }
        (None, true) => errors.required(&at, ""),
        (None, false) => {}
    }
    if !is_exempt {
        exempt(errors);
    }
}

fn validate_exempt(errors: &mut Errors, at: &At<'_>, exempt: &ExemptPriorityLevelConfiguration) {
    if let Some(shares) = exempt.nominal_concurrency_shares.filter(|shares| *shares < 0) {
        errors.invalid(&at.field("nominalConcurrencyShares"), shares, NO_NEGATIVE);
    }
    lendable(errors, at, exempt.lendable_percent);
}

fn lendable(errors: &mut Errors, at: &At<'_>, percent: Option<i32>) {
    if let Some(percent) = percent.filter(|percent| !(0..=100).contains(percent)) {
        errors.invalid(
            &at.field("lendablePercent"),
            percent,
            "must be between 0 and 100, inclusive",
        );
    }
}

fn validate_limited(errors: &mut Errors, at: &At<'_>, limited: &LimitedPriorityLevelConfiguration) {
    if let Some(shares) = limited.nominal_concurrency_shares.filter(|shares| *shares < 0) {
        errors.invalid(&at.field("nominalConcurrencyShares"), shares, NO_NEGATIVE);
    }
    let response = &limited.limit_response;
    let response_at = at.field("limitResponse");
    if let Some(queuing) = answer(errors, &response_at, response) {
        validate_queuing(errors, &response_at.field("queuing"), queuing);
    }
    lendable(errors, at, limited.lendable_percent);
    if let Some(percent) = limited.borrowing_limit_percent.filter(|percent| *percent < 0) {
        let detail = format!("if specified, {NO_NEGATIVE}");
        errors.invalid(&at.field("borrowingLimitPercent"), percent, detail);
    }
}

/// What is done with requests over the limit, and the queues if it is to queue them.
fn answer<'a>(
    errors: &mut Errors,
    at: &At<'_>,
    response: &'a LimitResponse,
) -> Option<&'a QueuingConfiguration> {
    errors.required_one_of(&at.field("type"), &response.type_, &["Queue", "Reject"]);
    queues(errors, at, response)
}

fn queues<'a>(
    errors: &mut Errors,
    at: &At<'_>,
    response: &'a LimitResponse,
) -> Option<&'a QueuingConfiguration> {
    let at = at.field("queuing");
    let queues = response.type_ == "Queue";
    match &response.queuing {
        Some(_) if !queues => errors.forbidden(&at, ""),
        None if queues => errors.required(&at, ""),
        queuing => return queuing.as_ref(),
    }
    None
}

fn validate_queuing(errors: &mut Errors, at: &At<'_>, queuing: &QueuingConfiguration) {
    let length = queuing.queue_length_limit.unwrap_or_default();
    if length <= 0 {
        errors.invalid(&at.field("queueLengthLimit"), length, "must be positive");
    }
    let (queues, queues_at) = (queuing.queues.unwrap_or_default(), at.field("queues"));
    if queues <= 0 {
        errors.invalid(&queues_at, queues, "must be positive");
    } else if queues > QUEUES_MAX {
        errors.invalid(&queues_at, queues, format!("must not be greater than {QUEUES_MAX}"));
    }
    let (hand, hand_at) = (queuing.hand_size.unwrap_or_default(), at.field("handSize"));
    if hand <= 0 {
        errors.invalid(&hand_at, hand, "must be positive");
    } else if hand > queues {
        errors.invalid(&hand_at, hand, format!("should not be greater than queues ({queues})"));
    } else if f64::from(queues).log2() * f64::from(hand) > f64::from(HASH_BITS_MAX) {
        let detail = format!(
            "required entropy bits of deckSize {queues} and handSize {hand} should not be greater \
             than {HASH_BITS_MAX}"
        );
        errors.invalid(&hand_at, hand, detail);
    }
}

/// Only the shares of the exempt level can be changed, and nothing of the other mandatory one.
fn fixed_spec(errors: &mut Errors, spec: &PriorityLevelConfigurationSpec, name: &str) {
    let Some(mut fixed) = bootstrap::mandatory_level(name) else { return };
    let mut except = "";
    if name == bootstrap::EXEMPT {
        fixed.exempt.clone_from(&spec.exempt);
        except = " except the 'spec.exempt' field";
    }
    if fixed != *spec {
        let detail = format!("spec of '{name}'{except} must equal the fixed value");
        let shown = internal::value("@PriorityLevelConfigurationSpec", spec);
        errors.invalid(&SPEC, shown, detail);
    }
}
