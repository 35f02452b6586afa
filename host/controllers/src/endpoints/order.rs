//! The order of the ports of endpoints. Kubernetes lists them by a hash of the words in which Go prints a port, and people and tools see that
//! order, so it is the same here.

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1::EndpointPort;

/// Sorts the ports of `Endpoints`.
pub(super) fn sort(ports: &mut [core::EndpointPort]) {
    ports.sort_by_cached_key(|port| {
        fnv(&format!(
            "(v1.EndpointPort){{Name:(string){} Port:(int32){} Protocol:(v1.Protocol){} AppProtocol:(*string){}}}",
            text(port.name.as_ref()),
            port.port,
            text(port.protocol.as_ref()),
            pointer(port.app_protocol.as_ref()),
        ))
    });
}

/// Sorts the ports of an `EndpointSlice`.
pub(super) fn sorted(mut ports: Vec<EndpointPort>) -> Vec<EndpointPort> {
    ports.sort_by_cached_key(|port| {
        let number = port.port.map(|number| number.to_string());
        fnv(&format!(
            "(v1.EndpointPort){{Name:(*string){} Protocol:(*v1.Protocol){} Port:(*int32){} AppProtocol:(*string){}}}",
            pointer(port.name.as_ref()),
            pointer(port.protocol.as_ref()),
            pointer(number.as_ref()),
            pointer(port.app_protocol.as_ref()),
        ))
    });
    ports
}

fn text(value: Option<&String>) -> &str {
    value.map_or("", String::as_str)
}

fn pointer(value: Option<&String>) -> &str {
    value.map_or("<nil>", String::as_str)
}

/// FNV-1a with 128 bits, see <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>.
fn fnv(text: &str) -> u128 {
    let begin = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    let step =
        |hash: u128, byte| (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
    text.bytes().fold(begin, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_of_kubernetes() {
        let text = "(v1.EndpointPort){Name:(string)http Port:(int32)80 Protocol:(v1.Protocol)TCP AppProtocol:(*string)<nil>}";
        assert_eq!(fnv(text), 0x754b_003f_50f1_33a5_39c6_0d18_cfb3_0a55);
    }

    #[test]
    fn ports_stand_in_the_order_of_kubernetes() {
        let port = |name: &str, port: i32| core::EndpointPort {
            name: Some(name.to_owned()),
            port,
            protocol: Some("TCP".to_owned()),
            app_protocol: None,
        };
        let mut ports = vec![port("a", 80), port("b", 443), port("http", 8080), port("https", 443)];
        sort(&mut ports);
        let names: Vec<_> = ports.iter().filter_map(|port| port.name.as_deref()).collect();
        assert_eq!(names, ["http", "b", "a", "https"]);

        let port = |name: &str, port: i32| EndpointPort {
            name: Some(name.to_owned()),
            port: Some(port),
            protocol: Some("TCP".to_owned()),
            app_protocol: None,
        };
        let ports =
            sorted(vec![port("a", 80), port("b", 443), port("http", 8080), port("https", 443)]);
        let names: Vec<_> = ports.iter().filter_map(|port| port.name.as_deref()).collect();
        assert_eq!(names, ["http", "https", "a", "b"]);
    }
}
