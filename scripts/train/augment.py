"""Robustness: each variant is made on the French side and mirrored in English, so that the pair stays a translation.

`vary(french, english, rng, style)` takes a clean pair (straight quotes and apostrophes) and returns one variant of it.
`style` says which forms the vocabulary knows: 'full', or 'plain' for one without curly quotes and apostrophes.
"""
import re
import unicodedata

QUOTED = re.compile(r'(?<![\w"])"(?=\S)([^"]*)(?<=\S)"(?![\w"])')
HIGH = re.compile(r' ?([;!?]|:(?= |$))')
BULLETS = ('- ', '- ', '– ', '1. ', '2. ', '3) ', 'a) ', '* ', '* ')
NAME = re.compile(r"(?<=[a-zàâçéèêëîïôùûü,] )[A-ZÉÈÀ][a-zàâçéèêëîïôùûüñöäáíóúšžčć]{3,}\b")
NOT_NAMES = frozenset('Commission Parliament Parlement Europe Union Council France Canada Europol Internet English French'.split())


def strip_accents(s):
    return ''.join(c for c in unicodedata.normalize('NFD', s) if not unicodedata.combining(c)) if not s.isascii() else s


def quote_style(f, rng, style):
    """The French side's straight quotes in one of the forms that print uses."""
    if '"' not in f:
        return f
    forms = [('"', '"', .40), ('« ', ' »', .40), ('«', '»', .20)] if style == 'plain' else [('"', '"', .30), ('« ', ' »', .35), ('«', '»', .10), ('“', '”', .25)]
    r = rng.random()
    for opening, closing, share in forms:
        if r < share:
            break
        r -= share
    return QUOTED.sub(lambda m: opening + m[1] + closing, f)


def spacing(f, rng):
    """French puts a space before high punctuation in print, and often not on the web."""
    return HIGH.sub(r'\1', f) if rng.random() < 0.5 else HIGH.sub(r' \1', f)


def swap_names(f, e, rng, names):
    """Replaces a name that stands alike on both sides by another one: copying names is learnt, not remembered."""
    shared = [n for n in set(NAME.findall(f)) if n not in NOT_NAMES and re.search(rf'\b{n}\b', e)]
    if not shared or not names:
        return f, e
    old = sorted(shared)[int(rng.random() * len(shared))]
    new = names[int(rng.random() * len(names))]
    return re.sub(rf'\b{old}\b', new, f), re.sub(rf'\b{old}\b', new, e)


def vary(f, e, rng, style='full', names=()):
    if names and rng.random() < 0.25:
        f, e = swap_names(f, e, rng, names)
    r = rng.random()
    if r < 0.05:                                     # headlines and list items have no final stop
        if f[-1] == '.' and e[-1] == '.' and f[-2:-1] != '.':
            f, e = f[:-1], e[:-1]
    elif r < 0.065 and len(f) < 200:
        f, e = f.upper(), e.upper()
        if rng.random() < 0.5:
            f = strip_accents(f)
    elif r < 0.07 and len(f) < 100:                 # Title Case on both sides
        up = lambda s: ' '.join(w[:1].upper() + w[1:] if len(w) > 3 or i == 0 else w for i, w in enumerate(s.split(' ')))
        f, e = up(f).rstrip('.'), up(e).rstrip('.')
    elif r < 0.085:
        f = strip_accents(f)                         # typed in haste
    elif r < 0.10:
        f = ''.join(strip_accents(c) if c.isupper() else c for c in f)
    elif r < 0.11 and len(f) > 30:
        b = BULLETS[int(rng.random() * len(BULLETS))]
        f, e = b + f, b + e
    elif r < 0.115 and f[-1] in '.!?' and e[-1] == f[-1]:
        f, e = f[:-1] + '...', e[:-1] + '...'
    f = spacing(quote_style(f, rng, style), rng)
    if style == 'full' and rng.random() < 0.4:
        f = f.replace("'", '’')
    return f, e
