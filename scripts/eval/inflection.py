"""The forms of French words, each with the form that English has in its place.

French by rule, so that there are forms which no Frenchman writes: `wordfreq` tells them from the others.
"""
import re

import simplemma
from wordfreq import zipf_frequency

RAREST = 1.5                                         # zipf; rarer forms are not worth a place
IRREGULAR = """arise arose arisen|be was been|bear bore borne|beat beat beaten|become became become|begin began begun|bend bent bent|bind bound bound|
bite bit bitten|bleed bled bled|blow blew blown|break broke broken|breed bred bred|bring brought brought|build built built|burst burst burst|buy bought bought|
cast cast cast|catch caught caught|choose chose chosen|cling clung clung|come came come|cost cost cost|creep crept crept|cut cut cut|deal dealt dealt|dig dug dug|
do did done|draw drew drawn|drink drank drunk|drive drove driven|eat ate eaten|fall fell fallen|feed fed fed|feel felt felt|fight fought fought|find found found|
flee fled fled|fling flung flung|fly flew flown|forbid forbade forbidden|forecast forecast forecast|foresee foresaw foreseen|forget forgot forgotten|forgive forgave forgiven|
freeze froze frozen|get got got|give gave given|go went gone|grind ground ground|grow grew grown|hang hung hung|have had had|hear heard heard|hide hid hidden|hit hit hit|
hold held held|hurt hurt hurt|keep kept kept|kneel knelt knelt|know knew known|lay laid laid|lead led led|leave left left|lend lent lent|let let let|lie lay lain|light lit lit|
lose lost lost|make made made|mean meant meant|meet met met|mislead misled misled|mow mowed mown|overcome overcame overcome|overthrow overthrew overthrown|pay paid paid|put put put|
quit quit quit|read read read|rend rent rent|rid rid rid|ride rode ridden|ring rang rung|rise rose risen|run ran run|saw sawed sawn|say said said|see saw seen|seek sought sought|
sell sold sold|send sent sent|set set set|sew sewed sewn|shake shook shaken|shear sheared shorn|shed shed shed|shine shone shone|shoot shot shot|show showed shown|shrink shrank shrunk|
shut shut shut|sing sang sung|sink sank sunk|sit sat sat|sleep slept slept|slide slid slid|sling slung slung|slit slit slit|sow sowed sown|speak spoke spoken|spend spent spent|
spin spun spun|spit spat spat|split split split|spread spread spread|spring sprang sprung|stand stood stood|steal stole stolen|stick stuck stuck|sting stung stung|stink stank stunk|
stride strode stridden|strike struck struck|string strung strung|strive strove striven|swear swore sworn|sweep swept swept|swell swelled swollen|swim swam swum|swing swung swung|
take took taken|teach taught taught|tear tore torn|tell told told|think thought thought|throw threw thrown|thrust thrust thrust|tread trod trodden|undergo underwent undergone|
undermine undermined undermined|undo undid undone|upset upset upset|wake woke woken|wear wore worn|weave wove woven|weep wept wept|win won won|wind wound wound|withdraw withdrew withdrawn|
withstand withstood withstood|wring wrung wrung|write wrote written|undertake undertook undertaken|understand understood understood|outdo outdid outdone|redo redid redone|unwind unwound unwound"""
PAST, PARTICIPLE = ({b: f[i] for b, *f in (v.split() for v in IRREGULAR.replace("\n", "").split("|"))} for i in (0, 1))
DOUBLING = set("""stop plan trap drop slip grab drag hop rub scrub stab rip strip wrap tap clap flap snap chop crop prop top whip skip dip tip trip zip grip nag wag beg jog hug mug plug dig
stun pin thin ban scan tan skin spin ram slam cram jam dam hum drum rob sob throb nod plod thud shred wed bet pat chat spot rot knit fit flit blot trot refer prefer transfer defer infer deter
occur recur incur spur stir blur mar scar star bar tar jar commit admit submit permit omit emit regret rebel compel expel propel repel patrol control extol label cancel travel""".split())
PLURALS = dict(p.split() for p in """man men|woman women|child children|foot feet|tooth teeth|goose geese|mouse mice|louse lice|ox oxen|person people|knife knives|wife wives|life lives|leaf leaves|
thief thieves|half halves|shelf shelves|wolf wolves|calf calves|loaf loaves|scarf scarves|hoof hooves|elf elves|potato potatoes|tomato tomatoes|hero heroes|echo echoes|veto vetoes|torpedo torpedoes|
embargo embargoes|mosquito mosquitoes|volcano volcanoes|cargo cargoes|mango mangoes|sheep sheep|deer deer|fish fish|salmon salmon|trout trout|cod cod|aircraft aircraft|spacecraft spacecraft|
series series|species species|means means|crossroads crossroads|headquarters headquarters|barracks barracks|offspring offspring|criterion criteria|phenomenon phenomena|bacterium bacteria|
alga algae|larva larvae|nucleus nuclei|fungus fungi|stimulus stimuli|passer-by passers-by|Englishman Englishmen""".replace("\n", "").split("|"))
# What has no plural in English whatever French has.
MASS = set("""advice equipment luggage baggage furniture software hardware news information research evidence leave custody money work health knowledge progress traffic rubbish garbage waste
litter clothing footwear underwear jewelry jewellery pottery machinery weaponry artillery ammunition infantry cavalry cutlery crockery silverware tableware glassware stationery bedding linen lace
dust dirt mud sand gravel rubble debris wreckage smoke steam sweat saliva blood flesh hair fur wool silk leather plaster cement steel iron copper brass bronze gold silver wealth poverty hunger thirst
anger courage patience laughter weeping sobbing applause chatter gossip slander nonsense gibberish trickery treachery mischief havoc homework housework spelling grammar music poetry fiction
scaffolding shopping gardening bullying harassment violence sabotage smuggling trafficking poaching lightning thunder snow rain hail frost sunshine weather livestock cattle poultry game seafood
trousers pants shorts scissors pliers tweezers tongs glasses goggles spectacles binoculars shears tights pajamas pyjamas overalls remains surroundings outskirts earnings savings belongings
stuff staff mankind underwear fruit pasta rice bread butter cheese meat beef pork veal mutton venison ham bacon flour sugar salt pepper parsley garlic spinach corn wheat barley oats hay straw
undergrowth foliage greenery wildlife fishing hunting farming plumbing packaging training schooling parenting banter sweets crisps""".split())


def doubles(word):
    return word in DOUBLING or bool(re.fullmatch(r"[^aeiou]*(qu)?[aeiou][bdgmnprt]", word))


def head(form):
    """Bends the first word of a verb of several words."""
    def bent(verb):
        first, *rest = verb.split(" ")
        return " ".join([form(first), *rest])
    return bent


@head
def third(verb):
    if verb in ("be", "have", "do", "go"):
        return {"be": "is", "have": "has", "do": "does", "go": "goes"}[verb]
    if re.search("[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if re.search("(s|x|z|ch|sh)$", verb) else "s")


def regular(verb):
    if re.search("[^aeiou]y$", verb):
        return verb[:-1] + "ied"
    if verb.endswith("e"):
        return verb + "d"
    return verb + (verb[-1] if doubles(verb) else "") + "ed"


past = head(lambda verb: PAST.get(verb, regular(verb)))
done = head(lambda verb: PARTICIPLE.get(verb, regular(verb)))


@head
def participle(verb):
    """With the past behind a ^ where that is another word: fr2en takes the one that fits."""
    return done(verb) if done(verb) == past(verb) else f"{done(verb)}^{past(verb)}"


@head
def present_participle(verb):
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not re.search("(ee|oe|ye|be)$", verb):
        return verb[:-1] + "ing"
    return verb + (verb[-1] if doubles(verb) or verb in ("run", "cut", "put", "set", "shut", "hit", "sit", "let", "get", "win", "begin", "swim", "split") else "") + "ing"


def plural(noun):
    """Of the word before “of”, “in” or “for”, else of the last."""
    parts = re.split("( (?:of|in|for|at|on|to|by|with|from)(?: |$))", noun, maxsplit=1)
    first, rest = parts[0], "".join(parts[1:])
    *before, word = re.split("( )", first)
    if word in PLURALS:
        word = PLURALS[word]
    elif word.lower() in MASS or re.search("(ss|ness|ing|ics|ism|ware|hood|ship)$", word) and not re.search("(ss|building|painting|drawing|meeting|wedding|greeting|offering|ending|warning|earring|ring|king|string|wing|spring|ship|clearing|crossing|landing|saying|sitting|dumpling|duckling|sibling|marking|carving|opening|beating|killing|hanging|recording|hearing|ruling|setting|gathering|rating|listing|posting)$", word):
        pass
    elif re.search("[^aeiou]y$", word):
        word = word[:-1] + "ies"
    elif re.search("sis$", word):
        word = word[:-2] + "es"
    elif re.search("man$", word) and word != "human" and word[0].islower() and word not in ("shaman", "talisman", "caiman", "ottoman"):
        word = word[:-3] + "men"
    elif re.search("(s|x|z|ch|sh)$", word):
        word = word if word.endswith("s") and not re.search("(ss|us|as)$", word) else word + "es"
    else:
        word += "s"
    if first.endswith("ss"):
        word = word if word.endswith("es") else word + "es"
    return "".join([*before, word]) + rest


def plurals_of(nouns):
    """Those to accept for a plural, the best first; a regular plural counts as its singular."""
    irregular = [many for many in map(plural, nouns[1:]) if not many.endswith("s")]
    return list(dict.fromkeys([plural(nouns[0]), *nouns, *irregular]))


def feminines(word):
    ends = [("eau", "elle"), ("teur", "trice"), ("teur", "teuse"), ("eur", "euse"), ("eux", "euse"), ("er", "ère"), ("if", "ive"), ("ien", "ienne"), ("en", "enne"), ("on", "onne"),
            ("el", "elle"), ("eil", "eille"), ("et", "ette"), ("et", "ète"), ("ot", "otte"), ("as", "asse"), ("os", "osse"), ("is", "isse"), ("c", "che"), ("c", "que"), ("c", "cque"), ("f", "ve"), ("gu", "guë"),
            ("oux", "ousse"), ("oux", "ouse"), ("in", "igne"), ("ou", "olle")]
    return [word[:-len(a)] + b for a, b in ends if word.endswith(a)] + [word + "e"] if not word.endswith("e") else []


def plurals(word):
    ends = [("al", "aux"), ("ail", "aux"), ("eau", "eaux"), ("eu", "eux"), ("ou", "oux")]
    return [word[:-len(a)] + b for a, b in ends if word.endswith(a)] + ([] if word.endswith(("s", "x", "z")) else [word + "s"])


def soft(stem):
    """A stem before a, o: mang-e-, lan-ç-."""
    return [stem + "e"] if stem.endswith("g") else [stem[:-1] + "ç"] if stem.endswith("c") else [stem]


def mute(stem):
    """A stem before a mute e: pèl-, jett-, emploi-."""
    out = [stem]
    if found := re.fullmatch("(.*)[eé]([^aeiouy]+|[gq]u)", stem):
        out += [f"{found[1]}è{found[2]}", stem + stem[-1]]
    if stem.endswith("y"):
        out.append(stem[:-1] + "i")
    return out


FUTURE = ["ai", "as", "a", "ons", "ez", "ont", "ais", "ait", "aient", "ions", "iez"]
IMPERFECT = ["ais", "ait", "aient"]


def conjugate(verb):
    """(English form, French form) of a verb, the likelier reading of a form before the others."""
    base = str
    yield base, verb

    def bent(form, stems, endings):
        for stem in stems:
            for ending in endings:
                yield form, stem + ending

    def participles(stems):
        yield from bent(participle, stems, ["", "e", "s", "es"])
    if verb.endswith("er"):
        stem = verb[:-2]
        yield from participles([stem + "é"])
        yield from bent(third, mute(stem), ["e"])
        yield from bent(base, mute(stem), ["es", "ent"])
        yield from bent(base, mute(stem), ["er" + ending for ending in FUTURE])
        yield from bent(base, soft(stem), ["ons"])
        yield from bent(base, [stem], ["ez"])
        yield from bent(present_participle, soft(stem), ["ant"])
        yield from bent(past, soft(stem), [*IMPERFECT, "ai", "as", "a", "âmes"])
        yield from bent(past, [stem], ["ions", "iez", "èrent"])
    elif re.search("[vf]rir$", verb):
        stem = verb[:-2]
        yield from participles([stem[:-1] + "ert"])
        yield from bent(third, [stem], ["e"])
        yield from bent(base, [stem], ["es", "ent", "ons", "ez"])
        yield from bent(base, [verb], FUTURE)
        yield from bent(present_participle, [stem], ["ant"])
        yield from bent(past, [stem], [*IMPERFECT, "it", "irent"])
    elif re.search("[tv]enir$", verb):
        stem = verb[:-4]
        t = verb[-4]
        yield from participles([stem + t + "enu"])
        yield from bent(third, [stem + t], ["ient"])
        yield from bent(base, [stem + t], ["iens", "iennent", "enons", "enez"])
        yield from bent(base, [stem + t + "iendr"], FUTURE)
        yield from bent(present_participle, [stem + t], ["enant"])
        yield from bent(past, [stem + t], ["enais", "enait", "enaient", "int", "inrent"])
    elif verb.endswith("ir") and not verb.endswith("oir"):
        stem = verb[:-2]
        yield from participles([stem + "i", stem + "u"])
        yield from bent(third, [stem], ["it", "t"])
        yield from bent(base, [stem], ["issons", "issez", "issent", "isse", "is", "ent", "ons", "ez"])
        yield from bent(base, [verb], FUTURE)
        yield from bent(present_participle, [stem], ["issant", "ant"])
        yield from bent(past, [stem + "iss", stem], [*IMPERFECT, "irent"])
    elif verb.endswith("re"):
        stem = verb[:-2]
        stems, taken = [stem], [stem + "u"]
        if verb.endswith("indre"):
            stems, taken = [verb[:-5] + "ign"], [verb[:-3] + "t"]
        elif verb.endswith("uire"):
            stems, taken = [stem + "s"], [stem + "t"]
        elif verb.endswith("mettre"):
            taken = [verb[:-5] + "is"]
        elif verb.endswith("prendre"):
            stems, taken = [verb[:-3]], [verb[:-5] + "is"]
        elif verb.endswith("crire"):
            stems, taken = [stem + "v"], [stem + "t"]
        elif verb.endswith("clure"):
            taken = [stem, stem + "s"]
        elif verb.endswith("aître"):
            stems, taken = [verb[:-5] + "aiss"], [verb[:-5] + "u"]
        elif verb.endswith("oudre"):
            stems, taken = [verb[:-3] + "lv", verb[:-3] + "s"], [verb[:-3] + "s", verb[:-4] + "lu", verb[:-3] + "su"]
        yield from participles(taken)
        yield from bent(third, [stem, stem[:-1] + "t", stem + "t"], [""])
        yield from bent(base, [stem + "s", *(s + e for s in stems for e in ("ons", "ez", "ent", "nent"))], [""])
        yield from bent(base, [verb[:-1]], FUTURE)
        yield from bent(present_participle, stems, ["ant"])
        yield from bent(past, stems, [*IMPERFECT, "it", "irent"])


def forms(french, kind, english):
    """(form, translations) of a word: `n`oun, `a`djective, `v`erb or a`d`verb. The first translation is bent as the form is."""
    if kind == "v":
        irregular = [w for verb in english for w in (past(verb), done(verb)) if verb.split(" ")[0] in PAST]
        for bend, form in conjugate(french):
            yield form, list(dict.fromkeys([bend(english[0]), *english, *irregular]))
    elif kind == "n":
        many = plurals_of(english)
        for one in (french, *feminines(french)):
            yield one, english
            for form in plurals(one):
                yield form, many
    elif kind == "a":
        for one in (french, *feminines(french)):
            for form in (one, *plurals(one)):
                yield form, english
    else:
        yield french, english


def is_written(form, lemma, kind):
    """Whether a form is written at all, and not so often that it must be another word ("terrasses" is no form of "terrasser",
    "médecine" none of "médecin"). A participle may be more frequent than its verb, a plural or a feminine adjective than its lemma."""
    more = 0.8 if kind == "a" else 1.5 if form in plurals(lemma) or re.search("(é|ée|és|ées)$", form) else 0.5
    return RAREST <= zipf_frequency(form, "fr") <= zipf_frequency(lemma, "fr") + more


def is_of_verb(word):
    """Whether what looks like a noun or an adjective is first of all a form of a verb ("soigné", "voyant", "colle")."""
    written = zipf_frequency(word, "fr")

    def of(ends, least):
        return any(zipf_frequency(word[:-len(a)] + b, "fr") > least for a, b in ends if word.endswith(a))
    lemma = simplemma.lemmatize(word, lang="fr")
    return (
        of([("e", "er"), ("ant", "er"), ("ant", "ir"), ("yant", "ir"), ("yant", "ire"), ("issant", "ir"), ("ant", "re"), ("geant", "ger"), ("çant", "cer")], max(written, 2.0))
        or of([("é", "er")], 3.0)
        or of([("i", "ir"), ("u", "re"), ("u", "ir")], max(written, 3.9))
        or lemma != word and lemma.endswith(("r", "re")) and zipf_frequency(lemma, "fr") > max(written, 3.9)
    )


def is_english(word):
    """Whether English has a word that is written the same."""
    return zipf_frequency(word, "en") > 2.7


# The first parts of compounds of two nationalities, with what English may begin them with.
COMBINED = {first: english.split("/") for first, english in (pair.split(" ") for pair in """franco French/Franco|germano German/Germano|italo Italian/Italo|hispano Spanish/Hispano|
anglo English/Anglo/British|américano American/Americano/US|sino Chinese/Sino|russo Russian/Russo|turco Turkish/Turco/Turko|gréco Greek/Greco|israélo Israeli/Israelo|irako Iraqi/Iraq|irano Iranian/Irano/Iran|
indo Indian/Indo|nippo Japanese/Nippo|austro Austrian/Austro|belgo Belgian/Belgo|luso Portuguese/Luso|algéro Algerian/Algero|maroco Moroccan/Morocco|tuniso Tunisian/Tuniso|libano Lebanese/Libano|
syro Syrian/Syro|polono Polish/Polono|soviéto Soviet/Sovieto|helvético Swiss/Helvetic|canado Canadian/Canado|ukraino Ukrainian/Ukraino""".replace("\n", "").split("|"))}
NATIONALITIES = dict(pair.split(" ", 1) for pair in """français French|allemand German|italien Italian|espagnol Spanish|anglais English|britannique British|américain American|chinois Chinese|russe Russian|turc Turkish|grec Greek|
israélien Israeli|palestinien Palestinian|irakien Iraqi|iranien Iranian|indien Indian|pakistanais Pakistani|japonais Japanese|autrichien Austrian|belge Belgian|portugais Portuguese|brésilien Brazilian|
algérien Algerian|marocain Moroccan|tunisien Tunisian|libanais Lebanese|syrien Syrian|polonais Polish|soviétique Soviet|suisse Swiss|canadien Canadian|québécois Quebec|ukrainien Ukrainian|géorgien Georgian|
tchétchène Chechen|arménien Armenian|azéri Azeri|coréen Korean|vietnamien Vietnamese|sénégalais Senegalese|malien Malian|ivoirien Ivorian|camerounais Cameroonian|congolais Congolese|rwandais Rwandan|
égyptien Egyptian|saoudien Saudi|qatari Qatari|koweïtien Kuwaiti|irlandais Irish|écossais Scottish|néerlandais Dutch|danois Danish|suédois Swedish|norvégien Norwegian|finlandais Finnish|hongrois Hungarian|
tchèque Czech|roumain Romanian|bulgare Bulgarian|serbe Serbian|croate Croatian|albanais Albanian|luxembourgeois Luxembourg|mexicain Mexican|argentin Argentine|chilien Chilean|cubain Cuban|australien Australian|
taïwanais Taiwanese|comorien Comorian|malgache Malagasy|haïtien Haitian|arabe Arab|afghan Afghan|kurde Kurdish|cypriote Cypriot|chypriote Cypriot|européen European""".replace("\n", "").split("|"))


def is_nationality(form, lemma):
    """Whether a form of a nationality is one that is written, rather than what another rule makes of it (“belgesse”)."""
    return form == lemma or zipf_frequency(form, "fr") >= RAREST
