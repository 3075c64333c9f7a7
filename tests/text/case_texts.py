"""Texts that tokenizers find hard, for make_cases.py."""
import random
import unicodedata

import unicodedata2 as newest

SENTENCES = [
    "",
    " ",
    "a",
    "  ",
    "\n",
    "\t\tx",
    "Hello, world!",
    "It's they're we've I'm you'll he'd 's 't 'S 'RE o'clock ''s '",
    "  two  spaces   three    four     ",
    "line one\nline two\r\nline three\r\n\r\n  indented\n\n\n",
    "tabs\tand\u000bvertical\u000cfeeds\u0085next\u2028line\u2029paragraph",
    "0 1 12 123 1234 12345 3.14159 1,000,000 2024-05-06 ½ ² ³ ¹ Ⅷ ٣٤٥ 一二三 \U0001D7D8",
    "def f(x):\n    return {'a': [1, 2.5e-3], \"b\": x ** 2}  # done\n",
    "https://example.org/a/b?c=d&e=%20f#g user@host.example <tag attr='1'/>",
    "Supercalifragilisticexpialidocious antidisestablishmentarianism",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "Où êtes-vous, cœur naïf? Ça va; señor, über Straße GROẞ İstanbul ıı ǅ ΌΣΟΣ",
    "e\u0301 a\u0308\u0323 q\u0307\u0323 \u1e9b\u0323 \u212b \u2126 ﬁ ﬃ Ǆ ﷺ ㍿ ① ｶﾞ",
    "Привет, мир! Съешь ещё этих мягких французских булок. Їжак",
    "Γειά σου Κόσμε \u0391\u0301\u0345 ᾳ ᾼ",
    "你好，世界！今天天气很好。「引号」——破折号…",
    "こんにちは世界。カタカナ ひらがな ｶﾀｶﾅ か\u3099 は\u309a",
    "안녕하세요 세계 \u1112\u1161\u11ab\u1100\u1173\u11af \uac00\u11a8",
    "नमस्ते दुनिया क्षत्रिय \u0958 \u0915\u093c",
    "สวัสดีชาวโลก น้ำ ทำ",
    "שלום עולם שָׁלוֹם \ufb2a \ufb49",
    "مرحبا بالعالم السَّلامُ عليكم لا إله ۱۲۳",
    "வணக்கம் உலகம் \u0b95\u0bca \u0b95\u0bc6\u0bbe",
    "ගුඩ් \u0dd9\u0dcf\u0dca བོད་ \u0f43 \u0f71\u0f72\u0f80 မြန်မာ \u1025\u102e",
    "👩‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ❤️‍🔥 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 😀😃 ☺︎ 1️⃣",
    "\u0000\u0001\u0002\u0007\u0008\u001b\u001f\u007f\u0080\u009f",
    "\ufeffBOM \u200bzero\u200cwidth\u200djoin \u00adsoft \u2060 \u180e \ufffd \ufffe \uffff",
    "\u00a0nbsp\u1680ogham\u2003em\u202fnarrow\u205fmath\u3000ideographic ",
    "\U0001d11e \U00010348 𝒳𝓎𝔷 \U0001f9ff \U000f0000 \U0010ffff \U00030000",
    "a\u0300\u0301\u0302\u0303\u0304\u0305\u0316\u0317\u0318\u0334\u0345b",
    "\u0301leading mark \u0316\u0301\u0316\u0301",
    "\u0344 \u0340 \u0343 \u0374 \u037e \u0387 \u2000 \u2001 \u2329 \u232a \uf900 \ufa10",
    "\u0f73\u0f75\u0f81 \u1b06 \U00011099\U000110ba \U0001d15e \U0001d1bb \U0002f800",
    "\u1ac0a\u1dfa\u0334 \u0898\u0316 \U00011938 \U00011935\U00011930 \U000105d2\u0307 \ua7f2 \u32ff",
    "a\u0334\u1ac5\u0316\u0301 \U0001e130\u0334 \u0d3b\u0334 \u07fd\u0334 \u1cf2 \u1cf3",
    "$5.00 €3 £4 ¥5 +-*/=<>^~`|\\ §¶†‡•‰ « » ‹ › “ ” ‘ ’ – —",
    "word\u2019s don\u2019t \u02bc",
    "ſ K Å 'ſ 'Ll 'D",
    "x_y __init__ CamelCaseWord snake_case_word kebab-case-word UPPER",
    "<|endoftext|>",
    "a<|endoftext|>b <|endoftext|> <|endoftext|><|endoftext|>",
    "<|padding|> <|endoftext <|endoftext|>| |endoftext|>",
    "<0x41> <0x0A> <0xE2> <unk> <s> </s> ▁ ▁▁ a▁b",
    "Ġ Ċ Ĭ ġ Ł ł Ń — characters of the byte alphabet",
    "   <mask>   <mask><mask> x<mask>y \n<mask>\n",
    "  <left>  <left>x  <right>  x<right>  y <both>  z  <both>",
    "word <word> x<word> <word>x <word>, é<word> <word>\u0301 ½<word> \u200d<word>",
    "caf\u00e9 cafe\u0301 CAFÉ Café café",
    "\n \n  \n   \n    \n     \n      x",
    " \u00a0 \u00a0x \t \ty \u2003\u2003z",
    "x \n",
    "x\n ",
    "   leading and trailing   ",
    "1st 2nd 3rd 4th v2.0 x86_64 H2O C++20",
]

# (text, times)
LONG = [
    ("a", 3000),
    ("ab", 2000),
    (" ", 2500),
    ("\n", 1500),
    ("\u00e9", 1500),
    ("e\u0301", 700),
    ("\u0301\u0316", 400),
    ("0", 1200),
    ("=", 1100),
    ("漢", 900),
    ("👍🏽", 300),
    ("the ", 800),
    ("\u0000", 500),
    ("aab", 1700),
    ("abcab", 900),
    ("th", 1500),
    ("he", 1500),
    ("<|endoftext|>", 100),
    ("\r\n", 600),
]


def is_stable(c):
    """In Unicode 14 already, or in none yet: libraries of different age agree on it."""
    return unicodedata.category(chr(c)) != "Cn" or newest.category(chr(c)) == "Cn"


def is_character(c):
    return not 0xD800 <= c < 0xE000


STABLE = [c for c in range(0x110000) if is_character(c) and is_stable(c)]
ASSIGNED = [c for c in STABLE if unicodedata.category(chr(c)) not in ("Cn", "Co")]
RECENT = [c for c in range(0x110000) if is_character(c) and not is_stable(c)]
MARKS = [c for c in ASSIGNED if unicodedata.combining(chr(c))]
DECOMPOSING = [c for c in ASSIGNED if unicodedata.decomposition(chr(c))]


def random_text(rng, recent):
    """`recent`: with characters newer than Unicode 14."""
    kinds = [
        lambda: chr(rng.randrange(32, 127)),
        lambda: chr(rng.randrange(32, 127)),
        lambda: rng.choice("aeiouAEIOU \n'"),
        lambda: rng.choice(" \t\n\r\u00a0"),
        lambda: chr(rng.randrange(0, 0x250)),
        lambda: chr(rng.choice(ASSIGNED)),
        lambda: chr(rng.choice(MARKS)),
        lambda: chr(rng.choice(DECOMPOSING)),
        lambda: chr(rng.choice(STABLE)),
        lambda: chr(rng.choice(RECENT if recent else STABLE)),
    ]
    chosen = rng.sample(kinds, rng.randrange(1, 5))
    return "".join(rng.choice(chosen)() for _ in range(rng.randrange(1, 40)))


def texts(seed, count, recent=False):
    rng = random.Random(seed)
    return SENTENCES + [random_text(rng, recent) for _ in range(count)]


def stable_texts(seed, count):
    """Without characters newer than Unicode 14: the same for libraries of every age."""
    return [t for t in texts(seed, count) if all(is_stable(ord(c)) for c in t)]


def book_lines(path, seed, count):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    rng = random.Random(seed)
    result = []
    for _ in range(count):
        first = rng.randrange(len(lines) - 5)
        result.append("\n".join(lines[first : first + rng.randrange(1, 5)]))
    return result
