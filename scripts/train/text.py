"""What a training pair must look like: cleaning, the filters that reject a pair, and the keys that find duplicates.

`clean(french, english, source)` returns the cleaned pair, or the name of the filter that rejected it. The English side
always has straight double quotes for quotations and straight apostrophes: one form to learn, set in type afterwards.
"""
import hashlib
import re
import unicodedata

FRENCH_WORDS = frozenset('le la les des du est une un dans pour que qui sur avec et pas nous vous il elle ce cette sont au aux en par plus ne se mais ou'.split())
ENGLISH_WORDS = frozenset('the of and to is in that for it with on are this be as not was by at from have has we you they which will would or'.split())
WORD = re.compile(r"[^\W\d_]+")
OPENING, CLOSING = re.compile(r'[«„“]\s*'), re.compile(r'\s*[»”]')
DIGIT, HAS_PLACEHOLDER, HAS_LINK = re.compile(r'\d'), re.compile(r'[%{$]'), re.compile(r'@|http|www')
NUMBER = re.compile(r'\d+')
GROUPED_FRENCH = re.compile(r'(?<=\d)[ .](?=\d{3}(?!\d))')
GROUPED_ENGLISH = re.compile(r'(?<=\d)[ ,](?=\d{3}(?!\d))')
# A single mark that opens a quotation and never closes; words that begin with an apostrophe are none.
BRITISH_LEFT = re.compile(r"(?<![\w'])'(?!s\b|t\b|em\b|n\b|net\b|cause\b|\d|tis\b|twas\b|til)\w")
MOJIBAKE = re.compile(r'Ã[\u0080-\u00bf©¨ª§´]|â€|\ufffd')
EDGE_OPEN, EDGE_CLOSE, TURN = re.compile(r'^" ?'), re.compile(r' ?"(?=[.,!?]*$)'), re.compile(r'^[-–—] ?(?=[^\W\d])')
INNER_END = re.compile(r'(?<=[.!?»"])\s+(?=["«(]?[A-ZÀÂÇÉÈÊÎÔŒ])')
ELISION = re.compile(r"\b([cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu)' (?=\w)", re.I)
ENGLISH_ELISION = re.compile(r"(\w)' (s|t|re|ve|ll|d|m)\b|\b([dDlL])' (?=[A-ZÉÈ])")
SPACE_BEFORE = re.compile(r' +([,.)\]])(?=[\s,.;:!?)]|$)')
SPACE_BEFORE_ENGLISH = re.compile(r' +([;:!?])(?=\s|$)')
BRITISH_QUOTE = re.compile(r"(?<![\w'])'(?=[^\s'])([^\"']*(?:(?<=\w)'(?=\w)[^\"']*)*)(?<=[^\s'])'(?![\w'])")
MARKUP = re.compile(r'</?[a-zA-Z][^>]*>|\{\{|\}\}|\[\[|&(?:amp|lt|gt|quot|nbsp|#\d+);|\\[nt"]|~~|::|__')
PLACEHOLDER = re.compile(r'%\(\w+\)[sd]|%[sd]|\{\w*\}|\$[A-Za-z_]\w*')
LINK = re.compile(r'https?://\S+|www\.\S+|\S+@\S+\.\w+')
CODE = re.compile(r'[_(){}\[\]=<>$#*/\\|^~]')
SPEAKER = re.compile(r'^(?:[^.()]{0,90}\. ?)?-? ?\(?[A-Z]{2}\) ')   # rapporteur. - (DE)
STRAY = re.compile(r'^[.,;:] ?[-–—]? ?(?=[^\W\d])')   # . - Madame la Présidente: what a deleted name left
INVISIBLE = re.compile(r'[\u00ad\u200b-\u200f\u2060\ufeff\u0000-\u0008\u000b-\u001f]')
OTHER_SCRIPT = re.compile(r'[\u0370-\u1fff\u2300-\U0010ffff]')
NOT_ALPHANUMERIC = re.compile(r'[\W_]+')
TABLE = str.maketrans({'\u2019': "'", '\u2018': "'", '\u02bc': "'", '\u00b4': "'", '`': "'", '\u00a0': ' ', '\u202f': ' ', '\u2009': ' ', '\t': ' ', '\u2011': '-', '\u2026': '...'})
PARLIAMENT = re.compile(r'\b(?:rapporteur|amendements?|Parlement|Commission|commissaire|directive|Conseil|r[èe]glement|codécision|honorables?|députés?|Monsieur le Président|Madame la Présidente)\b')


def tidy(s):
    """Spaces, apostrophes and the traces of tokenised releases; the same for both languages."""
    s = INVISIBLE.sub('', unicodedata.normalize('NFC', s)).translate(TABLE).replace("''", '"')
    return SPACE_BEFORE.sub(r'\1', ' '.join(s.split()))


def straight(s):
    """Every kind of double quotation mark as a straight one, without the spaces inside."""
    return CLOSING.sub('"', OPENING.sub('"', s))


def tidy_french(s):
    s = tidy(s)
    return straight(ELISION.sub(r"\1'", s) if "' " in s else s)


def tidy_english(s):
    s = tidy(s)
    if "' " in s:
        s = ENGLISH_ELISION.sub(lambda m: m[0].replace("' ", "'"), s)
    s = SPACE_BEFORE_ENGLISH.sub(r'\1', straight(s))
    return BRITISH_QUOTE.sub(r'"\1"', s) if "'" in s else s


def numbers(s, grouped):
    """The numbers of a text as a sorted list, thousands joined, decimals apart; one-digit ones are often words, so left out."""
    return sorted(n for n in NUMBER.findall(grouped.sub('', s)) if len(n) > 1)


def same_numbers(f, e):
    if not DIGIT.search(f) and not DIGIT.search(e):
        return True
    a, b = numbers(f, GROUPED_FRENCH), numbers(e, GROUPED_ENGLISH)
    if a == b:
        return True
    # ten to twelve are words as often as digits; the afternoon's hours differ by twelve
    a, b = [n for n in a if n not in b], [n for n in b if n not in a]
    rest = [n for n in a if int(n) > 24] + [n for n in b if int(n) > 24]
    return not rest and len(a) + len(b) <= 1


def foreign(words, own, other):
    """True when the words look like the other language's."""
    mine, theirs = len([w for w in words if w in own]), len([w for w in words if w in other])
    return theirs >= 3 and theirs > mine


def marks(f, e):
    """The pair with quotation marks that agree, or None."""
    if '"' not in f:                                  # a turn of dialogue: a dash in French, quotation marks in English
        bare = EDGE_CLOSE.sub('', EDGE_OPEN.sub('', e))
        return None if '"' in bare else (f, bare)
    if f.count('"') != e.count('"'):
        return None
    if f.count('"') % 2:                              # the other one is in another sentence: fr2en does not show such a mark at an edge
        for edge in (EDGE_OPEN, EDGE_CLOSE):
            if edge.search(f) and edge.search(e):
                return edge.sub('', f), edge.sub('', e)
        if EDGE_OPEN.search(f) or EDGE_CLOSE.search(f) or EDGE_OPEN.search(e) or EDGE_CLOSE.search(e):
            return None
    return f, e


def clean(f, e, source, longest=600, lexicon=None, aligned=0.2):
    """(French, English) fit for training, or the name of the reason to drop the pair."""
    if MARKUP.search(f) or MARKUP.search(e):
        return 'markup'
    if MOJIBAKE.search(f) or MOJIBAKE.search(e):
        return 'mojibake'
    f, e = tidy_french(f), tidy_english(e)
    if source == 'europarl':
        f, e = STRAY.sub('', SPEAKER.sub('', f)), STRAY.sub('', SPEAKER.sub('', e))
    if not f or not e:
        return 'empty'
    if len(f) > longest or len(e) > longest:
        return 'long'
    if OTHER_SCRIPT.search(f) or OTHER_SCRIPT.search(e):
        return 'script'
    wf, we = WORD.findall(f.lower()), WORD.findall(e.lower())
    if not wf or not we:
        return 'no words'
    if f == e and len(wf) > 3:
        return 'copied'
    if foreign(wf, FRENCH_WORDS, ENGLISH_WORDS) or foreign(we, ENGLISH_WORDS, FRENCH_WORDS):
        return 'language'
    if not 0.5 <= (len(e) + 12) / (len(f) + 12) <= 1.6:
        return 'length ratio'
    if '"' in f or '"' in e:
        pair = marks(f, e)
        if pair is None or not (pair[0] and pair[1]):
            return 'quotes'
        f, e = pair
    if TURN.match(f) and not TURN.match(e):
        f = TURN.sub('', f)
    elif TURN.match(e) and not TURN.match(f):
        e = TURN.sub('', e)
    if "'" in e and BRITISH_LEFT.search(e):
        return 'British quotes'
    if not same_numbers(f, e):
        return 'numbers'
    if abs(f.count('(') - e.count('(')) + abs(f.count(')') - e.count(')')) > 0:
        return 'brackets'
    for sign, pattern in ((HAS_PLACEHOLDER, PLACEHOLDER), (HAS_LINK, LINK)):
        if (sign.search(f) or sign.search(e)) and sorted(pattern.findall(f)) != sorted(pattern.findall(e)):
            return 'placeholders'
    if len(CODE.findall(f)) > 0.06 * len(f) or len(CODE.findall(e)) > 0.06 * len(e):
        return 'code'
    if len(wf) > 3 and (f[0].isupper() != e[0].isupper()) and f[0].isalpha() and e[0].isalpha():
        return 'half sentence'
    if len(wf) > 5 and (f[-1] in '.!?') != (e[-1] in '.!?') and (f[-1].isalnum() or f[-1] == ',' or e[-1].isalnum() or e[-1] == ','):
        return 'half sentence'
    if f[-1] == '?' and e[-1] == '.' or f[-1] == '.' and e[-1] == '?':
        return 'question'
    if sum(map(len, wf)) < 0.6 * len(f.replace(' ', '')) or sum(map(len, we)) < 0.6 * len(e.replace(' ', '')):
        return 'few letters'
    if lexicon and lexicon.score(wf, we) < aligned:
        return 'misaligned'
    return f, e


def sentences(s):
    """The text and, where it holds several sentences, each of them."""
    parts = INNER_END.split(s)
    return [s, *parts] if len(parts) > 1 else [s]


def key(s, masked=False):
    """64-bit key of a sentence: lower case, letters and digits only; `masked` turns digits into one, for templates."""
    s = NOT_ALPHANUMERIC.sub('', unicodedata.normalize('NFKC', s).lower())
    if masked:
        s = re.sub(r'\d+', '0', s)
    return int.from_bytes(hashlib.blake2b(s.encode(), digest_size=8).digest(), 'little')
