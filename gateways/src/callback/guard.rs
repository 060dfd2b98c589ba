//! Which addresses may be called: whoever sets up a callback names any host, and must not get at the inside with it.
//!
//! The guard stands where names are resolved, and what it lets through is what is connected to: a name that leads elsewhere
//! the next time changes nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// What is said of an address that is not called.
pub(super) const NOT_CALLED: &str = "there is no such host, or it may not be called";

/// Resolves names, and passes on only what may be called.
#[derive(Debug)]
pub(super) struct Guard {
    resolver: DefaultResolver,
    allowed: Vec<IpAddr>,
}

impl Guard {
    /// A guard that lets through what is outside, and those addresses on the inside.
    pub(super) fn new(allowed: Vec<IpAddr>) -> Self {
        Self { resolver: DefaultResolver::default(), allowed }
    }

    fn lets_through(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.contains(&address) || is_outside(address)
    }
}

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut passed = self.empty();
        for address in self.resolver.resolve(uri, config, timeout)?.iter() {
            if self.lets_through(address.ip()) {
                passed.push(*address);
            }
        }
        if passed.is_empty() { Err(Error::HostNotFound) } else { Ok(passed) }
    }
}

/// Whether an address is one of the public network.
fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_outside_v4(address),
        IpAddr::V6(address) => is_outside_v6(address),
    }
}

fn is_outside_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let inside = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation()
        || first == 0
        || first >= 240
        // Shared by carriers (RFC 6598), benchmarks (RFC 2544), protocol assignments (RFC 6890), relays of 6to4 (RFC 7526).
        || (first == 100 && (64..128).contains(&second))
        || (first == 198 && (18..20).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 192 && second == 88 && third == 99);
    !inside
}

fn is_outside_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Only global unicast (2000::/3) is outside, less 6to4 (2002::/16), which carries addresses of the older protocol,
    // protocol assignments (2001::/23: Teredo, benchmarks, ORCHID and others) and documentation (RFC 3849, RFC 9637).
    let global = first & 0xe000 == 0x2000;
    let special = first == 0x2002
        || (first == 0x2001 && (second < 0x200 || second == 0xdb8))
        || (first == 0x3fff && second < 0x1000);
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outside_is_called() {
        let guard = Guard::new(vec![]);
        for outside in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2001:200::1", "3fff:1000::1", "::ffff:1.1.1.1"]
        {
            assert!(guard.lets_through(outside.parse().unwrap()), "{outside}");
        }
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "192.88.99.1",
            "2001:2::1",
            "2001:10::1",
            "2001:2f:ffff::1",
            "2001:db8::1",
            "3fff:fff::1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
            "64:ff9b::7f00:1",
            "ff02::1",
        ] {
            assert!(!guard.lets_through(inside.parse().unwrap()), "{inside}");
        }
    }

    #[test]
    fn what_is_named_is_called_all_the_same() {
        let guard = Guard::new(vec!["127.0.0.1".parse().unwrap()]);
        assert!(guard.lets_through("127.0.0.1".parse().unwrap()));
        assert!(guard.lets_through("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!guard.lets_through("127.0.0.2".parse().unwrap()));
    }
}
