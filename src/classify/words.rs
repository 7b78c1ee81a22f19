//! Names as words: folded to plain lower-case letters, cut at signs, capitals and digits, and glued compounds cut at words
//! that are known.

use super::knowledge::Knowledge;

/// Words that look like compounds of known ones and are none.
const WHOLE: &[&str] =
    &["capacity", "keyword", "keywords", "landmark", "percentage", "storage", "suspension", "velocity"];
/// Two letters that may end or begin a compound.
const SHORT: &[&str] = &["by", "id", "ip", "is", "no", "nr", "to"];

/// What legacy schemas shorten, and what it stands for.
const SHORTENED: &[(&str, &str)] = &[
    ("acc", "account"),
    ("acct", "account"),
    ("addr", "address"),
    ("adr", "address"),
    ("afil", "afiliado"),
    ("ans", "answer"),
    ("bal", "balance"),
    ("bene", "beneficiary"),
    ("benef", "beneficiary"),
    ("brth", "birth"),
    ("bth", "birth"),
    ("cd", "code"),
    ("cntct", "contact"),
    ("cntry", "country"),
    ("cont", "contact"),
    ("cred", "credit"),
    ("crypted", "encrypted"),
    ("cty", "city"),
    ("cust", "customer"),
    ("dat", "date"),
    ("dept", "department"),
    ("desc", "description"),
    ("dl", "license"),
    ("dri", "driver"),
    ("ds", "descricao"),
    ("dt", "date"),
    ("emerg", "emergency"),
    ("emp", "employee"),
    ("empf", "empfaenger"),
    ("enc", "encrypted"),
    ("fec", "fecha"),
    ("fech", "fecha"),
    ("frst", "first"),
    ("fst", "first"),
    ("fthr", "father"),
    ("gndr", "gender"),
    ("grp", "group"),
    ("guar", "guarantor"),
    ("hldr", "holder"),
    ("hm", "home"),
    ("init", "initial"),
    ("ins", "insurance"),
    ("lic", "license"),
    ("lice", "license"),
    ("ln", "line"),
    ("lst", "last"),
    ("mgr", "manager"),
    ("mid", "middle"),
    ("mngr", "manager"),
    ("mob", "mobile"),
    ("mrtl", "marital"),
    ("msg", "message"),
    ("mthr", "mother"),
    ("nat", "nationality"),
    ("nbr", "number"),
    ("nm", "name"),
    ("no", "number"),
    ("nr", "number"),
    ("num", "number"),
    ("oth", "other"),
    ("pac", "paciente"),
    ("pass", "password"),
    ("passwd", "password"),
    ("pat", "patient"),
    ("pers", "personal"),
    ("ph", "phone"),
    ("phys", "physician"),
    ("prsn", "person"),
    ("pw", "password"),
    ("pwd", "password"),
    ("ques", "question"),
    ("rcvr", "receiver"),
    ("recip", "recipient"),
    ("rtng", "routing"),
    ("sal", "salary"),
    ("salut", "salutation"),
    ("sec", "security"),
    ("sg", "sigla"),
    ("sndr", "sender"),
    ("st", "state"),
    ("stat", "status"),
    ("stu", "student"),
    ("tchr", "teacher"),
    ("tel", "telephone"),
    ("tx", "text"),
    ("usr", "user"),
    ("usu", "usuario"),
    ("veh", "vehicle"),
    ("wrk", "work"),
];

/// The same words with shortened ones in full.
pub(super) fn in_full(words: &[String]) -> Vec<String> {
    let full = |word: &String| {
        let found = SHORTENED.binary_search_by(|(short, _)| (*short).cmp(word));
        found.map_or_else(|_| word.clone(), |at| SHORTENED[at].1.to_owned())
    };
    words.iter().map(full).collect()
}

/// A name's words. `emailAddress`, `EMAIL_ADDRESS` and `email address` are alike; accents are off.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = name.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).collect();
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after = chars.get(at + 1);
        let begins = before.is_some_and(|b| {
            let capital = c.is_uppercase() && (b.is_lowercase() || after.is_some_and(|a| a.is_lowercase()));
            capital || c.is_numeric() != b.is_numeric()
        });
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            fold(c, &mut word);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The words with glued compounds cut: `passwordlastchanged` is three.
pub(super) fn cut(knowledge: &Knowledge, words: Vec<String>) -> Vec<String> {
    words.into_iter().flat_map(|word| compound(knowledge, &word).unwrap_or_else(|| vec![word])).collect()
}

/// The fewest known words that make up the whole of a word which is not known itself.
fn compound(knowledge: &Knowledge, word: &str) -> Option<Vec<String>> {
    if word.len() < 6
        || word.len() > 48
        || !word.is_ascii()
        || knowledge.is_word(word)
        || WHOLE.contains(&word)
        || word.ends_with("ship")
    {
        return None;
    }
    // The cheapest way to each place: its cost, and where its last word begins.
    let mut best: Vec<Option<(usize, usize)>> = vec![None; word.len() + 1];
    best[0] = Some((0, 0));
    for end in 2..=word.len() {
        for start in 0..end - 1 {
            let Some((cost, _)) = best[start] else {
                continue;
            };
            let part = &word[start..end];
            let known = if part.len() == 2 {
                SHORT.contains(&part)
            } else {
                knowledge.is_word(part)
                    || part.strip_suffix('s').is_some_and(|one| one.len() >= 4 && knowledge.is_word(one))
            };
            let step = if part.len() <= 3 { 3 } else { 2 };
            if known && best[end].is_none_or(|(least, _)| cost + step < least) {
                best[end] = Some((cost + step, start));
            }
        }
    }
    best[word.len()].filter(|(cost, _)| *cost <= 9)?;
    let (mut parts, mut end) = (Vec::new(), word.len());
    while end > 0 {
        let (_, start) = best[end]?;
        parts.push(word[start..end].to_owned());
        end = start;
    }
    parts.reverse();
    Some(parts)
}

/// What a word may be the plural of, itself first.
pub(super) fn forms(word: &str) -> impl Iterator<Item = String> {
    let cut = |ending: &str, instead: &str| {
        word.strip_suffix(ending).filter(|stem| stem.len() >= 2).map(|stem| format!("{stem}{instead}"))
    };
    [Some(word.to_owned()), cut("ies", "y"), cut("es", ""), cut("s", "")].into_iter().flatten()
}

/// A character as plain lower-case letters.
fn fold(c: char, out: &mut String) {
    for c in c.to_lowercase() {
        let plain = match c {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
            'ç' | 'ć' | 'č' => "c",
            'ď' | 'đ' | 'ð' => "d",
            'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' | 'ė' => "e",
            'ğ' => "g",
            'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
            'ł' | 'ľ' => "l",
            'ñ' | 'ń' | 'ň' => "n",
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ő' | 'ō' => "o",
            'ř' => "r",
            'ś' | 'š' | 'ş' | 'ș' => "s",
            'ť' | 'ţ' | 'ț' => "t",
            'ù' | 'ú' | 'û' | 'ü' | 'ű' | 'ů' | 'ū' => "u",
            'ý' | 'ÿ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            'æ' => "ae",
            'œ' => "oe",
            'ß' => "ss",
            'þ' => "th",
            // Marks that stand by themselves behind their letter, and the dot of a Turkish capital.
            '\u{300}'..='\u{36f}' => "",
            other => {
                out.push(other);
                continue;
            }
        };
        out.push_str(plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        for (name, expected) in [
            ("first_name", "first name"),
            ("FirstName", "first name"),
            ("FIRSTNAME", "firstname"),
            ("IPAddress", "ip address"),
            ("address1", "address 1"),
            ("Contraseña", "contrasena"),
            ("straße-nr", "strasse nr"),
            ("İsim", "isim"),
            ("nume\u{0301}ro", "numero"),
            ("", ""),
            ("🦀", ""),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn glued_words_are_cut_and_real_ones_are_not() {
        let knowledge = Knowledge::get();
        for (name, expected) in [
            ("passwordlastchanged", "password last changed"),
            ("shoppingcartitem", "shopping cart item"),
            ("capacity", "capacity"),
            ("velocity", "velocity"),
            ("message", "message"),
            ("international", "international"),
        ] {
            assert_eq!(cut(knowledge, words(name)).join(" "), expected, "{name}");
        }
    }
}
