//! First and last names by locale, as `fake` ships them at its pinned version.

use fake::locales::{
    AR_SA, CY_GB, DE_DE, Data, EN, FA_IR, FR_FR, IT_IT, JA_JP, NL_NL, PT_BR, PT_PT, TR_TR, ZH_CN, ZH_TW,
};

/// Names of one locale.
#[derive(Debug)]
pub struct Names {
    /// First names.
    pub first: &'static [&'static str],
    /// Last names.
    pub last: &'static [&'static str],
    order: Order,
}

/// How a locale writes a full name.
#[derive(Debug, Clone, Copy)]
enum Order {
    FirstLast,
    LastFirst,
    /// Last name first, and no space.
    Joined,
}

impl Names {
    /// Appends the full name: as the locale writes it, or `turned`, with a comma behind the last name.
    pub fn join(&self, first: &str, last: &str, turned: bool, out: &mut Vec<u8>) {
        let parts = match self.order {
            _ if turned => [last, ", ", first],
            Order::FirstLast => [first, " ", last],
            Order::LastFirst => [last, " ", first],
            Order::Joined => [last, "", first],
        };
        for part in parts {
            out.extend_from_slice(part.as_bytes());
        }
    }
}

const fn of<L: Data>(order: Order) -> Names {
    Names { first: L::NAME_FIRST_NAME, last: L::NAME_LAST_NAME, order }
}

/// The names used unless a policy names a locale.
pub static ENGLISH: Names = of::<EN>(Order::FirstLast);

static TABLE: [Names; 13] = [
    of::<AR_SA>(Order::FirstLast),
    of::<CY_GB>(Order::FirstLast),
    of::<DE_DE>(Order::FirstLast),
    of::<FA_IR>(Order::FirstLast),
    of::<FR_FR>(Order::FirstLast),
    of::<IT_IT>(Order::FirstLast),
    of::<JA_JP>(Order::LastFirst),
    of::<NL_NL>(Order::FirstLast),
    of::<PT_BR>(Order::FirstLast),
    of::<PT_PT>(Order::FirstLast),
    of::<TR_TR>(Order::FirstLast),
    of::<ZH_CN>(Order::Joined),
    of::<ZH_TW>(Order::Joined),
];

/// The locales that names can be from; the first one is the default.
pub const LOCALES: &[&str] = &[
    "en", "ar_sa", "cy_gb", "de_de", "fa_ir", "fr_fr", "it_it", "ja_jp", "nl_nl", "pt_br", "pt_pt", "tr_tr", "zh_cn",
    "zh_tw",
];

/// The names of `locale`.
#[must_use]
pub fn names(locale: &str) -> Option<&'static Names> {
    match LOCALES.iter().position(|known| *known == locale)? {
        0 => Some(&ENGLISH),
        at => TABLE.get(at - 1),
    }
}

/// Every list but the English ones, by name.
pub(super) fn lists() -> impl Iterator<Item = (String, &'static [&'static str])> {
    LOCALES.iter().skip(1).zip(&TABLE).flat_map(|(locale, names)| {
        [(format!("first_name.{locale}"), names.first), (format!("last_name.{locale}"), names.last)]
    })
}
