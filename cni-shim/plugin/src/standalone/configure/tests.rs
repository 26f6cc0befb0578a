//! Plans from results.

use super::*;
use crate::{spec::Version, standalone::result::CniResult};

fn result(ips: &str, routes: &str) -> CniResult {
    let text = format!(r#"{{"ips":{ips},"routes":{routes}}}"#);
    CniResult::read(&text, Version::V1_1_0).unwrap()
}

const BOTH: &str = r#"[{"address":"10.1.2.5/24"},{"address":"10.1.2.6/24","gateway":"10.1.2.1"},
    {"address":"fd00::5/64","gateway":"fe80::1"}]"#;

#[test]
fn addresses_come_before_up_and_a_link_without_any_is_only_set_up() {
    assert_eq!(
        steps(7, &CniResult::default(), false),
        [Step::Up { index: 7 }]
    );
    let steps = steps(7, &result(BOTH, "[]"), true);
    assert_eq!(steps.len(), 5);
    assert!(matches!(steps[0], Step::SetIpv4 { index: 7, .. }));
    assert!(matches!(steps[3], Step::AddAddress { dad: true, .. }));
    assert_eq!(steps[4], Step::Up { index: 7 });
}

#[test]
fn a_route_without_a_gateway_takes_the_first_of_its_family() {
    let through = |ips, routes| {
        let routes = super::routes(&result(ips, routes)).unwrap();
        let gateways = routes.into_iter().map(|route| route.gateway);
        gateways
            .map(|gateway| gateway.map_or_else(|| "link".to_owned(), |ip| ip.to_string()))
            .collect::<Vec<_>>()
    };
    let routes = r#"[{"dst":"0.0.0.0/0"},{"dst":"::/0"},{"dst":"10.9.0.0/16","gw":"10.1.2.9"}]"#;

    assert_eq!(through(BOTH, routes), ["10.1.2.1", "fe80::1", "10.1.2.9"]);
    let none = r#"[{"address":"10.1.2.5/24"}]"#;
    assert_eq!(through(none, routes), ["link", "link", "10.1.2.9"]);
}

#[test]
fn numbers_of_routes_are_passed_on_or_refused() {
    let one = |numbers: &str| {
        let routes = format!(r#"[{{"dst":"0.0.0.0/0",{numbers}}}]"#);
        super::routes(&result(BOTH, &routes)).map(|mut routes| routes.remove(0))
    };

    let route = one(r#""priority":5,"table":1000,"scope":253,"mtu":9,"advmss":9"#).unwrap();
    assert_eq!(route.metric, Some(5));
    assert_eq!((route.table, route.scope), (Some(1000), Some(253)));
    assert_eq!(one(r#""priority":0"#).unwrap().metric, None);
    assert!(one(r#""priority":-1"#).is_err());
    assert!(one(r#""scope":256"#).is_err());
}
