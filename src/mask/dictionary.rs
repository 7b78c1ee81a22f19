//! Word lists that masks choose from. `fake` supplies names and filler words at a pinned version; which word is chosen
//! is decided by our own keyed function, so its releases cannot re-mask anything unseen: a test pins every list.

mod companies;
mod names;

pub use companies::{COMPANY_HEADS, COMPANY_TRADES};
pub use names::{ENGLISH, LOCALES, Names, names};

use fake::locales::{Data, EN};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// First names.
pub const FIRST_NAMES: &[&str] = EN::NAME_FIRST_NAME;
/// Last names.
pub const LAST_NAMES: &[&str] = EN::NAME_LAST_NAME;
/// Filler words for free text.
pub const FILLER: &[&str] = EN::LOREM_WORD;
/// Two-letter codes of regions.
pub const REGION_CODES: &[&str] = EN::ADDRESS_STATE_ABBR;
/// Names of regions.
pub const REGIONS: &[&str] = EN::ADDRESS_STATE;
/// Names of streets, without their suffix.
pub const STREETS: &[&str] = &[
    "Alder", "Amber", "Aspen", "Autumn", "Bank", "Bay", "Beech", "Birch", "Bridge", "Brook", "Canal", "Castle",
    "Cedar", "Chapel", "Cherry", "Chestnut", "Church", "Clover", "Copper", "Cypress", "Dogwood", "Eagle", "East",
    "Elm", "Fern", "Field", "Forest", "Fox", "Garden", "Grove", "Harbor", "Hawthorn", "Hazel", "Heather", "Hickory",
    "Highland", "Hill", "Holly", "Ivy", "Juniper", "Lake", "Laurel", "Lilac", "Linden", "Magnolia", "Maple", "Market",
    "Meadow", "Mill", "Mulberry", "North", "Oak", "Orchard", "Park", "Pine", "Pond", "Poplar", "Prairie", "Ridge",
    "River", "Rose", "School", "South", "Spring", "Spruce", "Station", "Summit", "Sunset", "Sycamore", "Valley",
    "Walnut", "Water", "West", "Willow",
];
/// Suffixes of street names.
pub const STREET_SUFFIXES: &[&str] = &["Street", "Avenue", "Road", "Lane", "Drive", "Court", "Place", "Way"];
/// Names of towns that do not exist under these names, or many times over.
pub const CITIES: &[&str] = &[
    "Alderbrook",
    "Amberfield",
    "Applecross",
    "Ashbourne",
    "Aspen Hollow",
    "Barrowmere",
    "Beechwick",
    "Birchmont",
    "Blackwater Falls",
    "Bramblewood",
    "Briarport",
    "Brookhaven Mills",
    "Cedar Bluff",
    "Cherrydale",
    "Clearbrook",
    "Cloverton",
    "Copperhill",
    "Cranmoor",
    "Crestwick",
    "Dalebridge",
    "Deerhollow",
    "Dunmere",
    "Eaglecrest",
    "Eastmarsh",
    "Elderwood",
    "Elmscott",
    "Fairmeadow",
    "Falconridge",
    "Fernhollow",
    "Foxbury",
    "Glenmarsh",
    "Goldenfield",
    "Granite Pass",
    "Greenholt",
    "Harborview",
    "Hawksmoor",
    "Hazelmere",
    "Heatherton",
    "Hickory Bend",
    "Highmoor",
    "Hollybrook",
    "Ironbridge Point",
    "Ivydale",
    "Juniper Flats",
    "Kestrel Bay",
    "Kingsmarsh",
    "Lakemont",
    "Larkfield",
    "Laurelton",
    "Lilac Springs",
    "Lindenport",
    "Longmeadow Park",
    "Maplecrest",
    "Marshgate",
    "Meadowmere",
    "Millbrae Cross",
    "Mistwood",
    "Mossbank",
    "Northmere",
    "Oakhollow",
    "Orchard Bend",
    "Otterbrook",
    "Pebble Creek",
    "Pinehaven",
    "Poplar Ridge",
    "Quailton",
    "Quarrybank",
    "Ravenmoor",
    "Redcliff Bay",
    "Ridgemere",
    "Riverbourne",
    "Rosefield",
    "Rushwater",
    "Sable Point",
    "Sandhollow",
    "Shadybrook",
    "Silverlake Mills",
    "Southmarsh",
    "Sparrow Hill",
    "Springmoor",
    "Stonebrook",
    "Summerfield Bay",
    "Sunny Bluff",
    "Swanmere",
    "Sycamore Flats",
    "Thistledown",
    "Thornbury Hills",
    "Timberlake",
    "Tulip Grove",
    "Valemont",
    "Violet Springs",
    "Walnut Bend",
    "Westmere",
    "Whitebrook",
    "Wildwood Pass",
    "Willowmere",
    "Windhollow",
    "Winterfield",
    "Wrenwood",
    "Yarrowdale",
];

/// Lists that every policy may use; those of a locale are in `names`.
const LISTS: [(&str, &[&str]); 10] = [
    ("city", CITIES),
    ("company_head", COMPANY_HEADS),
    ("company_trade", COMPANY_TRADES),
    ("filler", FILLER),
    ("first_name", FIRST_NAMES),
    ("last_name", LAST_NAMES),
    ("region", REGIONS),
    ("region_code", REGION_CODES),
    ("street", STREETS),
    ("street_suffix", STREET_SUFFIXES),
];

/// BLAKE3 of every list by name: each word followed by a newline.
#[must_use]
pub fn digests() -> BTreeMap<String, String> {
    let digest = |list: &[&str]| {
        let mut hasher = blake3::Hasher::new();
        for word in list {
            hasher.update(word.as_bytes());
            hasher.update(b"\n");
        }
        hasher.finalize().to_hex().to_string()
    };
    let common = LISTS.iter().map(|(name, list)| ((*name).to_owned(), *list));
    common.chain(names::lists()).map(|(name, list)| (name, digest(list))).collect()
}

/// The words of `list` with at most `chars` characters, in order.
#[must_use]
pub fn fitting(list: &'static [&'static str], chars: usize) -> Vec<&'static str> {
    list.iter().map(|word| tidy(word)).filter(|word| word.chars().count() <= chars).collect()
}

/// The word without what some lists have around it by mistake.
fn tidy(word: &'static str) -> &'static str {
    word.trim_matches(|c: char| c.is_whitespace() || c == ',')
}

/// Whether a mask could have written the lower-case `word` from a list, unless it writes names of a locale.
#[must_use]
pub fn knows(word: &[u8]) -> bool {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| Words::of(LISTS.iter().flat_map(|(_, list)| list.iter()))).contains(word)
}

/// Whether a mask that writes names of `locale` could have written the lower-case `word`. Apart from [`knows`], because
/// every word that is taken for a dictionary's is one that the leak scan passes over.
#[must_use]
pub fn knows_in(locale: &str, word: &[u8]) -> bool {
    static WORDS: [OnceLock<Words>; LOCALES.len()] = [const { OnceLock::new() }; LOCALES.len()];
    let at = LOCALES.iter().position(|known| *known == locale);
    at.and_then(|at| Some((WORDS.get(at)?, names(locale)?))).is_some_and(|(words, names)| {
        let list = || names.first.iter().chain(names.last);
        words.get_or_init(|| Words::new(list().flat_map(|name| spellings(name)))).contains(word)
    })
}

/// The words of a name in lower case, as they are and without accents, which is how the leak scan reads them.
fn spellings(name: &'static str) -> Vec<Vec<u8>> {
    use unicode_normalization::UnicodeNormalization;
    let bare = |word: &str| -> String {
        word.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).collect()
    };
    let words = tidy(name).split_whitespace();
    words.flat_map(|word| [word.to_lowercase().into_bytes(), bare(&word.to_lowercase()).into_bytes()]).collect()
}

/// The words of the lists by a cheap hash. The words are ours, so nobody can choose them to collide.
struct Words {
    /// Hash and index of a word, at the slot of the hash or behind it.
    slots: Vec<Option<(u32, u32)>>,
    known: Vec<Vec<u8>>,
    longest: usize,
}

impl Words {
    /// Bits of a slot's number: less than half of the slots are taken.
    const BITS: u32 = 14;

    /// Every word of the entries, in lower case.
    fn of(entries: impl Iterator<Item = &'static &'static str>) -> Self {
        let words = entries.flat_map(|entry| tidy(entry).split_whitespace());
        Self::new(words.map(|word| word.to_lowercase().into_bytes()))
    }

    fn new(words: impl Iterator<Item = Vec<u8>>) -> Self {
        let mut table = Self { slots: vec![None; 1 << Self::BITS], known: Vec::new(), longest: 0 };
        for word in words {
            let (hash, found) = table.find(&word);
            let (Err(free), Ok(index)) = (found, u32::try_from(table.known.len())) else {
                continue;
            };
            table.slots[free] = Some((hash, index));
            table.longest = table.longest.max(word.len());
            table.known.push(word);
        }
        table
    }

    fn contains(&self, word: &[u8]) -> bool {
        word.len() <= self.longest && self.find(word).1.is_ok()
    }

    /// The word's hash, and its index or the free slot where it belongs.
    fn find(&self, word: &[u8]) -> (u32, Result<u32, usize>) {
        let hash = hash(word);
        let mut slot = (hash >> (32 - Self::BITS)) as usize;
        while let Some((other, index)) = self.slots[slot] {
            if other == hash && self.known[index as usize] == word {
                return (hash, Ok(index));
            }
            slot = (slot + 1) % self.slots.len();
        }
        (hash, Err(slot))
    }
}

fn hash(word: &[u8]) -> u32 {
    let mut hash = word.len() as u64;
    for part in word.chunks(8) {
        let part = match <[u8; 8]>::try_from(part) {
            Ok(part) => u64::from_le_bytes(part),
            Err(_) => part.iter().fold(0, |bits, byte| (bits << 8) | u64::from(*byte)),
        };
        hash = (hash.rotate_left(23) ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    u32::try_from(hash >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_the_pinned_ones() {
        let found: Vec<String> =
            digests().into_iter().map(|(name, digest)| format!("{name} {}", &digest[..16])).collect();
        let pinned = [
            "city a33a34b88aaf3460",
            "company_head 14b278cfe377b629",
            "company_trade a9d13c9fa6a35abc",
            "filler 1fd3e192b94cbc40",
            "first_name d89320f133017513",
            "first_name.ar_sa 83d4949635bd0a87",
            "first_name.cy_gb dd58adfa416eeea9",
            "first_name.de_de 431e327d6103bc60",
            "first_name.fa_ir 7aabdcfa33487cd8",
            "first_name.fr_fr 54d870255be7b059",
            "first_name.it_it a8f7ef2e4699e850",
            "first_name.ja_jp 3ad9e264cb63af63",
            "first_name.nl_nl 73bfb442c7d7551d",
            "first_name.pt_br 84ca1690bd50a602",
            "first_name.pt_pt b9ba786314583180",
            "first_name.tr_tr 1de3ed90bacd57ed",
            "first_name.zh_cn 27a25c170f95d694",
            "first_name.zh_tw 50acf7341bb090b9",
            "last_name 97b4425d6f75068f",
            "last_name.ar_sa d7e266d422c66d66",
            "last_name.cy_gb 60e7b453fb82a12c",
            "last_name.de_de 5d4bf11c12b241d0",
            "last_name.fa_ir 3bd66d24f5211ef8",
            "last_name.fr_fr 98a5028ad910c25e",
            "last_name.it_it 3e0804aca92a5598",
            "last_name.ja_jp 5106770d845a5ed0",
            "last_name.nl_nl 7a856a0aaacb15ea",
            "last_name.pt_br bc737f937c9030d2",
            "last_name.pt_pt b4b4079b48be51e8",
            "last_name.tr_tr fcc7a21ff68f60fd",
            "last_name.zh_cn 1f2f1e740f6b043e",
            "last_name.zh_tw 06fd4e648372501d",
            "region 134defa2a179b043",
            "region_code 592dbf6efb469954",
            "street bea914233d999827",
            "street_suffix 7439cb9b162585b0",
        ];
        assert_eq!(found, pinned, "a changed list is a new version of every mask that uses it");
    }

    #[test]
    fn words_are_plain_and_appear_in_the_lookup() {
        for (name, list) in LISTS {
            for word in list {
                assert!(word.is_ascii() && !word.is_empty() && word.trim() == *word, "{name}: {word}");
            }
        }
        assert!(knows(b"o'keefe") && knows(b"hollow") && knows(b"avenue") && !knows(b"smithereens"));
        for (name, list) in names::lists() {
            let (_, locale) = name.split_once('.').unwrap();
            for word in list.iter().flat_map(|entry| tidy(entry).split_whitespace()) {
                assert!(knows_in(locale, word.to_lowercase().as_bytes()), "{name}: {word}");
                assert!(!word.chars().any(char::is_control) && !word.contains(','), "{name}: {word}");
            }
        }
        assert!(!knows("müller".as_bytes()) && knows_in("tr_tr", "yılmaz".as_bytes()) && !knows_in("de_de", b"kaya"));
    }
}
