"""Bytes of a text file -> text, whatever charset it was written in.

UTF-8 and UTF-16 show themselves. For the rest, charset_normalizer tells scripts apart well, but
not the charsets of one script: it takes French in Windows-1252 for Windows-1250, because both give
letters. So among Latin charsets that one is taken whose letters are those of a single language.
"""

import codecs

from charset_normalizer import from_bytes

SAMPLE = 16 * 1024
"""Bytes that the charset is guessed from."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# In the order in which they are preferred where nothing else decides.
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257", "iso8859_2", "iso8859_16")
_CANDIDATES = [
    *_LATIN,
    *("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5", "cp1253", "iso8859_7", "cp1255"),
    *("iso8859_8", "cp1256", "iso8859_6", "cp874"),
    *("big5", "gb18030", "cp932", "euc_jp", "cp949"),
]
# The letters beyond A to Z of the languages that these charsets were made for.
_ALPHABETS = tuple(
    frozenset(letters + letters.upper())
    for letters in (
        "áéíóúüñçàïòè",  # Spanish, Catalan
        "àâæçéèêëîïôœùûü",  # French
        "àèéìòùî",  # Italian
        "áâãàçéêíóôõúü",  # Portuguese
        "äöüß",  # German
        "åäöéæøàüôëï",  # the Nordic languages, Dutch
        "áðéíóúýþæö",  # Icelandic
        "äõöüšž",  # Estonian
        "áéíóöőúüű",  # Hungarian
        "ąćęłńóśźż",  # Polish
        "áčďéěíňóřšťúůýž",  # Czech
        "áäčďéíĺľňóôŕšťúýž",  # Slovak
        "čćđšž",  # Croatian, Serbian, Slovenian
        "ăâîșțşţ",  # Romanian
        "çğıöşüâîû",  # Turkish
        "ąčęėįšųūž",  # Lithuanian
        "āčēģīķļņšūž",  # Latvian
    )
)
# Dashes, quotes and the like: they say nothing of the language.
_PUNCTUATION = frozenset("€‚„…‘’“”•–—™ ¡£§©ª«®°´·º»¿♪")


def decode_text(data: bytes) -> str:
    """The text; what cannot be decoded becomes U+FFFD. Never fails."""
    for mark, charset in _MARKS:
        if data.startswith(mark):
            return data.decode(charset, "replace").removeprefix("\ufeff")
    sample = data[:SAMPLE]
    if 4 * sample.count(0) > len(sample):
        # Latin text in UTF-16: every other byte is 0.
        big = sample[::2].count(0) > sample[1::2].count(0)
        return data.decode("utf-16-be" if big else "utf-16-le", "replace")
    text = data.decode(errors="replace")
    broken = text.count("\ufffd")
    # A few broken signs in UTF-8 are damage; no other charset looks like it but for a few signs.
    if broken and 20 * broken > sum(not char.isascii() for char in text):
        return data.decode(_charset(data), "replace")
    return text


def _charset(data: bytes) -> str:
    # Times and plain English would drown what is to be judged. A line ends at the same byte in all
    # of these charsets.
    lines = (line for line in data.splitlines() if not line.isascii())
    sample = b"\n".join(lines)
    if len(sample) > SAMPLE:
        # At a line's end: half a character is none of its charset.
        sample = sample[:SAMPLE].rpartition(b"\n")[0] or sample[:SAMPLE]
    western = sample.decode("cp1252", "replace")
    if all(char.isascii() or char in _PUNCTUATION for char in western):
        return "cp1252"
    found = from_bytes(sample, cp_isolation=_CANDIDATES, threshold=0.5).best()
    if found is not None and found.encoding not in _LATIN:
        return found.encoding
    return max(_LATIN, key=lambda charset: _fits(sample, charset))


def _fits(sample: bytes, charset: str) -> float:
    """The share of letters beyond A to Z that one language has, the best of all."""
    text = sample.decode(charset, "replace")
    beyond = [char for char in text if not (char.isascii() or char in _PUNCTUATION)]
    return max(sum(c in alphabet for c in beyond) for alphabet in _ALPHABETS) / len(beyond or [1])
