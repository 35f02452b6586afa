//! `DeviceClass`: devices of a sort, and how they are set up.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#deviceclass>.

use k8s_openapi::api::resource::v1::DeviceClass;
use meta::field::FieldError;
use meta::names;

use super::{claim, config, list, request};
use crate::check::{At, Errors};
use crate::wire::OrEmpty;
use crate::{DeleteAnswer, Generation, Kind, KindInfo, PrefixRule};

impl Kind for DeviceClass {
    const INFO: KindInfo = KindInfo {
        singular: "deviceclass",
        type_name: "io.k8s.api.resource.v1.DeviceClass",
        generation: Generation::Spec,
        delete_answer: DeleteAnswer::Object,
        prefix_rule: PrefixRule::Never,
        ..KindInfo::cluster::<Self>()
    };

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let Some(spec) = &self.spec else { return Vec::new() };
        let at = At::root("spec");
        request::selectors(&mut errors, &at.field("selectors"), spec.selectors.or_empty());
        let (configs, all) = (spec.config.or_empty(), at.field("config"));
        list::each(&mut errors, &all, configs, claim::CONFIGS_MAX, |errors, at, config| {
            config::validate(errors, at, config.opaque.as_ref());
            config::declared(errors, at, config.opaque.as_ref());
        });
        if let Some(name) = &spec.extended_resource_name {
            extended_resource_name(&mut errors, &at.field("extendedResourceName"), name);
        }
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        Kind::validate(self)
    }
}

fn extended_resource_name(errors: &mut Errors, at: &At<'_>, name: &str) {
    const KUBERNETES: &str = "kubernetes.io/";
    const QUOTA: &str = "requests.";
    if !name.contains('/') {
        let detail = "a name must be a domain-prefixed path, such as 'example.com/my-prop'";
        errors.invalid(at, name, detail);
    } else if name.contains(KUBERNETES) {
        errors.invalid(at, name, format!("must not have \"{KUBERNETES}\" domain"));
    }
    if name.starts_with(QUOTA) {
        errors.invalid(at, name, format!("must not have \"{QUOTA}\" prefix"));
    }
    errors.invalid_each(at, name, names::is_qualified_name(&format!("{QUOTA}{name}")));
}
