"""Robustness: each variant is made on the French side and mirrored in English, so that the pair stays a translation.

`vary(french, english, rng, style, names)` takes a clean pair (straight quotes and apostrophes) and returns one variant.
`style` says which forms the vocabulary knows: 'full', or 'plain' for one without curly quotes and apostrophes.
What fr2en shows its model comes first: straight quotation marks, words for protected things (STAND_INS), small letters
for lines in capitals, no bullet; the other forms are there for whoever feeds the model otherwise.
"""
import re
import unicodedata

import text

QUOTED = re.compile(r'(?<![\w"])"(?=\S)([^"]*)(?<=\S)"(?![\w"])')
ROUND = re.compile(r'"([^"]+)"$')
HIGH = re.compile(r' ?([;!?]|:(?= |$))')
BULLETS = ('- ', '- ', '– ', '1. ', '2. ', '3) ', 'a) ', '* ', '* ')
NAME = re.compile(r"(?<=[a-zàâçéèêëîïôùûü,] )[A-ZÉÈÀ][a-zàâçéèêëîïôùûüñöäáíóúšžčć]{3,}\b")
NOT_NAMES = frozenset('Commission Parliament Parlement Europe Union Council France Canada Europol Internet English French'.split())
CODE = re.compile(r'(?<![\w.@/#-])(?:[A-Za-z]+_\w+|[a-z]+[A-Z]\w+|[a-z]\w*\.[a-z]{2,4}|[A-Z]+\d[A-Z\d]*)(?![\w@/-]|\.\w)')
LINK = re.compile(r'[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:https?://|www\.)[^\s<>"()]*[\w/]')
FIGURES = re.compile(r'(?<![\w.,/:-])(\d{1,3}(?:[ .]\d{3})+|\d+)(?:,(\d+))?(?![\w/:-]|[.,]\d| \d)')
# The words that fr2en's src/protect/stand_in.rs puts in the place of addresses, code and the like.
STAND_INS = ('XQ', 'QJ', 'XK', 'QZ', 'XJ', 'KQ', 'XQ1', 'ZX2', 'QJ3', 'ZX', 'WX', 'KZ', 'JX', 'VQ', 'ZW', 'WX4')
NOISE = '→•©®§±×÷~^|\\&#@<>=+_{}[]*/%€£¥$°–—·μ'
# Letters of other languages' names, each a form of the plain letter it stands in for.
FOREIGN = {'a': 'áãåäăąâàæ', 'c': 'çćč', 'd': 'đ', 'e': 'éèêëęě', 'g': 'ğ', 'i': 'íìîïı', 'l': 'ł', 'n': 'ñńň', 'o': 'óòôöõøőœ', 'r': 'ř', 's': 'śšşșß', 't': 'ţț',
           'u': 'úùûüůű', 'y': 'ýÿ', 'z': 'źżž', 'A': 'ÁÃÅÄÂÀÆ', 'C': 'ÇĆČ', 'D': 'Đ', 'E': 'ÉÈÊË', 'G': 'Ğ', 'I': 'ÍÎÏİ', 'L': 'Ł', 'N': 'Ñ', 'O': 'ÓÔÖØŒ', 'R': 'Ř', 'S': 'ŚŠŞȘ',
           'T': 'Ț', 'U': 'ÚÙÛÜ', 'Y': 'Ÿ', 'Z': 'ŹŻŽ'}


def strip_accents(s):
    return ''.join(c for c in unicodedata.normalize('NFD', s) if not unicodedata.combining(c)) if not s.isascii() else s


def one(rng, choices):
    return choices[int(rng.random() * len(choices))]


def quote_style(f, rng, style):
    """The French side's straight quotes in one of the forms that print uses."""
    if '"' not in f:
        return f
    forms = [('"', '"', .60), ('« ', ' »', .30), ('«', '»', .10)] if style == 'plain' else [('"', '"', .60), ('« ', ' »', .20), ('«', '»', .06), ('“', '”', .14)]
    r = rng.random()
    for opening, closing, share in forms:
        if r < share:
            break
        r -= share
    return QUOTED.sub(lambda m: opening + m[1] + closing, f)


def spacing(f, rng):
    """French puts a space before high punctuation in print, and often not on the web."""
    return HIGH.sub(r'\1', f) if rng.random() < 0.5 else HIGH.sub(r' \1', f)


def replace(s, old, new):
    return re.sub(rf'(?<!\w){re.escape(old)}(?!\w)', lambda _: new, s)


def occurrences(s, word):
    return len(re.findall(rf'(?<!\w){re.escape(word)}(?!\w)', s))


def shared(pattern, f, e):
    """What the pattern finds in French and stands alike, and as often, in English."""
    return sorted(n for n in set(pattern.findall(f)) if n in e and 0 < occurrences(f, n) == occurrences(e, n))


class Names(list):
    """Names to put in the place of each other."""
    def __init__(self, names=()):
        super().__init__(names)
        self.known = frozenset(names)

    def shared(self, f, e):
        return [n for n in shared(NAME, f, e) if n in self.known]


def foreign(name, rng):
    """The name with one or two letters as another language might write them: copying letters is learnt, every one of them."""
    for _ in range(1 + (rng.random() < 0.4)):
        at = [i for i, c in enumerate(name) if c in FOREIGN]
        if at:
            i = 0 if at[0] == 0 and rng.random() < 0.4 else one(rng, at)
            name = name[:i] + one(rng, FOREIGN[name[i]]) + name[i + 1:]
    return name


def swap_names(f, e, rng, names):
    """Replaces a name that stands alike on both sides by another one: copying names is learnt, not remembered."""
    found = names.shared(f, e)
    if not found:
        return f, e
    old, new = one(rng, found), one(rng, names)
    if rng.random() < 0.25:
        new = foreign(new, rng)
    return replace(f, old, new), replace(e, old, new)


def stand_in(f, e, rng, names):
    """A link, a code word or a name as one of the words that fr2en shows in place of protected things."""
    odd = shared(LINK, f, e) + shared(CODE, f, e)
    found = odd if odd and rng.random() < 0.5 else names.shared(f, e) if rng.random() < 0.06 else []
    if found:
        words = list(STAND_INS)
        rng.shuffle(words)
        for old, new in zip(found[:1 + int(rng.random() * 3)], words):
            f, e = replace(f, old, new), replace(e, old, new)
    return f, e


def english(whole, fraction):
    """The ways in which English writes a French number."""
    figures = whole.replace(' ', '').replace('.', '')
    tail = '.' + fraction if fraction else ''
    grouped = f'{int(figures):,}' + tail if figures[0] != '0' else None
    return [grouped, figures + tail] if len(whole) > len(figures) else [figures + tail, grouped]


def swap_numbers(f, e, rng):
    """Other figures of the same form on both sides, where a number of two figures or more stands once on each."""
    for m in list(FIGURES.finditer(f))[::-1]:
        figures = re.sub(r'\D', '', m[1])
        if len(figures) < 2 or rng.random() < 0.4:
            continue
        for form in english(m[1], m[2]):
            at = [] if form is None else [n for n in re.finditer(rf'(?<![\w.,/:-]){re.escape(form)}(?![\w/:-]|[.,]\d)', e)]
            if len(at) != 1 or len(re.findall(rf'(?<!\d){re.escape(m[0])}(?!\d)', f)) != 1:
                continue
            if len(m[1]) == 4 and not m[2] and figures[:2] in ('17', '18', '19', '20'):
                new = str(1950 + int(rng.random() * 85) if rng.random() < 0.6 else 1700 + int(rng.random() * 250))
            else:
                new = str(1 + int(rng.random() * 9)) + ''.join(str(int(rng.random() * 10)) for _ in figures[1:])
            fresh = iter(new + ''.join(str(int(rng.random() * 10)) for _ in m[2] or ''))
            french = re.sub(r'\d', lambda _: next(fresh), m[0])
            fresh = iter(re.sub(r'\D', '', french))
            f = f[:m.start()] + french + f[m.end():]
            e = e[:at[0].start()] + re.sub(r'\d', lambda _: next(fresh), form) + e[at[0].end():]
            break
    return f, e


def title(s):
    return ' '.join(w[:1].upper() + w[1:] if len(w) > 3 or i == 0 else w for i, w in enumerate(s.split(' '))).rstrip('.')


def reshape(f, e, rng):
    """The line as headlines, lists and hurried hands write it; most lines stay as they are."""
    r = rng.random()
    if r < 0.05:                                     # headlines and list items have no final stop
        if f[-1] == '.' and e[-1] == '.' and f[-2:-1] != '.':
            return f[:-1], e[:-1]
    elif r < 0.06 and len(f) < 200:
        return strip_accents(f).upper() if rng.random() < 0.5 else f.upper(), e.upper()
    elif r < 0.08 and len(f) < 200:                  # how fr2en shows a line in capitals
        f = f[:1] + f[1:].lower()
        return strip_accents(f) if rng.random() < 0.3 else f, e
    elif r < 0.085 and len(f) < 100:
        return title(f), title(e)
    elif r < 0.10:
        return strip_accents(f), e                   # typed in haste
    elif r < 0.115:
        return ''.join(strip_accents(c) if c.isupper() else c for c in f), e
    elif r < 0.125 and len(f) > 30:
        b = one(rng, BULLETS)
        return b + f, b + e
    elif r < 0.13 and f[-1] in '.!?' and e[-1] == f[-1]:
        return f[:-1] + '...', e[:-1] + '...'
    elif r < 0.142:                                  # stray signs, which are copied
        c = one(rng, NOISE)
        return (c + ' ' + f, c + ' ' + e) if rng.random() < 0.3 else (f + ' ' + c, e + ' ' + c)
    return f, e


def vary(f, e, rng, style='full', names=Names()):
    a, b = ROUND.match(f), ROUND.match(e)
    if a and b and rng.random() < 0.6:               # fr2en takes off the marks round a whole sentence
        f, e = a[1], b[1]
    if names and rng.random() < 0.25:
        f, e = swap_names(f, e, rng, names)
    if rng.random() < 0.35 and text.DIGIT.search(f):
        f, e = swap_numbers(f, e, rng)
    f, e = stand_in(f, e, rng, names)
    f, e = reshape(f, e, rng)
    f = spacing(quote_style(f, rng, style), rng)
    if style == 'full' and rng.random() < 0.4:
        f = f.replace("'", '’')
    return f, e
