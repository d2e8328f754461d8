//! French abbreviations, by what may follow them.

/// What a full stop after a word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Always stands before what it belongs to: M. Dupont, cf. Paul.
    Never,
    /// Stands before a number or a name that it counts or labels, and may be a common word: art. 12, vol. II.
    BeforeNumber,
    /// May end a sentence: S.A., min., et al. Only a word that begins sentences and no names ends it.
    MayEnd,
    /// Ends a sentence wherever a capital follows: etc.
    Ends,
    /// No abbreviation.
    Word,
}

/// Titles and first names: case matters (`Me` is a lawyer, `me` a pronoun).
const TITLES: &str = " M MM Mr Mrs Ms Dr Drs Pr Prs Prof Me Mes Mgr Mgrs St Ste Sts Stes Mme Mmes Mlle Mlles Vve \
    Gal Gén Col Cel Cap Cne Capt Lt Lieut Cdt Cmdt Cmt Sgt Adj Maj Ing Rév Hon Exc Em Rev Gov Sen Rep \
    Prés Dir Card Insp Comm Melle Mlles Ets Éts Soc Gve \
    Ch Th Chr Ph Jos Alex Alph Ant Aug Bern Ed Edm Eug Fréd Geo Georg Guill Gust Jacq Jh Jul Ls Mich Nic Raym Vict \
    Wm Bx Bse Cte Ctesse Vte Vtesse Pdt Présid Secr Amb Mt Mts ";

/// Words (lower case) that always go on.
const NEVER: &str = " cf env ex av ap apr tél bd bld boul blvd bvd pl imp fbg fg rte chem rés étg op loc \
    c.-à-d càd i.e e.g p.ex par.ex ca circa resp vs subst arr arrt hab p pp \
    n.b approx adr réf mm mlle mlles mme mmes mr dr hon ";

/// Words (lower case) that stand before a number, a letter or a name.
const BEFORE_NUMBER: &str = " art arts par chap ch fig figs no nos nº nr num vol vols t fasc liv livr sect § parag al \
    alin ann annex append tab tabl fo fol ff ll vv ms mss rééd réimpr cols cah suppl sér bull cons cass civ crim req chron \
    janv jan fév févr fevr avr juil juill sept oct nov déc dec lun mar mer jeu ven sam dim bât bat esc apt appt ";

/// Those of them that are words too: L'art. Le col.
const COMMON: &str = " arts cols par vol vols sept mar mer ";

/// Words (lower case) that may end a sentence.
const MAY_END: &str = " s ss suiv sq sqq min max sec km kg cm ha hl dl cl ml mn ltd inc corp co cie sté bros gmbh plc llc jr sr \
    cap col adj gal comm insp card cne prés rapp obs app dép ets éts soc inst doss rép qté qte gén prop déf alt larg diam \
    cant libr impr édit acad vo vº ibid coll dir introd préf postf inéd univ éd ed trad tot moy angl fr lat gr ital sc hist géogr litt philos théol méd jur prof ";

/// What the full stop after `word` means; `word` is what stands between white space (or an opening sign, or an
/// apostrophe) and the stop, with its inner stops.
pub(super) fn kind(word: &str) -> Kind {
    if listed(TITLES, word) {
        return Kind::Never;
    }
    let lower = word.to_lowercase();
    if matches!(lower.as_str(), "etc" | "t.t.c" | "h.t" | "s.v.p") {
        return Kind::Ends;
    }
    for (list, kind) in [(NEVER, Kind::Never), (BEFORE_NUMBER, Kind::BeforeNumber), (MAY_END, Kind::MayEnd)] {
        if listed(list, &lower) {
            // An acronym in capitals is no abbreviation: le CH., la SS.
            let capitals = word.chars().count() > 1 && word.chars().all(char::is_uppercase);
            return if capitals { Kind::Word } else { kind };
        }
    }
    let consonants = (2..=4).contains(&lower.chars().count())
        && lower.chars().all(|c| c.is_alphabetic() && !"aeiouyàâäéèêëîïôöùûüœæ".contains(c));
    if consonants && !word.chars().all(char::is_uppercase) { Kind::MayEnd } else { Kind::Word }
}

/// Whether a word is the sign of a unit that a full stop often follows.
pub(super) fn is_unit(word: &str) -> bool {
    listed(" s min mn sec h g kg mg l cl dl ml hl m mm cm km ha V W A ", word)
}

/// Whether letters tell things of this name apart: la vitamine D, l'hépatite B.
pub(super) fn is_lettered(word: &str) -> bool {
    let one = word.to_lowercase();
    let one = one.strip_suffix('s').unwrap_or(&one);
    listed(" vitamine hépatite plan annexe bus groupe catégorie classe type série terminale bonnet filière ligne ", one)
}

/// Whether it is what a company's name ends with: Yahoo! Inc.
pub(super) fn is_company(word: &str) -> bool {
    listed(" Inc Corp Ltd Co ", word)
}

/// Whether an abbreviation before numbers is a word as well.
pub(super) fn is_common_word(word: &str) -> bool {
    listed(COMMON, &word.to_lowercase())
}

fn listed(list: &str, word: &str) -> bool {
    !word.is_empty() && !word.contains(' ') && list.contains(&format!(" {word} "))
}

/// Words that begin sentences and hardly ever names: after an abbreviation they say that it ended its sentence.
const STARTERS: &str = " un une il elle ils elles on nous vous je j' tu ce c' cet cette ces cela ça ceci celui celle ceux \
    celles mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs qui que qu' quoi quand quel quelle quels quelles \
    comment pourquoi où et mais ou donc or ni car si s' en dans sur sous par pour avec sans chez vers entre depuis pendant \
    après avant dès selon malgré ainsi alors aussi enfin ensuite puis cependant toutefois pourtant néanmoins lorsque lorsqu' \
    puisque puisqu' comme tout tous toute toutes plusieurs certains certaines chaque aucun aucune personne rien ne n' y au aux \
    à voici voilà oui non deux trois quatre cinq six dix outre parmi contre jusqu' jusque hormis sauf grâce suite lors afin \
    quelques quelque chacun chacune d'abord d'autres aujourd'hui hier demain maintenant désormais parfois souvent jamais \
    toujours déjà encore ici là l'un l'une quant bref certes seul seule seuls seules d'ailleurs plus moins très trop peu \
    beaucoup bien même autre autres telle tel tels telles nul nulle a est était fut ";

/// Articles and the like, which begin sentences and names (Le Corbusier, La Fontaine, de Gaulle).
const ARTICLES: &str = " le la les l' des du de d' ";

/// Whether a capitalised `word` (without apostrophe, or up to and with it) begins sentences and hardly ever names.
pub(super) fn starts_sentences(word: &str) -> bool {
    listed(STARTERS, &word.to_lowercase().replace('’', "'"))
}

/// Whether it is an article, which begins names as well.
pub(super) fn is_article(word: &str) -> bool {
    listed(ARTICLES, &word.to_lowercase().replace('’', "'"))
}

/// Whether a lower-case word only ever joins others, so that an initial after it belongs to a name: de J. Dupont.
pub(super) fn joins(word: &str) -> bool {
    listed(
        " de d' du des le la les l' un une et ou à au aux en par pour avec sans chez selon que qu' comme entre contre sur \
        vers dont puis mais ni car si est sont fut était ",
        &word.to_lowercase().replace('’', "'"),
    )
}

/// I, II, IV, XIX … in capitals.
pub(super) fn is_roman(word: &str) -> bool {
    !word.is_empty() && word.len() <= 7 && word.chars().all(|c| "IVXLCDM".contains(c))
}
