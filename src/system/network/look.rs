//! One look at the network, as the kernel has it (getifaddrs(3)) and as DHCP has told it
//! (resolv.conf(5)).

use super::{Interface, Network, Reach, Subnet};
use crate::error::{Error, Result};
use crate::limits;
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::sys::socket::SockaddrStorage;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

/// Where the machine's resolver is told of its domains.
const RESOLVER: &str = "/etc/resolv.conf";

/// Longest domain (RFC 1035).
const DOMAIN_BYTES: usize = 253;

/// An address, and what the kernel says of the interface that has it.
struct Found {
    name: String,
    index: u32,
    flags: InterfaceFlags,
    address: IpAddr,
    /// How many bits of it its neighbours have too, if there are any on its link.
    prefix_bits: Option<u32>,
}

/// The network at this moment. Blocks for as long as the kernel takes to answer.
///
/// # Errors
/// Where the kernel does not tell the addresses: it refuses to in some sandboxes.
pub fn look() -> Result<Network> {
    let told = getifaddrs()
        .map_err(|error| Error::io("read", "the network's addresses", &error.into()))?;
    Ok(Network {
        interfaces: interfaces(told.filter_map(found)),
        domains: domains(&resolver(Path::new(RESOLVER))),
    })
}

/// An address of the Internet's families; `None` for any other.
fn found(told: InterfaceAddress) -> Option<Found> {
    let address = told.address.as_ref().and_then(address)?;
    let mask = told.netmask.as_ref().and_then(self::address);
    let prefix_bits = mask.map(|mask| match mask {
        IpAddr::V4(mask) => mask.to_bits().leading_ones(),
        IpAddr::V6(mask) => mask.to_bits().leading_ones(),
    });
    // The label of a second address, `eth0:1`, is no interface.
    let name = told.interface_name.split(':').next()?.to_owned();
    // An interface that has just gone has no index any more.
    let index = if_nametoindex(name.as_str()).ok()?;
    Some(Found {
        name,
        index,
        flags: told.flags,
        address,
        prefix_bits: prefix_bits.filter(|bits| *bits > 0),
    })
}

/// An address of the Internet's families.
fn address(storage: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    let v6 = || storage.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
    v4.or_else(v6)
}

/// The interfaces that have these addresses, as far as they are up and connected.
fn interfaces(found: impl Iterator<Item = Found>) -> Vec<Interface> {
    let running = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING;
    let mut interfaces: Vec<Interface> = Vec::new();
    for one in found.filter(|one| one.flags.contains(running)) {
        let address = one.address;
        let subnet = one.prefix_bits.map(|prefix_bits| Subnet {
            address,
            prefix_bits,
        });
        let known = interfaces.iter_mut().find(|known| known.index == one.index);
        if let Some(known) = known {
            let is_new = !known.addresses.contains(&one.address);
            if is_new && known.addresses.len() < limits::NETWORK_ADDRESSES {
                known.addresses.push(one.address);
                known.subnets.extend(subnet);
            }
        } else if interfaces.len() < limits::NETWORK_INTERFACES {
            interfaces.push(Interface {
                name: one.name,
                index: one.index,
                reach: reach(one.flags),
                addresses: vec![one.address],
                subnets: subnet.into_iter().collect(),
            });
        }
    }
    interfaces.sort_by_key(|one| one.index);
    interfaces
}

/// What is behind an interface with these flags.
fn reach(flags: InterfaceFlags) -> Reach {
    let asks_all = InterfaceFlags::IFF_BROADCAST | InterfaceFlags::IFF_MULTICAST;
    if flags.contains(InterfaceFlags::IFF_LOOPBACK) {
        Reach::Loopback
    } else if flags.intersects(asks_all) && !flags.contains(InterfaceFlags::IFF_POINTOPOINT) {
        Reach::Lan
    } else {
        Reach::Tunnel
    }
}

/// What the resolver is told; nothing where it is told nothing.
fn resolver(file: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(file) {
        // What was read before an error is of use too.
        let _ = file.take(limits::RESOLVER_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The domains in the resolver's `search` and `domain` lines, each once.
fn domains(resolver: &str) -> Vec<String> {
    let lines = resolver.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        matches!(words.next(), Some("search" | "domain")).then_some(words)
    });
    let mut domains = Vec::new();
    for word in lines.flatten() {
        let domain = word.trim_matches('.').to_ascii_lowercase();
        let is_new = is_plain(&domain) && !domains.contains(&domain);
        if is_new && domains.len() < limits::NETWORK_DOMAINS {
            domains.push(domain);
        }
    }
    domains
}

/// Whether a domain is made of host names (RFC 1123 §2.1) and nothing else.
fn is_plain(domain: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let label = |label: &str| !label.is_empty() && label.bytes().all(plain);
    domain.len() <= DOMAIN_BYTES && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::{Found, domains, interfaces, look, resolver};
    use crate::limits;
    use crate::system::network::Reach;
    use nix::net::if_::InterfaceFlags;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    const UP: InterfaceFlags = InterfaceFlags::IFF_UP.union(InterfaceFlags::IFF_RUNNING);

    fn found(index: u32, flags: InterfaceFlags, address: &str) -> Found {
        Found {
            name: format!("if{index}"),
            index,
            flags,
            address: address.parse().unwrap(),
            prefix_bits: Some(24),
        }
    }

    #[test]
    fn interfaces_that_are_up_are_told_with_what_is_behind_them() {
        let lan = UP | InterfaceFlags::IFF_BROADCAST | InterfaceFlags::IFF_MULTICAST;
        let tunnel = UP | InterfaceFlags::IFF_POINTOPOINT | InterfaceFlags::IFF_MULTICAST;
        let all = [
            found(3, lan, "10.0.0.5"),
            found(1, UP | InterfaceFlags::IFF_LOOPBACK, "127.0.0.1"),
            found(4, tunnel, "10.8.0.2"),
            found(5, UP, "10.9.0.2"),
            found(6, lan.difference(InterfaceFlags::IFF_RUNNING), "10.1.0.1"),
            found(7, lan.difference(InterfaceFlags::IFF_UP), "10.2.0.1"),
            found(3, lan, "fd99::1"),
            found(3, lan, "10.0.0.5"),
            found(8, UP | InterfaceFlags::IFF_MULTICAST, "fd98::1"),
        ];
        let told: Vec<_> = interfaces(all.into_iter())
            .into_iter()
            .map(|one| {
                let addresses: Vec<_> = one.addresses.iter().map(IpAddr::to_string).collect();
                (one.name, one.reach, addresses.join(" "))
            })
            .collect();
        let expected = [
            ("if1", Reach::Loopback, "127.0.0.1"),
            ("if3", Reach::Lan, "10.0.0.5 fd99::1"),
            ("if4", Reach::Tunnel, "10.8.0.2"),
            ("if5", Reach::Tunnel, "10.9.0.2"),
            ("if8", Reach::Lan, "fd98::1"),
        ];
        let expected = expected.map(|(name, reach, all)| (name.to_owned(), reach, all.to_owned()));
        assert_eq!(told, expected);
    }

    #[test]
    fn there_is_an_end_to_interfaces_and_addresses() {
        let many = (0..100_000_u32).map(|number| Found {
            name: "many".to_owned(),
            index: number % 1_000,
            flags: UP,
            address: Ipv6Addr::from(u128::from(number)).into(),
            prefix_bits: Some(64),
        });
        let kept = interfaces(many);
        assert_eq!(kept.len(), limits::NETWORK_INTERFACES);
        let most = limits::NETWORK_ADDRESSES;
        assert!(kept.iter().all(|one| one.addresses.len() == most));
    }

    #[test]
    fn this_machine_has_itself() {
        let network = look().unwrap();
        assert!(network.has(Ipv4Addr::LOCALHOST.into()), "{network:?}");
        let loopback = network.interfaces.iter().find(|one| one.name == "lo");
        let loopback = loopback.unwrap();
        assert_eq!((loopback.index, loopback.reach), (1, Reach::Loopback));
        for (address, near) in [([127, 9, 9, 9], true), ([128, 0, 0, 1], false)] {
            assert_eq!(loopback.is_link_of(address.into()), near, "{loopback:?}");
        }
        assert_eq!(network.interface(1), Some(loopback));
    }

    #[test]
    fn domains_are_those_of_the_resolver() {
        let text = "# search not.this\nnameserver 192.0.2.1\nsearch Fritz.Box  lan.\n\
                    domain fritz.box\ndomain\n\tsearch home.arpa\noptions edns0\n\
                    search . <b> a..b user@example.org -\u{fc}- searching\nsearching x.example\n";
        assert_eq!(
            domains(text),
            ["fritz.box", "lan", "home.arpa", "searching"]
        );
        assert_eq!(domains(""), [""; 0]);
    }

    #[test]
    fn there_is_an_end_to_domains() {
        let many: String = (0..1_000)
            .map(|number| format!("search d{number}\n"))
            .collect();
        assert_eq!(domains(&many).len(), limits::NETWORK_DOMAINS);
        let long = format!("search {}\n", "a.".repeat(200));
        assert_eq!(domains(&long), [""; 0]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("resolv.conf");
        assert_eq!(resolver(&file), "");
        std::fs::write(&file, "x".repeat(1 << 20)).unwrap();
        assert!(u64::try_from(resolver(&file).len()).unwrap() <= limits::RESOLVER_BYTES);
    }
}
