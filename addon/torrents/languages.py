"""Languages as people write them in file names, and the codes that players know.

The codes are ISO 639-2 in the form that Stremio and OpenSubtitles use ("ger", not "deu"), and
"pob", which is theirs for the Portuguese of Brazil. "und": nobody knows.
"""

import re
from dataclasses import dataclass

UNKNOWN = "und"


@dataclass(frozen=True, slots=True)
class Language:
    """``code`` has three letters, ``short`` is the ISO 639-1 code that Kodi and browsers take."""

    code: str
    short: str
    name: str


# code, ISO 639-1, English name; then further words that mean it: the other ISO 639-2 code, its own
# name, and what release groups write. A word that titles have as well is left out.
_TABLE = """
ara ar Arabic|عربي|العربية
ben bn Bengali|bangla
bos bs Bosnian|bosanski
bul bg Bulgarian|български
cat ca Catalan|català|catala
chi zh Chinese|zho|chs|cht|mandarin|cantonese|中文|简体|繁體|繁体|简体中文|繁體中文
cze cs Czech|ces|čeština|cestina|český|cesky
dan da Danish|dansk
dut nl Dutch|nld|nederlands
eng en English|inglés|ingles|anglais|englisch
est et Estonian|eesti
fil tl Filipino|tagalog|tgl
fin fi Finnish|suomi
fre fr French|fra|français|francais|vff|vostfr
geo ka Georgian|kat|ქართული
ger de German|deu|deutsch
gre el Greek|ell|ελληνικά|ellinika
heb he Hebrew|עברית
hin hi Hindi|हिन्दी
hrv hr Croatian|hrvatski
hun hu Hungarian|magyar
ice is Icelandic|isl|íslenska
ind id Indonesian|bahasa indonesia
ita it Italian|italiano
jpn ja Japanese|jap|日本語
kan kn Kannada
kor ko Korean|한국어
lav lv Latvian|latviešu|latviesu
lit lt Lithuanian|lietuvių|lietuviu
mac mk Macedonian|mkd|македонски
mal ml Malayalam
may ms Malay|msa|bahasa melayu
nor no Norwegian|nob|nb|norsk|bokmål|bokmal
per fa Persian|fas|farsi|فارسی
pob pt Portuguese (Brazil)|ptbr|brazilian|brasileiro|brazil|brasil
pol pl Polish|polski
por pt Portuguese|português|portugues
rum ro Romanian|ron|română|romana
rus ru Russian|русский
slo sk Slovak|slk|slovenčina|slovencina|slovensky
slv sl Slovenian|slovene|slovenščina|slovenscina
spa es Spanish|español|espanol|castellano|latino|esp
srp sr Serbian|srpski|српски
swe sv Swedish|svenska
tam ta Tamil
tel te Telugu
tha th Thai|ไทย
tur tr Turkish|türkçe|turkce
ukr uk Ukrainian|українська
urd ur Urdu|اردو
vie vi Vietnamese|tiếng việt
"""


def _read() -> tuple[dict[str, Language], dict[str, str]]:
    languages, words = {}, {}
    for line in _TABLE.strip().splitlines():
        code, short, names = line.split(" ", 2)
        name, *more = names.split("|")
        languages[code] = Language(code, short, name)
        words.update(
            dict.fromkeys([code, name.casefold(), *(word.casefold() for word in more)], code)
        )
        # Shared by two: the one that says no more.
        if code != "pob":
            words[short] = code
    return languages, words


LANGUAGES, _WORDS = _read()
"""The languages by their code."""

_TAG = re.compile(r"([a-z]{2,3})[-_](?:[a-z]{2}|419|hans|hant|latn|cyrl)", re.IGNORECASE)
# Flags that look like the region of a tag.
_NO_REGION = frozenset({"hi", "cc"})


def language(code: str) -> Language:
    """The language of a three-letter code; an unknown one stands for itself."""
    return LANGUAGES.get(code) or Language(code, code, "Unknown" if code == UNKNOWN else code)


def spoken_of(word: str) -> str | None:
    """The code of the language that a word names, None for any other word.

    ``en``, ``ENG``, ``English``, ``Deutsch``, ``pt-BR``, ``zh_Hant``. Two letters count only when
    they are written alike: ``It`` and ``No`` are words of titles.
    """
    folded = word.casefold()
    tag = _TAG.fullmatch(word)
    if tag is not None and folded[len(tag[1]) + 1 :] not in _NO_REGION:
        if folded[len(tag[1]) + 1 :] == "br" and folded.startswith("p"):
            return "pob"
        return _WORDS.get(tag[1].casefold())
    if len(word) == 2 and word.isascii() and word != folded and not word.isupper():
        return None
    return _WORDS.get(folded)
