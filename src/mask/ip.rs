//! `ip`: an address or network that is reserved for documents, or one that keeps who shares a prefix with whom.
//!
//! Addresses come from 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 (RFC 5737) and 2001:db8::/32 (RFC 3849). A network keeps
//! its length: too wide ones for those come from 240.0.0.0/4, which is unused, and 3fff::/20 (RFC 9637).
//!
//! With `keep = "prefix"`, two addresses that share their first n bits share exactly n bits afterwards: each bit is turned
//! over or not, as decided by the keyed cipher over all bits before it (Fan, Xu, Ammar and Moon). The first bit is always
//! turned over, so no address and no network stays. Results can be somebody's addresses, and structure is shown.

use super::ff1::encrypt_block;
use super::prelude::*;
use aes::Aes256;
use aes::cipher::KeyInit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) static DEFINITION: Definition = Definition {
    name: "ip",
    about: "Replaces IP addresses and networks by ones that are reserved for documents; the length of a network stays.",
    params: &[
        Param {
            name: "keep",
            about: "`nothing`, or `prefix`: addresses of one network stay in one network, which shows a relation: in dev with a reason only.",
            kind: ParamKind::Choice(&["nothing", "prefix"]),
            default: "nothing",
        },
        Param {
            name: "reason",
            about: "Why networks must stay together; shown in review.",
            kind: ParamKind::Text,
            default: "none; required with keep = \"prefix\"",
        },
    ],
    domain: "device.ip",
    build,
    examples: &[
        Example::plain("10.20.30.40"),
        Example::plain("172.16.0.0/12"),
        Example::plain("2a02:8108:50:1::7"),
        Example {
            params: || vec![("keep", Value::text("prefix")), ("reason", Value::text("tests of subnets"))],
            cell: "10.20.30.40",
        },
    ],
    teaches: |_| Teaches::Whole,
    reveals: |params| params.text("keep") == Some("prefix"),
    could_write: Some(could_write),
    sample: |number| {
        let [.., a, b, c, d] = number.to_be_bytes();
        format!("2a02:8108:{:x}:{:x}::{a:x}{b:02x}:{c:x}{d:02x}", number >> 48, number >> 32 & 0xFFFF)
    },
    ..Definition::BASE
};

/// The widest IPv6 address that the mask writes into a short column has its last part cut.
const LEAST: usize = 13;

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let prefix = params.text("keep") == Some("prefix");
    if site.room() < LEAST {
        return Err(
            Error::policy(format!("mask ip needs a column of {LEAST} characters")).hint("Use `null` or `fixed`.")
        );
    }
    let cipher = |name: &[u8]| Aes256::new(site.key.prf(Role::Cipher, &[name]).bytes().into());
    let ciphers = prefix.then(|| Box::new([cipher(b"prefix of 4"), cipher(b"prefix of 6")]));
    Ok(Box::new(Masker { key: site.key.clone(), ciphers, room: site.room() }))
}

struct Masker {
    key: DomainKey,
    ciphers: Option<Box<[Aes256; 2]>>,
    room: usize,
}

/// An address as a number of so many bits, and the length of the network where one is named.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Net {
    number: u128,
    bits: u32,
    length: Option<u32>,
}

impl Net {
    fn read(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let (number, bits) = match address.parse().ok()? {
            IpAddr::V4(address) => (u32::from(address).into(), 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        let length = match length.map(str::parse) {
            Some(length) => Some(length.ok().filter(|length| *length <= bits)?),
            None => None,
        };
        Some(Self { number, bits, length })
    }

    /// The bits behind the network's.
    fn host_bits(self) -> u128 {
        let length = self.length.unwrap_or(self.bits);
        let all = u128::MAX >> (128 - self.bits);
        if length == 0 { all } else { all & !(all << (self.bits - length)) }
    }

    /// The length, if it names the network and no host in it.
    fn network(self) -> Option<u32> {
        self.length.filter(|length| *length < self.bits && self.number & self.host_bits() == 0)
    }

    fn put(self, out: &mut Vec<u8>) {
        let text = match (self.bits, u32::try_from(self.number)) {
            (32, Ok(number)) => Ipv4Addr::from(number).to_string(),
            _ => Ipv6Addr::from(self.number).to_string(),
        };
        out.extend_from_slice(text.as_bytes());
        if let Some(length) = self.length {
            out.extend_from_slice(format!("/{length}").as_bytes());
        }
    }
}

const NETS: [u32; 3] = [0xC000_0200, 0xC633_6400, 0xCB00_7100];
const DOCUMENTS: u128 = 0x2001_0db8 << 96;
const WIDE: u128 = 0x3fff << 112;

fn could_write(params: &Params, text: &str) -> bool {
    let Some(net) = Net::read(text.as_bytes()) else {
        return false;
    };
    if params.text("keep") == Some("prefix") {
        return true;
    }
    match net.bits {
        32 => {
            NETS.iter().any(|known| net.number >> 8 == u128::from(*known >> 8))
                || net.network().is_some_and(|length| length < 24) && net.number >> 28 == 15
        }
        _ => net.number >> 96 == DOCUMENTS >> 96 || net.network().is_some() && net.number >> 108 == WIDE >> 108,
    }
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        let net = Net::read(value);
        if let Some(ciphers) = &self.ciphers {
            let net = net.ok_or(Misfit("it is no address, so it has no prefix to keep"))?;
            if net.network() == Some(0) {
                return Err(Misfit("it is the network of all addresses, and there is no other one"));
            }
            keep_prefix(&ciphers[usize::from(net.bits == 128)], net).put(out);
            return Ok(CellKind::Text);
        }
        // The same address with and without a length gets the same one.
        let number = net.map(|net| net.number.to_be_bytes());
        let (form, asked) = number.as_ref().map_or((Form::Text, value), |number| (Form::Exact, number.as_slice()));
        let ask = Ask { role: Role::Number, form, value: asked, subject: None };
        let like = net.unwrap_or(Net { number: 1, bits: 32, length: None });
        let start = out.len();
        let kind = until_different(value, out, |attempt, out| {
            let draw = self.key.draw(&ask, attempt, out);
            let masked = self.documents(&draw, like);
            if masked == like {
                out.extend_from_slice(value);
            } else {
                masked.put(out);
            }
        })?;
        let length = out.len() - start;
        if length > self.room {
            return Err(Misfit("the column is too short for an address of its kind"));
        }
        Ok(kind)
    }
}

impl Masker {
    /// An address or a network that documents may show.
    fn documents(&self, draw: &Draw, like: Net) -> Net {
        let drawn = u128::from(draw.word(0)) << 64 | u128::from(draw.word(1));
        let number = match (like.bits, like.network()) {
            (32, Some(length)) if length < 24 => 15 << 28 | (drawn & 0x0FFF_FFFF) & !like.host_bits(),
            (32, network) => {
                let net = u128::from(NETS[draw.index(2, NETS.len())]);
                let host = 1 + draw.index(3, 254) as u128;
                if network.is_some() { (net | drawn & 0xFF) & !like.host_bits() } else { net | host }
            }
            (_, Some(length)) if length <= 32 => (WIDE | drawn & ((1 << 108) - 1)) & !like.host_bits(),
            (_, Some(_)) => (DOCUMENTS | drawn & ((1 << 96) - 1)) & !like.host_bits(),
            (_, None) => {
                // `2001:db8::` and as many groups of four digits as there is room for, the rest is zeros.
                let spare = self.room.saturating_sub(9 + like.length.map_or(0, |_| 4));
                let groups = if spare >= 30 { 6 } else { (spare / 5).clamp(1, 5) };
                DOCUMENTS | drawn & ((1 << (16 * groups)) - 1)
            }
        };
        // A network too wide for the reserved ones stays as it is, which the caller sees and refuses.
        let fits = match (like.bits, like.network()) {
            (32, Some(length)) => length > 4,
            (_, Some(length)) => length > 20,
            _ => true,
        };
        Net { number: if fits { number } else { like.number }, ..like }
    }
}

/// Turns each bit over or not, by all bits before it.
fn keep_prefix(cipher: &Aes256, net: Net) -> Net {
    let top = net.number << (128 - net.bits);
    let mut turned = 1_u128 << 127;
    for bit in 1..net.bits {
        // The bits before this one, then a 1: no two of different lengths are the same.
        let before = top & !(u128::MAX >> bit) | 1 << (127 - bit);
        turned |= (encrypt_block(cipher, before) >> 127) << (127 - bit);
    }
    let number = (top ^ turned) >> (128 - net.bits);
    let kept = if net.network().is_some() { !net.host_bits() } else { u128::MAX };
    Net { number: number & kept, ..net }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn params(keep: &'static str) -> Params {
        let given = [("keep", keep), ("reason", "tests of subnets")];
        Params::new(&DEFINITION, given.map(|(name, text)| (name.to_owned(), Value::text(text)))).unwrap()
    }

    fn mask(site: &Site, keep: &'static str, value: &str) -> std::result::Result<String, Misfit> {
        let mut out = Vec::new();
        build(site, &params(keep)).unwrap().mask(Cell::text(value), &Row::NONE, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn addresses_and_networks_are_those_of_documents_and_keep_their_length() {
        let site = Site::for_tests("ip");
        for value in [
            "10.20.30.40",
            "10.20.30.40/8",
            "192.168.7.0/24",
            "192.168.7.64/26",
            "172.16.0.0/12",
            "10.0.0.0/8",
            "192.0.2.0/24",
            "192.0.2.1",
            "2a02:8108:50:1::7",
            "2a02:8108::/32",
            "2a02:8108:50::/48",
            "::1",
            "fe80::1/64",
            "::ffff:1.2.3.4",
        ] {
            let masked = mask(&site, "nothing", value).unwrap();
            assert!(could_write(&params("nothing"), &masked) && masked != value, "{value} became {masked}");
            assert_eq!(masked.split_once('/').map(|net| net.1), value.split_once('/').map(|net| net.1));
            let (before, after) = (Net::read(value.as_bytes()).unwrap(), Net::read(masked.as_bytes()).unwrap());
            assert_eq!(before.bits, after.bits);
            // PostgreSQL's cidr takes no bits behind the network's.
            assert!(before.network().is_none() || after.network() == before.network(), "{value} became {masked}");
        }
        for wide in ["0.0.0.0/0", "240.0.0.0/4", "::/0"] {
            assert!(mask(&site, "nothing", wide).is_err(), "{wide}");
        }
        assert!(could_write(&params("nothing"), &mask(&site, "nothing", "localhost").unwrap()));
        assert!(!could_write(&params("nothing"), "10.20.30.40") && !could_write(&params("nothing"), "2a02::1"));
    }

    #[test]
    fn an_address_decides_alone_and_short_columns_are_respected() {
        let site = Site { max_chars: Some(15), ..Site::for_tests("ip") };
        assert_eq!(
            mask(&site, "nothing", "10.20.30.40/24").unwrap(),
            format!("{}/24", mask(&site, "nothing", "10.20.30.40").unwrap())
        );
        for number in 0..500 {
            assert!(mask(&site, "nothing", &format!("2a02::{number:x}")).unwrap().len() <= 15);
        }
        assert!(build(&Site { max_chars: Some(12), ..site }, &params("nothing")).is_err());
    }

    #[test]
    fn shared_prefixes_stay_exactly_as_long_and_nothing_meets_or_stays() {
        let site = Site::for_tests("ip");
        let mask_of = build(&site, &params("prefix")).unwrap();
        let masked = |value: &str| {
            let mut out = Vec::new();
            mask_of.mask(Cell::text(value), &Row::NONE, &mut out).unwrap();
            Net::read(&out).unwrap()
        };
        let addresses: Vec<u32> =
            (0..400_u32).map(|at| 0x0A14_0000 ^ at.wrapping_mul(0x9E37_79B9) >> (at % 24)).collect();
        let nets: Vec<u32> = addresses
            .iter()
            .map(|address| u32::try_from(masked(&Ipv4Addr::from(*address).to_string()).number).unwrap())
            .collect();
        for (at, one) in addresses.iter().enumerate() {
            for (other_at, other) in addresses.iter().enumerate() {
                assert_eq!((one ^ other).leading_zeros(), (nets[at] ^ nets[other_at]).leading_zeros());
            }
        }
        let all: HashSet<u32> = (0..65_536_u32)
            .map(|low| u32::try_from(masked(&Ipv4Addr::from(0x0A14_0000 | low).to_string()).number).unwrap())
            .collect();
        assert!(all.len() == 65_536 && all.iter().all(|address| address >> 31 == 1));
        let (one, other) = (masked("2a02:8108:50:1::7"), masked("2a02:8108:50:1::9"));
        assert_eq!((one.number ^ other.number).leading_zeros(), (7_u128 ^ 9).leading_zeros());
        let (net, host) = (masked("10.20.0.0/16"), masked("10.20.30.40"));
        assert!(net.number == host.number & !0xFFFF && mask(&site, "prefix", "0.0.0.0/0").is_err());
        let bare = Params::new(&DEFINITION, [("keep".to_owned(), Value::text("prefix"))]).unwrap();
        assert!((DEFINITION.reveals)(&bare) && !(DEFINITION.reveals)(&Params::default()));
    }
}
