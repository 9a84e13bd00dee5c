"""Words of captions as the Penn Treebank tokenizer of pycocoevalcap finds them, without Java.

BLEU, ROUGE-L and CIDEr of published tables are computed on the output of Stanford's ``PTBTokenizer`` (CoreNLP 3.4.1,
options ``-preserveLines -lowerCase``), less a list of punctuation. What that does to captions is done here: clitics
come off (``it 's``, ``do n't``), hyphenated words, fractions, dates and abbreviations stay whole, brackets become
``-lrb-`` (which, in lower case, is not on the list of punctuation and counts as a word), spelling is left as it is.

A caption is read on its own. The Java program reads all captions as one text, so that there a single letter with a full
stop at the end of a caption (``block b.``) can be read otherwise if the next caption begins with a capital letter.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

PUNCTUATION = frozenset(
    ["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";"]
)
"""Tokens that pycocoevalcap leaves out."""

Following = Literal["opener", "digit", "other"]
"""What the next word is: a capitalised word that often opens a sentence, or a number. It decides about full stops."""

_RAISED = "¹²³⁰⁴-⁹₀-₉¼½¾⅓⅔"  # digits to Python, no part of words
_LETTER = rf"[^\W\d_{_RAISED}]"
_ALNUM = rf"[^\W_{_RAISED}]"
_APOSTROPHE = "['\u2019]"
_ABBREVIATIONS = (
    "adj|adm|adv|al|ala|alex|apr|ariz|assn|assoc|asst|atty|attys|aug|ave|bancorp|bhd|bldg|blvd|brig|bros|calif|"
    "capt|cf|cmdr|co|col|colo|comdr|conn|corp|cos|cpl|ct|dak|dec|dept|det|dr|drs|elec|ens|esq|est|etc|ext|feb|"
    "fla|fri|ft|ga|gen|gov|govs|hon|inc|ind|insp|intl|invt|jan|jos|jr|jul|jun|kan|kans|ky|lieut|lt|ltd|maj|mar|"
    "md|messrs|mfg|mich|minn|mlle|mme|mo|mon|mont|mr|mrs|ms|msgr|mt|mtg|natl|neb|nev|nov|oct|okla|penn|pfc|ph|"
    "plc|pres|prof|profs|pte|ptes|pty|ptys|pvt|rd|rep|reps|rev|rt|sen|sens|sep|sept|seq|sfc|sgt|spc|sq|sr|st|ste|"
    "supt|supts|sys|tel|tenn|thu|thurs|treas|tue|tues|univ|va|vs|vt|wed|wis|wisc|wm|wyo"
)
_OPENERS = re.compile(
    "A|About|According|After|An|As|At|But|He|Her|Here|However|If|In|It|Last|Many|More|Now|Once|One|Other|Our|She|"
    "Since|So|Some|Such|That|The|Their|Then|There|These|They|This|We|What|When|While|Yet|You"
)
_BEFORE_NUMBERS = "art|ca|fig|figs|no|nos|op|pp|prop"
_WORD_PART = rf"{_ALNUM}+(?:-{_LETTER}+){{0,2}}"

# The longest match wins; among equals the first.
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_LETTER}{_ALNUM}*(?:[.!?]{_LETTER}{_ALNUM}*)*",  # words, also joined by a full stop without space
        rf"(?:[dDoOlL]{_APOSTROPHE})?(?:{_LETTER}(?:\.{_LETTER})+\.|[-+]?\d+(?:[.:,]\d+)+|{_ALNUM}+)(?:-{_ALNUM}+)+",
        rf"[dDoOlL]{_APOSTROPHE}{_ALNUM}+",
        rf"{_WORD_PART}(?:/{_WORD_PART}){{1,2}}",
        rf"(?:{_ALNUM}+-)*{_ALNUM}+(?:_{_ALNUM}+)+",
        rf"{_ALNUM}+",
        r"[-+]?(?:\d*(?:[.:,]\d+)+|\d+)",
        rf"\d{{1,4}}(?:\xa0\d{{1,4}})?/\d{{1,4}}{_LETTER}?(?!{_ALNUM})",
        r"\d{1,4}\xa0\d{1,4}/\d{1,4}",
        r"[A-Z]+(?:[+&][A-Z]+)+",
        r"[cC]\+\+",
        r"[A-Za-z](?:\.[A-Za-z])+\.",
        rf"[A-Za-z]\.(?!{_ALNUM})",
        rf"(?i:{_ABBREVIATIONS})\.(?!{_ALNUM})",
        rf"(?i:{_BEFORE_NUMBERS})\.(?=\d|$)",
        rf"{_LETTER}{_ALNUM}*\.(?=[,;:])",
        r"https?://[^\s\"<>|()]+",
        r"www\.[^\s\"<>|()]+",
        r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
        r"[@#][^\W\d_]\w*",
        r"</?[A-Za-z][^<>\s]*>",
        rf"[<>]?[:;=][-o*']?[()DPdpO@|](?!{_ALNUM})",  # faces
        rf"{_APOSTROPHE}\d0s",
        rf"{_APOSTROPHE}(?:[sSmMdD]|re|ve|ll|RE|VE|LL)(?!{_ALNUM})",
        rf"[nN]{_APOSTROPHE}[tT](?!{_ALNUM})",
        rf"{_APOSTROPHE}n{_APOSTROPHE}",
        r"[?!]+",
        r"_+",
        r"\*{1,3}",
        r"\.{3}",
        r"-{2,}",
    )
)
_BARE_NUMBER = 14  # position of the pattern of _BEFORE_NUMBERS
_NEGATION = re.compile(rf"{_LETTER}+(?=n{_APOSTROPHE}t(?!{_ALNUM}))", re.IGNORECASE)
_MIXED_FRACTION = re.compile(r"(?<!\S)(\d{1,4}) (?=\d{1,4}/\d{1,4}(?!\d))")
_HALVES = {
    "cannot": 3,
    "gonna": 3,
    "gotta": 3,
    "gimme": 3,
    "lemme": 3,
    "wanna": 3,
    "'tis": 2,
    "'twas": 2,
}
_HALVED = re.compile(rf"(?:{'|'.join(_HALVES)})(?!{_ALNUM})", re.IGNORECASE)
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}
_ENTITY = re.compile("|".join(_ENTITIES), re.IGNORECASE)
_WRITTEN = {
    "(": "-lrb-",
    ")": "-rrb-",
    "[": "-lsb-",
    "]": "-rsb-",
    "{": "-lcb-",
    "}": "-rcb-",
    "\u2013": "--",
    "\u2014": "--",
    "…": "...",
    "“": "``",
    "”": "''",
    '"': "''",
    "\u2018": "`",
    "\u2019": "'",
    "€": "$",
    "£": "#",
    "¢": "cents",
    "¼": "1/4",
    "½": "1/2",
    "¾": "3/4",
    "⅓": "1/3",
    "⅔": "2/3",
}
_BRACKETS = str.maketrans({mark: _WRITTEN[mark] for mark in "()"} | {"\u2019": "'"})


def tokenize(caption: str) -> tuple[str, ...]:
    """The words of a caption, in lower case, without punctuation.

    Args:
        caption: any text; line breaks count as spaces.

    Returns:
        its words; none for a text of spaces and punctuation. A mixed fraction (``1 1/2``) is one word with a
        no-break space in it, as the Java program writes it.
    """
    text = _ENTITY.sub(lambda found: _ENTITIES[found[0].lower()], caption.replace("\u00ad", ""))
    chunks = _MIXED_FRACTION.sub("\\1\xa0", " ".join(text.replace("\xa0", " ").split())).split(" ")
    words: list[str] = []
    for chunk, after in zip(chunks, [*chunks[1:], ""], strict=True):
        words += _words(chunk, _beginning(after))
    return tuple(words)


def _beginning(word: str) -> Following:
    if word[:1].isdigit():
        return "digit"
    return "opener" if word[:1].isupper() and _OPENERS.fullmatch(word.capitalize()) else "other"


@lru_cache(maxsize=1 << 16)
def _words(chunk: str, after: Following) -> tuple[str, ...]:
    """Words of a text without spaces."""
    tokens: list[str] = []
    at = 0
    while at < len(chunk):
        length = _longest(chunk, at, after)
        token = chunk[at : at + length]
        at += length
        half = _HALVES.get(token.lower()) if _HALVED.fullmatch(token) else None
        tokens += [token] if half is None else [token[:half], token[half:]]
    tokens = ["--" if token[:2] == "--" else token for token in tokens]
    written = (_WRITTEN.get(token) or token.translate(_BRACKETS).lower() for token in tokens)
    return tuple(token for token in written if token not in PUNCTUATION)


def _longest(chunk: str, at: int, after: Following) -> int:
    """Length of the token that begins at a place."""
    halved = _HALVED.match(chunk, at)
    if halved:
        return halved.end() - at
    # A negation comes off the end of a word, but not off what is left of it.
    negation = _NEGATION.match(chunk, at)
    if negation:
        return negation.end() - at
    best = 1
    for number, pattern in enumerate(_PATTERNS):
        found = pattern.match(chunk, at)
        if found is None or found.end() - at <= best:
            continue
        last = found.end() == len(chunk)
        if number == _BARE_NUMBER and last and after != "digit":
            continue
        if last and after == "opener" and len(found[0]) == 2 and found[0][0].isalpha() and found[0][1] == ".":
            continue
        best = found.end() - at
    return best
