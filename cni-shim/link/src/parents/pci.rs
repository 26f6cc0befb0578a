//! The PCI device below a device of another bus.
//!
//! A paravirtual NIC's device is on a bus of its own (virtio2), and the PCI device carries that one. sysfs
//! shows it: `/sys/bus/virtio/devices/virtio2` leads to `/sys/devices/pci0000:00/0000:00:03.0/virtio2`.

use std::{
    fs,
    path::{Component, Path},
};

/// The address of the PCI device that carries a device of a bus.
pub(super) fn below(bus: &str, device: &str) -> Option<String> {
    let link = Path::new("/sys/bus").join(bus).join("devices").join(device);
    nearest(&fs::canonicalize(link).ok()?)
}

fn nearest(path: &Path) -> Option<String> {
    let names = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    });
    names.map(str::to_owned).find(|name| is_address(name))
}

/// `0000:00:03.0`.
fn is_address(name: &str) -> bool {
    let Some((domain, rest)) = name.split_once(':') else {
        return false;
    };
    let hex = |text: &str, least: usize| {
        text.len() >= least && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let Some((bus, rest)) = rest.split_once(':') else {
        return false;
    };
    let Some((slot, function)) = rest.split_once('.') else {
        return false;
    };
    hex(domain, 4) && hex(bus, 2) && hex(slot, 2) && hex(function, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtio_nic_has_the_address_of_the_device_that_carries_it() {
        let path = Path::new("/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0/virtio2");
        assert_eq!(nearest(path).as_deref(), Some("0000:02:00.0"));
    }

    #[test]
    fn what_no_pci_device_carries_has_no_address() {
        for path in [
            "/sys/devices/virtual/net/lo",
            "/sys/devices/platform/soc/x:y.0",
            "/",
        ] {
            assert_eq!(nearest(Path::new(path)), None, "{path}");
        }
    }
}
