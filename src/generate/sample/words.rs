//! The sample's own word lists. Names are rare or made up on purpose: a leak scan looks for originals in masked output,
//! and a name that a mask's dictionary also has would look like a leak that is none.

/// Given names.
pub(super) const FIRST: &[&str] = &[
    "Ysolde",
    "Thandeka",
    "Bjørnulf",
    "Quillon",
    "Şevval",
    "Ilmarinen",
    "Xóchitl",
    "Oluwaseyi",
    "Caoimhe",
    "Zbigniew",
    "Núria",
    "Eydís",
    "Tariku",
    "Ngozika",
    "Vsevolod",
    "Hjördis",
    "Ekundayo",
    "Përparim",
    "Aoibhín",
    "Jiřina",
    "Makana",
    "Oisín",
    "Ludwika-Róża",
    "Gwrtheyrn",
    "Siobhra",
    "Çağla",
    "Radoslava",
    "Tjorven",
    "Umukoro",
    "Wenzeslaus",
    "Yevhenia",
    "Zsófia",
    "Andrzejka",
    "Blagoje",
    "Drífa",
    "Fionnghal",
    "Inkeri",
    "Katriona",
    "Mzwandile",
    "Žydrūnė",
];

/// Family names.
pub(super) const LAST: &[&str] = &[
    "Vandersmoot",
    "Quistorff",
    "Ólafsdóttir",
    "Brzęczyk",
    "Ndlovukazi",
    "Thistlebrook",
    "Szymańczak",
    "Okonkwoye",
    "Fjeldgaard",
    "Müßigbrodt",
    "Castellorizo",
    "Yarrowmere",
    "Hrušková",
    "Achterberghe",
    "Pendragoness",
    "Ibáñezcoa",
    "Zwartkruis",
    "Ravnsborg",
    "Tuohimaa",
    "Oyelarinde",
    "Grünspecht",
    "Wapshott",
    "Dziedzic",
    "Lindqvester",
    "Marchetelli",
    "Kuznetsenko",
    "Bǎlǎnescu",
    "Featherdale",
    "Güzelsoy",
    "Nakagomori",
    "Sørbakken",
    "Uzelacki",
    "Vilhjálmsen",
    "Xanthakis",
    "Ærøskov",
    "Jaundzems",
    "Eichenlohe",
    "Ceallacháin",
    "Quagliarone",
    "Skjoldborg",
];

/// First words of company names.
pub(super) const COMPANY: &[&str] = &[
    "Verdantry",
    "Moonkelp",
    "Saltmarsh & Rook",
    "Emberfern",
    "Tidewrack",
    "Hollowpine",
    "Kvist",
    "Amberlode",
    "Ninefold",
    "Peatglow",
    "Quercus Nine",
    "Ærø",
    "Dustwillow",
    "Larkmoss",
    "Foxglen",
    "Greywater",
    "Übergrün",
    "Sundrop",
    "Ironsedge",
    "Thornapple",
];

/// Last words of company names.
pub(super) const TRADE: &[&str] = &[
    "Provisions",
    "Botanicals",
    "Apothecary",
    "Growers' Union",
    "Collective",
    "Greenhouses",
    "Dispensary №5",
    "Holdings",
];

/// Streets.
pub(super) const STREETS: &[&str] = &[
    "Gannetfold Row",
    "Old Tannery Causeway",
    "Quernstone Lane",
    "Brightholm Terrace",
    "Calle del Búho",
    "Marrowgate",
    "Lindenhäuser Weg",
    "Saltern Quay",
    "Puffin Steps",
    "Nettlecombe Rise",
    "Vallmogränd",
    "Cooper's Yard",
    "Dovecrag Bend",
    "Ropewalk Close",
    "Tinderbox Alley",
    "Ulica Wiśniowa",
];

/// Cities with region, postal prefix and country.
pub(super) const CITIES: &[(&str, &str, &str, &str)] = &[
    ("Palmetto Wells", "FL", "339", "US"),
    ("Tamarind Hollow", "FL", "331", "US"),
    ("Juniper Narrows", "CO", "812", "US"),
    ("Cañon Bermejo", "NM", "875", "US"),
    ("Saint-Éloi-du-Lac", "ME", "047", "US"),
    ("Driftwood Spit", "WA", "985", "US"),
    ("Mossbarrow", "OR", "974", "US"),
    ("Obsidian Ford", "NV", "894", "US"),
    ("Großkirchlingen", "BW", "791", "DE"),
    ("Kleinüßfeld", "BY", "837", "DE"),
];

/// Mail domains; `.test` is reserved, so nobody owns them.
pub(super) const DOMAINS: &[&str] =
    &["canopy-mail.test", "leafpost.test", "terpmail.test", "growers.canopy-mail.test", "briefkasten.test"];

/// Strain names.
pub(super) const STRAINS: &[&str] = &[
    "Basalt Haze",
    "Copper Comet",
    "Velvet Kelp",
    "Piñon Frost",
    "Midnight Quince",
    "Lantern Fig",
    "Old Harbour Kush",
    "Blue Tansy",
    "Crème Fumée",
    "Orchard Static",
    "Glacier Plum",
    "Paper Tiger Lily",
    "Sugar Lichen",
    "Nimbus No. 4",
    "Tupelo Ghost",
    "Wild Bergamot",
    "Sour Meridian",
    "Ginger Eclipse",
    "Harvest Owl",
    "Lemon Obelisk",
];

/// Kinds of product, with their category and usual price in cents.
pub(super) const GOODS: &[(&str, &str, i64)] = &[
    ("Flower 3.5 g", "flower", 2_800),
    ("Flower 14 g", "flower", 9_400),
    ("Pre-roll", "flower", 900),
    ("Gummies 🍬", "edible", 1_850),
    ("Dark chocolate", "edible", 2_150),
    ("Live resin", "extract", 4_700),
    ("Cartridge 0.5 g", "extract", 3_350),
    ("Balm", "topical", 2_450),
];

/// Positions of contacts.
pub(super) const POSITIONS: &[&str] =
    &["Buyer", "Owner", "Accounts payable", "Night shift", "Store manager", "Qualité"];

/// The letters an e-mail address is made of: ASCII, lower case, diacritics dropped.
pub(super) fn ascii(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        out.push_str(match c {
            'a'..='z' | '0'..='9' | '-' => {
                out.push(c);
                continue;
            }
            'á' | 'à' | 'ǎ' | 'ä' => "a",
            'č' | 'ç' | 'ć' => "c",
            'é' | 'ė' | 'ë' | 'ę' => "e",
            'í' | 'ı' => "i",
            'ğ' => "g",
            'ñ' | 'ń' => "n",
            'ó' | 'ö' | 'ø' => "o",
            'ř' => "r",
            'š' | 'ş' => "s",
            'ß' => "ss",
            'ú' | 'ū' | 'ü' => "u",
            'ý' => "y",
            'ž' | 'ż' => "z",
            'æ' => "ae",
            _ => "",
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain_letters() {
        assert_eq!(ascii("Müßigbrodt"), "mussigbrodt");
        assert_eq!(ascii("Žydrūnė"), "zydrune");
        for name in FIRST.iter().chain(LAST) {
            assert!(ascii(name).len() >= name.chars().count(), "{name}");
        }
    }
}
