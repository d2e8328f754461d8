"""Pairs made from the patterns of patterns.tsv: prices, dates, times, names and addresses, which the corpora have too few of.

A slot such as {money} stands in both languages and is filled with the same thing, each written as its language does.
"""
import os
import re

import augment

SLOT = re.compile(r'\{(\w+)\}')
MONTHS = ('janvier January', 'février February', 'mars March', 'avril April', 'mai May', 'juin June', 'juillet July', 'août August', 'septembre September',
          'octobre October', 'novembre November', 'décembre December')
DAYS = ('lundi Monday', 'mardi Tuesday', 'mercredi Wednesday', 'jeudi Thursday', 'vendredi Friday', 'samedi Saturday', 'dimanche Sunday')
PLACES = ('Londres London', 'Paris', 'Lyon', 'Marseille Marseilles', 'Bruxelles Brussels', 'Genève Geneva', 'Berlin', 'Moscou Moscow', 'Pékin Beijing', 'Varsovie Warsaw', 'Vienne Vienna',
          'Rome', 'Madrid', 'Lisbonne Lisbon', 'Athènes Athens', 'Kiev Kyiv', 'Tokyo', 'Séoul Seoul', 'Washington', 'New-York New_York', 'Montréal Montreal', 'Alger Algiers', 'Tunis', 'Dakar',
          'Beyrouth Beirut', 'Bagdad Baghdad', 'Téhéran Tehran', 'Jérusalem Jerusalem', 'Copenhague Copenhagen', 'Strasbourg', 'Nantes', 'Bordeaux', 'Lille', 'Toulouse', 'Rennes', 'Munich',
          'Francfort Frankfurt', 'Milan', 'Barcelone Barcelona', 'Édimbourg Edinburgh', 'Dublin', 'Oslo', 'Prague', 'Budapest', 'Bucarest Bucharest', 'Sofia', 'Ankara', 'Istanbul', 'Bombay Mumbai',
          'Sydney', 'Nice', 'Dijon', 'Orléans', 'Besançon', 'Nîmes', 'Saint-Étienne', 'Sète', 'Angoulême', 'Béziers', 'Kaboul Kabul', 'Gaza', 'Odessa', 'Chicago', 'Nairobi', 'Abidjan', 'Bamako')
FIRST = ('Jean Marie Pierre Anne François Françoise Jean-Claude Éric Hélène Zoé Loïc Noël Maëlle René Benoît Cédric Chloé Émile Édouard Sergei Vladimir Xi Li Angela Olaf Giorgia José María João '
         'Björn Søren Åsa Łukasz Jiří Živa Ömer Ayşe Mohamed Fatima Aïcha Youssef Emmanuel Sébastien Ségolène Nguyễn John Mary Elizabeth William Ursula Christine Rafael Novak Kim Ahmed Omar '
         'Bruno Alain Sophie Camille Louise Antoine Thomas Julie Laura Hugo Lucas Léa Manon Inès Élodie Gérard Michèle Yann Gaël').split()
CURRENCIES = '€€€€$$£¥'
SPACES = (' ', ' ', '.')


def two(rng):
    return str(11 + int(rng.random() * 89))


def big(rng):
    n = int(10 ** (3.3 + rng.random() * 3.4))
    n -= n % (1 if rng.random() < 0.4 else 100 if n < 20_000 else 1000)
    return f'{n:,}'.replace(',', augment.one(rng, SPACES)), f'{n:,}'


def decimal(rng):
    n, f = 1 + int(rng.random() * (9 if rng.random() < 0.6 else 90)), int(rng.random() * (9 if rng.random() < 0.7 else 99)) + 1
    return f'{n},{f}', f'{n}.{f}'


def money(rng):
    sign = augment.one(rng, CURRENCIES)
    cents = f'{two(rng)}'
    french, english = big(rng) if rng.random() < 0.4 else (two(rng),) * 2
    if rng.random() < 0.3:
        french, english = f'{french},{cents}', f'{english}.{cents}'
    return (f'{sign}{french}' if rng.random() < 0.1 else f'{french} {sign}'), f'{sign}{english}'


def million(rng):
    french, english = decimal(rng) if rng.random() < 0.5 else (two(rng),) * 2
    unit, word = ('millions', 'million') if rng.random() < 0.5 else ('milliards', 'billion')
    r = rng.random()
    if r < 0.4:
        return f"{french} {unit} d'euros", f'{english} {word} euros'
    if r < 0.6:
        return f'{french} {unit} de dollars', f'{english} {word} dollars'
    sign = augment.one(rng, '€€$£')
    return f'{french} {unit} {sign}' if rng.random() < 0.6 else f'{french} {"M" if word == "million" else "Md"}{sign}', f'{sign}{english} {word}'


def percent(rng):
    french, english = decimal(rng) if rng.random() < 0.6 else (two(rng),) * 2
    return french + augment.one(rng, (' %', ' %', '%')), english + '%'


def degrees(rng):
    n = ('-' if rng.random() < 0.2 else '') + two(rng)
    return (f'{n} °C', f'{n} °C') if rng.random() < 0.6 else (f'{n} degrés', f'{n} degrees')


def hour(rng):
    h, m = int(rng.random() * 24), int(rng.random() * 12) * 5
    half = f'{(h - 1) % 12 + 1}', 'a.m.' if h < 12 else 'p.m.'
    if m == 0 or rng.random() < 0.3:
        return f'{h} h' if rng.random() < 0.7 else f'{h}h', f'{half[0]} {half[1]}'
    if rng.random() < 0.5:
        # The program shows the model «18 h 30» as 18:30, and writes it as the user likes.
        return (f'{h}:{m:02}',) * 2
    french = augment.one(rng, (f'{h} h {m:02}', f'{h}h{m:02}'))
    return french, f'{half[0]}:{m:02} {half[1]}'


def year(rng):
    return str(1750 + int(rng.random() * 285))


def split(entry):
    a, _, b = entry.partition(' ')
    return a, (b or a).replace('_', ' ')


def date(rng):
    d, (m, month), y = 1 + int(rng.random() * 28), split(augment.one(rng, MONTHS)), year(rng)
    french = '1er' if d == 1 else str(d)
    return (f'{french} {m} {y}', f'{d} {month} {y}') if rng.random() < 0.6 else (f'{french} {m}', f'{d} {month}')


def ordinal(n):
    return f'{n}' + ('th' if n % 100 in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th'))


def century(rng):
    n = 5 + int(rng.random() * 17)
    roman = 'X' * (n // 10) + ('', 'I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX')[n % 10]
    return roman + 'e', ordinal(n)


def nth(rng):
    n = 2 + int(rng.random() * 30)
    return f'{n}e', ordinal(n)


class Patterns:
    def __init__(self, names):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'patterns.tsv'), encoding='utf-8') as f:
            self.lines = [line.rstrip('\n').split('\t') for line in f]
        self.names = names or ['Dupont', 'Martin']

    def name(self, rng):
        name = augment.one(rng, self.names)
        return augment.foreign(name, rng) if rng.random() < 0.35 else name

    def word(self, rng):
        return augment.strip_accents(augment.one(rng, self.names)).lower()

    def fill(self, kind, rng):
        same = {
            'person': lambda: self.name(rng) if rng.random() < 0.15 else f'{augment.one(rng, FIRST)} {self.name(rng)}',
            'two': lambda: two(rng), 'year': lambda: year(rng), 'small': lambda: str(int(rng.random() * 7)),
            'standin': lambda: augment.one(rng, augment.STAND_INS),
            'mail': lambda: f'{self.word(rng)}.{self.word(rng)}@{self.word(rng)}.{augment.one(rng, ("fr", "com", "org", "eu"))}',
            'link': lambda: f'{augment.one(rng, ("https://", "https://www.", "www."))}{self.word(rng)}.{augment.one(rng, ("fr", "com", "org", "net"))}/{self.word(rng)}',
            'file': lambda: f'{self.word(rng)}{augment.one(rng, ("", "_", "-", "2"))}{self.word(rng)[:4]}.{augment.one(rng, ("pdf", "txt", "py", "json", "docx", "zip", "html"))}',
            'handle': lambda: '@' + self.word(rng), 'tag': lambda: '#' + self.name(rng),
            'code': lambda: f'{self.word(rng)}_{self.word(rng)[:4]}' if rng.random() < 0.5 else f'{augment.one(rng, "ABCDEFGXZ")}{augment.one(rng, "-_ ").strip()}{two(rng)}{two(rng)}',
        }
        if kind in same:
            return (same[kind](),) * 2
        if kind == 'km':
            return (lambda n: (n[0] + ' km', n[1] + ' km'))(big(rng) if rng.random() < 0.3 else (two(rng),) * 2)
        own = {'money': money, 'million': million, 'percent': percent, 'degrees': degrees, 'hour': hour, 'date': date, 'big': big, 'dec': decimal, 'century': century, 'ordinal': nth, 'ordinaf': nth}
        if kind in own:
            return own[kind](rng)
        french, english = split(augment.one(rng, {'place': PLACES, 'day': DAYS, 'month': MONTHS}[kind]))
        return french, english

    def make(self, rng):
        french, english = augment.one(rng, self.lines)
        filled = [(k, *self.fill(k, rng)) for k in SLOT.findall(french)]
        for kind, a, b in filled:
            french = french.replace('{' + kind + '}', a, 1)
            english = english.replace('{' + kind.replace('ordinaf', 'ordinal') + '}', b, 1)
        return french, english.replace('.m..', '.m.')
