//! `APIService`: a group and version that can be asked for here.
//!
//! This server serves all of them itself. One that would send requests on to a Service (aggregation) is refused.
//!
//! See <https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/>.

use jiff::Timestamp;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::{
    APIService, APIServiceCondition, APIServiceSpec, APIServiceStatus,
};
use meta::field::FieldError;
use meta::{Tree, names};

use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, NameRule};

impl Kind for APIService {
    const INFO: KindInfo = KindInfo {
        singular: "apiservice",
        categories: &["api-extensions"],
        type_name: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
        status: true,
        status_keeps_metadata: true,
        name_rule: NameRule::PathSegment,
        unconditional_update: false,
        columns: &[
            columns::NAME,
            Column::text("Service", "The reference to the service that hosts this API endpoint."),
            Column::text("Available", "Whether this service is available."),
            columns::AGE,
        ],
        plain_finalizers: true,
        without_table: &["status"],
        ..KindInfo::cluster::<Self>()
    };

    fn on_create(&mut self) {
        let condition = APIServiceCondition {
            type_: AVAILABLE.to_owned(),
            status: "True".to_owned(),
            last_transition_time: self.metadata.creation_timestamp.clone(),
            reason: Some("Local".to_owned()),
            message: Some("Local APIServices are always available".to_owned()),
        };
        self.status = Some(APIServiceStatus { conditions: Some(vec![condition]) });
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let spec = self.spec.clone().unwrap_or_default();
        named_after(&mut errors, self.metadata.name.or_empty(), &spec);
        validate_spec(&mut errors, &spec);
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        Kind::validate(self)
    }

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let status = At::root("status");
        let all = status.field("conditions");
        for (index, condition) in conditions(self).iter().enumerate() {
            let at = all.index(index);
            let known = &["True", "False", "Unknown"];
            errors.one_of(&at.field("status"), &condition.status, known);
        }
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let available = conditions(self).iter().find(|condition| condition.type_ == AVAILABLE);
        let available = match available {
            None => "Unknown".to_owned(),
            Some(condition) if condition.status != "True" && !condition.reason.is_unset() => {
                format!("{} ({})", condition.status, condition.reason.or_empty())
            }
            Some(condition) => condition.status.clone(),
        };
        vec![
            columns::name(&self.metadata),
            Tree::from("Local"),
            Tree::from(available),
            columns::age(&self.metadata, now),
        ]
    }
}

const AVAILABLE: &str = "Available";
const SPEC: At<'static> = At::root("spec");

fn conditions(service: &APIService) -> &[APIServiceCondition] {
    service.status.as_ref().map(|status| status.conditions.or_empty()).unwrap_or_default()
}

fn named_after(errors: &mut Errors, name: &str, spec: &APIServiceSpec) {
    let wanted = format!("{}.{}", spec.version.or_empty(), spec.group.or_empty());
    if !name.is_empty() && crate::path_segment(name).is_empty() && name != wanted {
        let detail = format!("must be `spec.version+\".\"+spec.group`: {}", meta::quote(&wanted));
        errors.invalid(&At::root("metadata").field("name"), name, detail);
    }
}

fn validate_spec(errors: &mut Errors, spec: &APIServiceSpec) {
    let (group, version) = (spec.group.or_empty(), spec.version.or_empty());
    let at = SPEC.field("group");
    if !group.is_empty() {
        errors.invalid_each(&at, group, names::is_dns1123_subdomain(group));
    } else if version != "v1" {
        let detail = "only v1 may have an empty group and it better be legacy kube";
        errors.required(&at, detail);
    }
    errors.invalid_each(&SPEC.field("version"), version, names::is_dns1035_label(version));
    let minimum = spec.group_priority_minimum;
    if !(1..=20_000).contains(&minimum) {
        let detail = "must be positive and less than 20000";
        errors.invalid(&SPEC.field("groupPriorityMinimum"), minimum, detail);
    }
    let priority = spec.version_priority;
    if !(1..=1000).contains(&priority) {
        let detail = "must be positive and less than 1000";
        errors.invalid(&SPEC.field("versionPriority"), priority, detail);
    }
    if spec.service.is_some() {
        let detail = "aggregation is not supported: every API is served by this server itself";
        errors.forbidden(&SPEC.field("service"), detail);
        return;
    }
    let bundle = spec.ca_bundle.as_ref().map_or(0, |bundle| bundle.0.len());
    if bundle > 0 {
        let detail = "local APIServices may not have a caBundle";
        errors.invalid(&SPEC.field("caBundle"), format!("{bundle} bytes"), detail);
    }
    if spec.insecure_skip_tls_verify == Some(true) {
        let detail = "local APIServices may not have insecureSkipTLSVerify";
        errors.invalid(&SPEC.field("insecureSkipTLSVerify"), true, detail);
    }
}
