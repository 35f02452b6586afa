//! `EndpointSlice`: some of the addresses behind a service.
//!
//! See <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/>.

use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::columns::{self, Column};
use crate::{Generation, Kind, KindInfo};

impl Kind for EndpointSlice {
    const INFO: KindInfo = KindInfo {
        singular: "endpointslice",
        type_name: "io.k8s.api.discovery.v1.EndpointSlice",
        generation: Generation::SpecAndLabels,
        columns: &[
            columns::NAME,
            Column::of::<Self>("AddressType", "addressType"),
            Column::of::<Self>("Ports", "ports"),
            Column::of::<Self>("Endpoints", "endpoints"),
            columns::AGE,
        ],
        ..KindInfo::namespaced::<Self>()
    };
}
