//! Routes of CNI results as requests.

use netlink_packet_route::route::{RouteAddress, RouteMessage};

use super::*;

fn route(destination: &str) -> InsertedRoute {
    InsertedRoute {
        destination: destination.parse().unwrap(),
        gateway: None,
        metric: None,
        table: None,
        scope: None,
    }
}

fn message(route: &InsertedRoute) -> RouteMessage {
    let request = insert(7, route);
    assert_eq!(request.flags, NLM_F_CREATE);
    let RouteNetlinkMessage::NewRoute(message) = request.message else {
        panic!("{request:?}");
    };
    message
}

#[test]
fn a_plain_route_is_of_table_main_and_scope_universe() {
    let message = message(&route("0.0.0.0/0"));

    assert_eq!(message.header.table, RouteHeader::RT_TABLE_MAIN);
    assert_eq!(message.header.scope, RouteScope::Universe);
    assert_eq!(message.header.protocol, RouteProtocol::Boot);
    assert_eq!(message.attributes, [RouteAttribute::Oif(7)]);
}

#[test]
fn gateway_metric_table_and_scope_are_said_if_they_are_given() {
    let message = message(&InsertedRoute {
        gateway: "fd00::1".parse().ok(),
        metric: Some(5),
        table: Some(1000),
        scope: Some(253),
        ..route("fd00:7::/64")
    });

    assert_eq!(message.header.table, RouteHeader::RT_TABLE_UNSPEC);
    assert_eq!(message.header.scope, RouteScope::Link);
    let v6 = |text: &str| RouteAddress::Inet6(text.parse().unwrap());
    assert_eq!(
        message.attributes,
        [
            RouteAttribute::Oif(7),
            RouteAttribute::Destination(v6("fd00:7::")),
            RouteAttribute::Gateway(v6("fd00::1")),
            RouteAttribute::Priority(5),
            RouteAttribute::Table(1000),
        ]
    );
}

#[test]
fn bits_after_the_prefix_are_left_for_the_kernel_to_refuse() {
    let message = message(&route("10.0.0.5/8"));

    let address = RouteAddress::Inet("10.0.0.5".parse().unwrap());
    assert!(
        message
            .attributes
            .contains(&RouteAttribute::Destination(address))
    );
}
