//! Words that say nothing about a person, or not by themselves.

/// What stands in name columns instead of a name.
const PLACEHOLDERS: &str = " admin anonym anonymous client contact customer default deleted demo dummy example guest internal \
 keine misc n/a na name nobody no-name none noname null other owner private public root redacted removed self sales support system tba \
 tbd temp test tester unknown unbekannt inconnu desconocido user various void xxx yes no true false ";

/// Titles, suffixes and particles of names: never taught as a part of one.
const PARTICLES: &str = " abu and auf aus bin bint dalla das degli del della den der des dos dona don dona dott dottor dra \
 esq frau herr iii ing les los las mag mba miss mlle mme mrs phd prof san santa sir sra the und van ven von vom zum zur ";

/// Ordinary words that are names as well. Replaced where they begin with a capital letter only.
const ORDINARY: &str = " abbey ace amber angel apple april arch archer art ash august aurora autumn bailey baker ball bank \
 banks barber bark baron barren base bass bay beach bean bear beau bell belle berg best bill bird bishop black blank blue \
 bold bond book booth bow bowl brand branch brass bridge bright brook brooks brown bruno buck bull bunny burn burns bush butcher butler \
 butter cab camp campos candy cane canon carl carol carpenter carter case cash castle chance chandler chapel chapman charity chase \
 chip chris christian chuck church city clark clay clean cliff cloud coal cole colt comfort constant cook cool cooper coral \
 corn cost cotton court cox craft crane crisp crook cross crow crown cruz curry cutter dale dash daisy dart dawn day dean dear deer delta \
 desire destiny dew dick diamond dick dill dollar dove drake draw drew duke dust dusty dyer eagle earl early east easter easy ebony eden \
 elder ember energy engel english ernest eve ever every faith falcon fall faith fame fan farmer fast favor fair fern field fields finch fine finn \
 fish fisher flint flood flora flores flower flowers floyd fly ford forest foster fox frank free freed french frost gage gale gallant game garden \
 gardener garland garner gates gem gene gentle ghost gift ginger glad glass glen glory gold golden good goose grace grant grand graves \
 gray green grey grill grove guard guy guest hale hall ham hammer hand happy harbor hardy harmony harp hart haven hawk hay hazel head heart heath \
 heather heaven hedge helm herb heritage hero hill hills holiday holland holly home honey honor hood hook hope horn horse house hunt hunter \
 ice image india innocent iris iron island ivory ivy jack jade jasmine jay jet jewel job jockey john jordan joy judge jules july june justice karma \
 keen key keys kind king kitty klein knight koch lace lake lamb lance land lane lang lark laurel law lawn lea lee lemon levy liberty light lily lily \
 lime linden link lion little lobo long lord lot lotus love low luck lucky luna luz lynx mace major maker mar marble march marine mark market marks marsh martin mason \
 master matt may mays meadow melody mercy merit merry messenger mike mild miles mill miller mills mine mint mission mister moon moor moore \
 moral morning moss mount myrtle nail neon new nick nickel night nights noble noel north nova novel oak oaks ocean odd olive opal orange orchard page \
 paige palm palmer pan paris park parker parks parson pat patience pax paz peace peak pearl penny pepper perry petit phoenix pickle pierce piers pike pine piper \
 pitt plant plum pole polo pond pool poor pope porter post potter potts power powers precious presley price pride prince prior privacy prudence \
 prune queen quick quill rain rains ram ramp ranger raven ray read reader reading red reed reef rein rex reyes rice rich rider ridge rife ring \
 river rivers road rob robin rock rocky rod roman root rosa rose rosemary rosier ross rover rowan royal ruby rude rush russet russell rust rusty sage \
 salt salvador sandy sawyer saint santos savannah say scarlet scott sea seal sealy sear season self senior serene service shade sharp shepherd shore \
 short shy sierra silver singer sky skip sky slate small smart smith snow sol soldier song sonny south spark spears speed spencer spring \
 stafford star stark starr steel stein sterling stern steward stew stock stone storm story stout street strong sue summer summers sun sunday sunny \
 sunshine swan sweet swift tab talent tally tanner tate tawny taylor teal temple tender terry thorn tide tiger timber tipper today tom tower towers town \
 tracer tracy trace treasure tree trinity trip troy true trump trust tucker turner tyler unique unity urban vale valentine valley vance vera \
 verity victor victory vine viola violet virtue vogel wade wagner walker wall walls ward ware warner warren washer water waters wave way ways weaver webb \
 webber week weeks weir well wells west western wheat wheel wheeler white wick wild wilder will willow wills win wind windsor wine winner winter winters wise wish \
 wolf wood woods word words work worth wren wright york young zion ";

fn is_in(list: &str, word: &str) -> bool {
    let bytes = list.as_bytes();
    !word.is_empty() && list.match_indices(word).any(|(at, _)| bytes[at - 1] == b' ' && bytes[at + word.len()] == b' ')
}

/// Whether a value stands for the lack of one.
pub(super) fn is_placeholder(value: &str) -> bool {
    is_in(
        PLACEHOLDERS,
        value.trim().to_lowercase().trim_matches(['-', '.', '<', '>', '(', ')', '[', ']', '*', '"', ' ']),
    )
}

/// Whether a lower-case word is never a name by itself.
pub(super) fn is_particle(word: &str) -> bool {
    is_in(PARTICLES, word)
}

/// Whether a lower-case word is an ordinary one too.
pub(super) fn is_ordinary(word: &str) -> bool {
    is_in(ORDINARY, word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_looked_up_by_whole_words() {
        assert!(is_ordinary("will") && is_ordinary("abbey") && is_ordinary("zion") && !is_ordinary("wil"));
        assert!(!is_ordinary("") && !is_ordinary("maria") && !is_ordinary("ros"));
        assert!(
            is_placeholder(" N/A ") && is_placeholder("<unknown>") && !is_placeholder("Nalani") && !is_placeholder("-")
        );
        assert!(is_particle("von") && !is_particle("vo"));
    }
}
