//! How many connections one address may have.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// What an address may have unless a setting says otherwise. A machine that talks
/// to itself is a proxy or a test, and may have more.
const USUALLY: u32 = 100;

/// The connections of every address.
#[derive(Clone, Debug)]
pub(in super::super) struct Addresses {
    most: Option<u32>,
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(in super::super) struct Place(Option<(Addresses, IpAddr)>);

// === impl Addresses ===

impl Addresses {
    /// `most` is for every address; 0 is no limit.
    pub(in super::super) fn new(most: Option<u32>) -> Self {
        Self { most, open: Arc::default() }
    }

    /// Takes a place; none if the address has enough.
    pub(in super::super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let most = match self.most {
            None if address.is_loopback() => 0,
            None => USUALLY,
            Some(most) => most,
        };
        if most == 0 {
            return Some(Place(None));
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Place(Some((self.clone(), address))))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((addresses, address)) = &self.0 else { return };
        let mut open = addresses.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = open.entry(*address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// Of IPv6, the /64 that one subscriber gets.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_places_and_gives_them_back() {
        let addresses = Addresses::new(Some(2));
        let places: Vec<_> = ["10.0.0.1", "::ffff:10.0.0.1"]
            .map(|address| addresses.enter(ip(address)).unwrap())
            .into();
        assert!(addresses.enter(ip("10.0.0.1")).is_none());
        assert!(addresses.enter(ip("10.0.0.2")).is_some());
        drop(places);
        assert!(addresses.enter(ip("10.0.0.1")).is_some());
        assert!(addresses.open.lock().unwrap().is_empty(), "nothing is kept of who left");
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_address() {
        let addresses = Addresses::new(Some(1));
        let _held = addresses.enter(ip("2001:db8:1:2::1")).unwrap();
        assert!(addresses.enter(ip("2001:db8:1:2:ffff::9")).is_none());
        assert!(addresses.enter(ip("2001:db8:1:3::1")).is_some());
    }

    #[test]
    fn a_machine_may_talk_to_itself_unless_a_setting_says_otherwise() {
        let usual = Addresses::new(None);
        let held: Vec<_> = (0..200).filter_map(|_| usual.enter(ip("127.0.0.1"))).collect();
        assert_eq!(held.len(), 200);
        let held: Vec<_> = (0..200).filter_map(|_| usual.enter(ip("10.0.0.1"))).collect();
        assert_eq!(held.len(), 100);
        let none = Addresses::new(Some(0));
        let held: Vec<_> = (0..200).filter_map(|_| none.enter(ip("10.0.0.1"))).collect();
        assert_eq!(held.len(), 200);
        let one = Addresses::new(Some(1));
        let _held = one.enter(ip("127.0.0.1")).unwrap();
        assert!(one.enter(ip("127.0.0.1")).is_none());
    }
}
