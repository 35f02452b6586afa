//! An Ingress that names no class gets the one that is marked as the default: the newest, if there are several.
//!
//! See <https://kubernetes.io/docs/concepts/services-networking/ingress/#default-ingress-class>.

use std::cmp::Reverse;

use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kinds::Object;
use meta::{GroupResource, Key, StatusError};

use super::{Attempted, Plugin};

const IS_DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
/// Where the class was named before there was a field for it.
const CLASS: &str = "kubernetes.io/ingress.class";

pub(super) struct DefaultIngressClass;

impl Plugin for DefaultIngressClass {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let Some(ingress) =
            object.as_any_mut().downcast_mut::<Ingress>().filter(|_| attempted.creates())
        else {
            return Ok(());
        };
        let annotations = ingress.metadata.annotations.as_ref();
        let is_annotated = annotations.is_some_and(|annotations| annotations.contains_key(CLASS));
        let spec = ingress.spec.get_or_insert_default();
        if spec.ingress_class_name.is_none() && !is_annotated {
            spec.ingress_class_name = default_class(attempted);
        }
        Ok(())
    }
}

fn default_class(attempted: &Attempted<'_>) -> Option<String> {
    let classes = GroupResource::new("networking.k8s.io", "ingressclasses");
    attempted
        .snapshot
        .range(&Key::prefix(&classes, Some("")), None)
        .filter_map(|entry| serde_json::from_slice::<IngressClass>(&entry.body).ok())
        .map(|class| class.metadata)
        .filter(|metadata| {
            let annotations = metadata.annotations.as_ref();
            annotations
                .and_then(|annotations| annotations.get(IS_DEFAULT))
                .is_some_and(|text| text == "true")
        })
        .min_by_key(|metadata| {
            (Reverse(metadata.creation_timestamp.clone()), metadata.name.clone())
        })
        .and_then(|metadata| metadata.name)
}
