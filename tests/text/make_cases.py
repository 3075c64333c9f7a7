#!/usr/bin/env python3
"""Writes tests/data/text: what the `tokenizers` package makes of many texts with many tokenizers.

Each file holds {"tokenizer": ..., "variants": [{"name", "set", "cases"}]}: a variant is the tokenizer
with the members of "set" put in place of its own; "tokenizer" may name a file in place of holding
one. In special_tokens.json a variant also has "config" and "map", the texts of a
tokenizer_config.json and a special_tokens_map.json, and "special", the ids that `transformers` then
gives for bos, eos and pad; its cases are of the tokenizer that `transformers` makes of the three
files. A case is an object:
  t  text; "n": repeated so often. None: only decoding is tested
  i  ids of the text (or to decode); as "r" [[id, times], ...] for long ones
  a  ids with add_special_tokens, where they differ from i
  o  ids with special tokens taken for ordinary text, where they differ from i
  d  decoded without special tokens, where it differs from t
  k  decoded with special tokens, where it differs from d

Needs: pip install tokenizers==0.23.3 transformers==5.17.0 unicodedata2
Usage: make_cases.py (from anywhere)
"""
import itertools
import json
import random
import tempfile
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

import case_texts

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "data" / "text"
BOOKS = ROOT / "tests" / "data" / "books"
CLASSICS = "models/classics-8m/tokenizer.json"

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def runs(ids):
    return [[key, len(list(group))] for key, group in itertools.groupby(ids)]


def put_ids(case, key, long_key, ids, is_long):
    if is_long:
        case[long_key] = runs(ids)
    else:
        case[key] = ids


def add_decoded(case, tokenizer, ids, text):
    plain = tokenizer.decode(ids, skip_special_tokens=True)
    kept = tokenizer.decode(ids, skip_special_tokens=False)
    if plain != text:
        case["d"] = plain
    if kept != plain:
        case["k"] = kept


def text_case(tokenizer, text, times=1):
    case = {"t": text} if times == 1 else {"t": text, "n": times}
    whole = text * times
    is_long = times > 1
    tokenizer.encode_special_tokens = False
    ids = tokenizer.encode(whole, add_special_tokens=False).ids
    put_ids(case, "i", "r", ids, is_long)
    if not is_long:
        added = tokenizer.encode(whole, add_special_tokens=True).ids
        tokenizer.encode_special_tokens = True
        ordinary = tokenizer.encode(whole, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = False
        if added != ids:
            case["a"] = added
        if ordinary != ids:
            case["o"] = ordinary
        add_decoded(case, tokenizer, ids, whole)
    return case


def ids_case(tokenizer, ids):
    case = {"i": ids}
    add_decoded(case, tokenizer, ids, None)
    return case


def random_ids(tokenizer, rng, count):
    known = sorted(tokenizer.get_vocab().values())
    return [rng.choice(known) for _ in range(count)]


def variant(name, base, members, texts=(), longs=(), random_decodes=0, seed=0):
    tokenizer = Tokenizer.from_str(json.dumps({**base, **members}))
    cases = []
    for text, times in [(t, 1) for t in texts] + list(longs):
        try:
            cases.append(text_case(tokenizer, text, times))
        except BaseException as error:  # the package panics on some inputs: no answer, no case
            if isinstance(error, KeyboardInterrupt):
                raise
            print(f"{name}: no case for {text[:30]!r}: {str(error)[:80]}")
    rng = random.Random(seed)
    for _ in range(random_decodes):
        ids = random_ids(tokenizer, rng, rng.randrange(1, 12))
        try:
            cases.append(ids_case(tokenizer, ids))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
    return {"name": name, "set": members, "cases": cases}


def write(name, tokenizer, variants):
    variants = [v for v in variants if v["cases"]]
    file = {"tokenizer": tokenizer, "variants": variants}
    text = json.dumps(file, ensure_ascii=False, separators=(",", ":")).replace("\u2028", "\\u2028")
    text = text.replace('{"name"', '\n{"name"').replace(',{"t"', ',\n{"t"')
    (OUT / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(name, len(text), sum(len(v["cases"]) for v in variants), "cases")


def added(identity, content, **flags):
    token = {"id": identity, "content": content, "single_word": False, "lstrip": False}
    return {**token, "rstrip": False, "normalized": False, "special": False, **flags}


def plain(model, **members):
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": None,
        **members,
        "model": model,
    }


def training_texts():
    books = [path.read_text(encoding="utf-8") for path in sorted(BOOKS.glob("*.txt"))]
    many = ["\n".join(case_texts.SENTENCES)] * 20
    return books + many


def train(size, byte_level=True, model=None, **trainer_options):
    """A BPE model's JSON."""
    tokenizer = Tokenizer(models.BPE(**(model or {})))
    if byte_level:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer_options["initial_alphabet"] = pre_tokenizers.ByteLevel.alphabet()
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, **trainer_options)
    tokenizer.train_from_iterator(training_texts(), trainer)
    return json.loads(tokenizer.to_str())["model"]


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
WHOLE_BYTES = {**BYTE_LEVEL, "use_regex": False}


def neox(model):
    """GPT-NeoX: NFC, runs of spaces as added tokens; and one token with each flag."""
    size = len(model["vocab"])
    names = [added(0, "<|endoftext|>", special=True), added(1, "<|padding|>", special=True)]
    names += [added(size + i, " " * n) for i, n in enumerate(range(24, 1, -1))]
    size += 23
    flags = [
        ("<mask>", {"lstrip": True, "special": True}),
        ("<left>", {"lstrip": True}),
        ("<right>", {"rstrip": True}),
        ("<both>", {"lstrip": True, "rstrip": True, "normalized": True}),
        ("<word>", {"single_word": True}),
        ("caf\u00e9", {"normalized": True}),
        ("e\u0301", {"normalized": False}),
        ("ab", {}),
        ("abab", {"single_word": True, "normalized": True}),
        ("\u3099", {"normalized": True, "special": True}),
    ]
    names += [added(size + i, text, **flag) for i, (text, flag) in enumerate(flags)]
    return plain(
        model,
        added_tokens=names,
        normalizer={"type": "NFC"},
        pre_tokenizer=BYTE_LEVEL,
        post_processor=BYTE_LEVEL,
        decoder=BYTE_LEVEL,
    )


def template(*pieces, ids):
    single = [
        {"Sequence": {"id": p[1:], "type_id": 0}}
        if p.startswith("$")
        else {"SpecialToken": {"id": p, "type_id": 0}}
        for p in pieces
    ]
    tokens = {name: {"id": name, "ids": i, "tokens": [name] * len(i)} for name, i in ids.items()}
    pair = single + [{"Sequence": {"id": "B", "type_id": 1}}]
    return {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": tokens}


def llama3(model):
    model = {**model, "ignore_merges": True}
    vocab = dict(model["vocab"])
    # Tokens that no merge makes: only as a whole piece.
    for whole in ("\u0120Supercalifragilistic", "expialidocious", "Hello", "\u0120\u0120x"):
        vocab.setdefault(whole, len(vocab))
    model["vocab"] = vocab
    size = len(vocab)
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
    return plain(
        model,
        added_tokens=[added(size + i, n, special=True) for i, n in enumerate(names)],
        pre_tokenizer={
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": LLAMA3}, "behavior": "Isolated", "invert": False},
                WHOLE_BYTES,
            ],
        },
        post_processor={
            "type": "Sequence",
            "processors": [BYTE_LEVEL, template(names[0], "$A", ids={names[0]: [size]})],
        },
        decoder=BYTE_LEVEL,
    )


def llama2():
    trained = train(900, byte_level=False, limit_alphabet=150)
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2}
    for byte in range(256):
        vocab[f"<0x{byte:02X}>"] = len(vocab)
    for token in sorted(trained["vocab"], key=trained["vocab"].get):
        vocab.setdefault(token, len(vocab))
    model = {**trained, "vocab": vocab, "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}
    return plain(
        model,
        added_tokens=[added(i, t, special=True) for i, t in enumerate(["<unk>", "<s>", "</s>"])],
        normalizer={
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": "▁"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            ],
        },
        post_processor=template("<s>", "$A", ids={"<s>": [1]}),
        decoder={
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
    )


def whole_tokenizers():
    some = case_texts.stable_texts(1, 60)
    recent = case_texts.texts(2, 110, recent=True)
    books = case_texts.book_lines(BOOKS / "alice.txt", 3, 40)
    classics = json.loads((ROOT / CLASSICS).read_text(encoding="utf-8"))
    write(
        "classics",
        CLASSICS,
        [variant("classics-8m", classics, {}, recent + books, case_texts.LONG, 40)],
    )
    model = train(700, special_tokens=["<|endoftext|>", "<|padding|>"])
    neox_file = neox(model)
    write("neox", neox_file, [variant("neox", neox_file, {}, recent + books[:10], case_texts.LONG, 40)])

    strings = {**model, "merges": ["#version: 0.2"] + [" ".join(pair) for pair in model["merges"]]}
    del strings["type"]
    gpt2_file = plain(
        strings,
        added_tokens=[added(0, "<|endoftext|>", special=True, normalized=True)],
        pre_tokenizer={**BYTE_LEVEL, "add_prefix_space": True},
        post_processor=BYTE_LEVEL,
        decoder=BYTE_LEVEL,
    )
    write("gpt2", gpt2_file, [variant("gpt2", gpt2_file, {}, some, case_texts.LONG[:6], 20)])
    llama3_file = llama3(model)
    write("llama3", llama3_file, [variant("llama3", llama3_file, {}, some, case_texts.LONG, 20)])
    llama2_file = llama2()
    write("llama2", llama2_file, [variant("llama2", llama2_file, {}, some, case_texts.LONG, 120)])


def byte_model(**options):
    """A token for each byte, the byte's value its id: ids are the normalised text's bytes."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    order = {}
    for byte in range(256):
        printable = 33 <= byte <= 126 or 161 <= byte <= 172 or 174 <= byte <= 255
        order[byte] = chr(byte) if printable else None
    spare = iter(sorted(set(alphabet) - set(order.values())))
    vocab = {order[byte] or next(spare): byte for byte in range(256)}
    return {"type": "BPE", "vocab": vocab, "merges": [], **options}


def normalizer_variants():
    base = plain(byte_model(), pre_tokenizer=WHOLE_BYTES, decoder=BYTE_LEVEL)
    kinds = [{"type": name} for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents")]
    kinds += [{"type": "Nmt"}, {"type": "ByteLevel"}, {"type": "Prepend", "prepend": "▁x"}]
    kinds += [
        {"type": "Strip", "strip_left": left, "strip_right": right}
        for left in (False, True)
        for right in (False, True)
    ]
    kinds += [
        {"type": "Replace", "pattern": {"String": "aa"}, "content": "b"},
        {"type": "Replace", "pattern": {"String": ""}, "content": "-"},
        {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
        {"type": "Replace", "pattern": {"Regex": r"x*"}, "content": "-"},
        {"type": "Replace", "pattern": {"Regex": r"(?<=[a-z])(?=[A-Z])"}, "content": "_"},
        {"type": "Sequence", "normalizers": []},
        {
            "type": "Sequence",
            "normalizers": [{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}],
        },
    ]
    texts = case_texts.texts(5, 40, recent=True)
    made = []
    for kind in kinds:
        # Regular expressions know the Unicode of their library.
        chosen = case_texts.stable_texts(5, 30) if "Regex" in str(kind) else texts
        made.append(variant(json.dumps(kind), base, {"normalizer": kind}, chosen))
    write("normalizers", base, made)


def border_model(texts):
    """Characters, and "##" before each that does not begin a piece: ids show where pieces begin."""
    vocab = {}
    for c in sorted({c for text in texts for c in text} | set("▁Ġ")):
        vocab[c] = len(vocab)
        vocab["##" + c] = len(vocab)
    return {"type": "BPE", "continuing_subword_prefix": "##", "vocab": vocab, "merges": []}


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


REGEXES = [
    GPT2, LLAMA3, GPT4O, r"\s", r"\S+", r"\w+", r"\W", r"[^\w\s]+", r"\d", r"\D+", r"\h+", r"[\h]+",
    r"\bx", r"e\B", r".", r"(?m:.)", r"^.", r".$", r"^", r"a{2}?", r"a{,2}", r"a{2,3}+", r"a{1,2}{2}",
    r"a{", r"a{,}", r"x*", r"", r"a+?", r"a++", r"(?:ab)*", r"(a)\1", r"(?<c>a)", r"(?#note)a",
    r"(?>a+)b", r"(?i)THE|W", r"(?i:STRASSE|w)", r"\p{Han}+", r"\p{^L}", r"\P{L}", r"\p{Lu}",
    r"\p{Letter}+", r"\p{Hiragana}", r"[\p{L}\p{M}]+", r"[^\p{L}\d]", r"[\s\-a]", r"[a-c-e]", r"[]a]",
    r"[^]a]", r"[a\]]", r"[[:alpha:]]+", r"[[:punct:]]", r"[[:space:]]", r"[[:alnum:]_]+", r"[\Sa]+",
    r"\x41|\x{1F600}", r"\u00e9", r"\t|\n|\v|\f|\r", r"\R", r"\N+", r"\A.", r".\z", r".\Z", r"\0|\012",
    r"é+", r"[é-ü]+", r"(?<=a)b", r"(?<!a)b", r"a(?=b)", r"a(?!b)", r"\/|\.|\#", r"(?-i)a", r"a|(?i)b|c",
    r"\p{Nd}{1,3}(?=(?:\p{Nd}{3})*(?!\p{Nd}))", r"[\w']+|[^\w']", r"[-a]|[a-]", r"\p{Emoji}",
]


def pre_tokenizer_variants():
    sentences = [t for t in case_texts.stable_texts(7, 25) if 1 < len(t) < 70]
    always = ["aaaa aab abab\naabb\n", "the-final--countdown", "xThe w\u017f \u0041\u00e9\u00e9", "a,b;;c--"]
    always += ["e\u0301x \u00b2x _x x-e", "aCBc ABab", "1234567 12 1", "\r\n\r\n", "x\u180ey", "a]b-c[d^e"]
    base = plain(border_model(sentences + always))
    kinds = []
    behaviors = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
    for behavior in behaviors:
        for invert in (False, True):
            kinds.append(split({"String": "-"}, behavior, invert))
            kinds.append(split({"Regex": "[aeiou ]"}, behavior, invert))
            kinds.append(split({"Regex": r"\s*"}, behavior, invert))
        kinds.append({"type": "Punctuation", "behavior": behavior})
    kinds += [split({"Regex": regex}) for regex in REGEXES]
    kinds += [split({"Regex": GPT2}, "Removed", True), split({"String": ""}), split({"String": "aa"})]
    kinds += [{"type": "Digits", "individual_digits": one} for one in (False, True)]
    kinds += [{"type": name} for name in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer")]
    kinds += [{"type": "Punctuation"}, {"type": "FixedLength", "length": 3}, {"type": "FixedLength"}]
    kinds += [{"type": "CharDelimiterSplit", "delimiter": "e"}]
    kinds += [
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": cut}
        for scheme in ("first", "never", "always")
        for cut in (False, True)
    ]
    digits = {"type": "Digits", "individual_digits": True}
    kinds += [
        BYTE_LEVEL,
        {"type": "Sequence", "pretokenizers": []},
        {"type": "Sequence", "pretokenizers": [digits, {"type": "Punctuation"}, BYTE_LEVEL]},
        {"type": "Sequence", "pretokenizers": [BYTE_LEVEL, digits]},
        {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "WhitespaceSplit"},
                {"type": "Sequence", "pretokenizers": [{**BYTE_LEVEL, "add_prefix_space": True}]},
            ],
        },
    ]
    made = []
    rng = random.Random(19)
    for kind in kinds:
        spoken = json.dumps(kind, ensure_ascii=False)
        texts = always + rng.sample(sentences, 60 if len(spoken) > 200 else 14)
        made.append(variant(spoken, base, {"pre_tokenizer": kind}, texts))
    for one in made:
        one["cases"] = [{k: c[k] for k in ("t", "i")} for c in one["cases"]]
    write("pre_tokenizers", base, made)


def added_token_variants():
    """Random tokens over few letters: overlaps, prefixes, white space and flags of all kinds."""
    base = plain(byte_model(), pre_tokenizer=WHOLE_BYTES, decoder=BYTE_LEVEL)
    rng = random.Random(11)
    made = []
    for number in range(60):
        letters = rng.choice(["ab", "ab ", "aB \u00e9", "a\u0301e ", "xy,\n "])
        tokens, seen = [], set()
        for _ in range(rng.randrange(1, 9)):
            content = "".join(rng.choice(letters) for _ in range(rng.randrange(1, 6)))
            if content.lower() in seen:
                continue
            seen.add(content.lower())
            flags = {f: rng.random() < 0.3 for f in ("single_word", "lstrip", "rstrip", "special")}
            flags["normalized"] = rng.random() < 0.5
            tokens.append(added(256 + len(tokens), content, **flags))
        normalizer = rng.choice([None, {"type": "NFC"}, {"type": "NFD"}, {"type": "Lowercase"}])
        if normalizer and normalizer["type"] in ("NFC", "NFD"):
            form = getattr(normalizers, normalizer["type"])()
            forms = [form.normalize_str(t["content"]) for t in tokens if t["normalized"]]
            if len(set(forms)) != len(forms):
                continue  # the package's choice between equal ones is random
        texts = [
            "".join(rng.choice(letters + "c") for _ in range(rng.randrange(1, 30))) for _ in range(15)
        ]
        members = {"added_tokens": tokens, "normalizer": normalizer}
        made.append(variant(f"added tokens {number}", base, members, texts, random_decodes=3, seed=number))
    # Ids: what the file declares does not count, nor does a hole in the model's.
    holes = byte_model()
    holes["vocab"] = {t: i if i < 200 else i + 3 for t, i in holes["vocab"].items()}
    tokens = [added(9, "<x>"), added(9, "<y>", special=True), added(0, "a"), added(5, "<z>", normalized=True)]
    members = {"model": holes, "added_tokens": tokens}
    made.append(variant("ids", base, members, ["a<x>b<y>c<z>\u00ff\u00fe"], random_decodes=20))
    write("added_tokens", base, made)


def model_variants():
    letters = "abcdeé漢 "
    vocab = {c: i for i, c in enumerate(letters)}
    merges = []
    rng = random.Random(13)
    while len(merges) < 60:
        left, right = rng.choice(list(vocab)), rng.choice(list(vocab))
        if len(left + right) > 9 or [left, right] in merges:
            continue
        vocab.setdefault(left + right, len(vocab))
        merges.append([left, right])
    rng.shuffle(merges)  # later merges may come before those that make their parts
    bytes_256 = {f"<0x{byte:02X}>": 1000 + byte for byte in range(256)}
    some_bytes = {k: v for i, (k, v) in enumerate(bytes_256.items()) if i % 3}
    texts = ["".join(rng.choice(letters) for _ in range(rng.randrange(1, 30))) for _ in range(60)]
    texts += ["".join(rng.choice(letters + "xyzß🙂") for _ in range(rng.randrange(1, 30))) for _ in range(60)]
    texts += ["".join(rng.choice("ab") for _ in range(rng.randrange(33, 90))) for _ in range(20)]
    longs = [("a", 700), ("ab", 700), ("aab", 500), ("abcdeé漢 ", 200), ("x", 100), ("xa", 100)]
    base = plain({"type": "BPE", "vocab": vocab, "merges": merges})
    made = [variant("no unknown", base, {}, texts, longs, 10)]
    for name, extra, options in [
        ("unknown", {"<unk>": 900}, {"unk_token": "<unk>"}),
        ("fused unknown", {"<unk>": 900}, {"unk_token": "<unk>", "fuse_unk": True}),
        ("bytes", bytes_256, {"byte_fallback": True}),
        ("some bytes", {**some_bytes, "<unk>": 900}, {"byte_fallback": True, "unk_token": "<unk>"}),
        ("some bytes, fused", {**some_bytes, "<unk>": 900},
         {"byte_fallback": True, "unk_token": "<unk>", "fuse_unk": True}),
        ("ignore merges", {"abcabc": 901, "eee": 902}, {"ignore_merges": True}),
    ]:
        model = {**base["model"], "vocab": {**vocab, **extra}, **options}
        made.append(variant(name, base, {"model": model}, texts, longs, 10))
    # Byte-level text where some byte has no token.
    poor = byte_model(unk_token="!")
    for letter in "aé\u0120":
        poor["vocab"].pop(letter, None)
    members = {"model": poor, "pre_tokenizer": BYTE_LEVEL}
    made.append(variant("missing bytes", base, members, texts))
    affixes = train(
        400,
        byte_level=False,
        model={"continuing_subword_prefix": "##", "end_of_word_suffix": "</w>", "unk_token": "<unk>"},
        continuing_subword_prefix="##",
        end_of_word_suffix="</w>",
        special_tokens=["<unk>"],
        limit_alphabet=80,
    )
    members = {"model": affixes, "pre_tokenizer": {"type": "WhitespaceSplit"}}
    members["decoder"] = {"type": "BPEDecoder", "suffix": "</w>"}
    made.append(variant("prefix and suffix", base, members, case_texts.texts(17, 20), [], 20))
    write("models", base, made)


def decoder_variants():
    vocab = ["▁", "▁a", "a▁b", "b", "</w>", "c</w>", "<0x41>", "<0xC3>", "<0xA9>", "<0xE2>", "<0x82>"]
    vocab += ["<0xAC>", "<0xF0>", "<0xZZ>", "<0x+5>", "<0x4>", "Ġ", "Ãī", "Ã", "ī", "âĤ", "¬", "ð", "Ł", "é", " "]
    vocab += ["aa", "aaa", "漢", "\ufffd", "x", "xx", " x", "x "]
    model = {"type": "BPE", "vocab": {t: i for i, t in enumerate(vocab)}, "merges": []}
    base = plain(model, added_tokens=[added(0, "<s>", special=True), added(0, "<n> é", normalized=True)])
    replace = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
    fallback, fuse = {"type": "ByteFallback"}, {"type": "Fuse"}
    kinds = [None, BYTE_LEVEL, fallback, fuse, replace, {"type": "BPEDecoder", "suffix": "</w>"}]
    kinds += [{"type": "Replace", "pattern": p, "content": "-"}
              for p in ({"String": "aa"}, {"Regex": "a+"}, {"String": ""}, {"Regex": "x*"})]
    kinds += [{"type": "Strip", "content": "x", "start": a, "stop": b} for a, b in ((1, 0), (2, 0), (0, 1))]
    kinds += [{"type": "Metaspace", "replacement": "▁", "prepend_scheme": s, "split": True}
              for s in ("first", "never", "always")]
    sequences = [
        [], [replace, fallback, fuse], [fuse, replace], [fuse, {**replace, "pattern": {"String": "aa"}}],
        [fuse, {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "-"}],
        [replace, fallback, fuse, {"type": "Strip", "content": " ", "start": 1, "stop": 0}],
        [fuse, {"type": "Strip", "content": "x", "start": 1, "stop": 2}],
        [BYTE_LEVEL, {"type": "Strip", "content": " ", "start": 1, "stop": 0}],
        [fallback, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}],
        [BYTE_LEVEL, {"type": "Replace", "pattern": {"String": "é"}, "content": "e"}],
        [{"type": "Strip", "content": "▁", "start": 1, "stop": 0}, fuse], [replace, BYTE_LEVEL],
    ]
    kinds += [{"type": "Sequence", "decoders": parts} for parts in sequences]
    made = [variant(json.dumps(kind, ensure_ascii=False), base, {"decoder": kind}, random_decodes=60, seed=i)
            for i, kind in enumerate(kinds)]
    write("decoders", base, made)


def post_processor_variants():
    names = ["<s>", "</s>", "<x>"]
    base = plain(
        byte_model(),
        pre_tokenizer=WHOLE_BYTES,
        added_tokens=[added(256 + i, n, special=True) for i, n in enumerate(names)],
        decoder=BYTE_LEVEL,
    )
    ids = {"<s>": [256], "</s>": [257], "<x>": [258, 256]}
    bos = template("<s>", "$A", ids=ids)
    both = template("<s>", "$A", "</s>", ids=ids)
    twice = template("$A", "<x>", "$A", ids=ids)
    none = template("<x>", ids=ids)
    bert = {"type": "BertProcessing", "sep": ["</s>", 257], "cls": ["<s>", 256]}
    roberta = {**bert, "type": "RobertaProcessing", "trim_offsets": True, "add_prefix_space": True}
    kinds = [None, BYTE_LEVEL, bos, both, twice, none, bert, roberta]
    pairs = [[], [BYTE_LEVEL, bos], [bos, BYTE_LEVEL], [bos, twice], [twice, bos], [bos, bert],
             [both, roberta], [twice, bert], [twice, roberta]]
    kinds += [{"type": "Sequence", "processors": parts} for parts in pairs]
    made = [variant(json.dumps(kind), base, {"post_processor": kind}, ["", "ab", "a<s>b</s>"]) for kind in kinds]
    write("post_processors", base, made)


def with_files(base, members, config, token_map):
    """What `transformers` makes of a folder with these files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tokenizer.json").write_text(json.dumps({**base, **members}), encoding="utf-8")
        for file, content in (("tokenizer_config", config), ("special_tokens_map", token_map)):
            if content is not None:
                (folder / f"{file}.json").write_text(json.dumps(content), encoding="utf-8")
        return PreTrainedTokenizerFast.from_pretrained(folder)


def special_variant(name, base, members, config, token_map, texts, seed=0):
    made = with_files(base, members, config, token_map)
    backend = made._tokenizer
    cases = [text_case(backend, text) for text in texts]
    rng = random.Random(seed)
    for _ in range(4):
        cases.append(ids_case(backend, random_ids(backend, rng, rng.randrange(1, 8))))
    special = {k: getattr(made, f"{k}_token_id") for k in ("bos", "eos", "pad") if getattr(made, f"{k}_token")}
    text = {k: json.dumps(v, ensure_ascii=False) for k, v in (("config", config), ("map", token_map)) if v is not None}
    return {"name": name, "set": members, **text, "special": special, "cases": cases}


def random_token(rng, contents, as_object):
    content = rng.choice(contents)
    if not as_object:
        return content
    flags = {f: rng.random() < 0.3 for f in ("single_word", "lstrip", "rstrip", "special", "normalized")}
    return {"__type": "AddedToken", "content": content, **{f: v for f, v in flags.items() if rng.random() < 0.8}}


def random_config(rng, contents):
    config = {"tokenizer_class": "PreTrainedTokenizerFast"}
    names = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "mask_token"]
    for name in rng.sample(names, rng.randrange(0, 4)):
        config[name] = random_token(rng, contents, rng.random() < 0.4) if rng.random() < 0.9 else None
    if rng.random() < 0.3:
        config["zoom_token"] = random_token(rng, contents, False)
        config["image_token"] = random_token(rng, contents, False)
    key = rng.choice(["extra_special_tokens", "additional_special_tokens", None])
    if key == "extra_special_tokens" and rng.random() < 0.4:
        config[key] = {"y_token": random_token(rng, contents, False), "b_token": random_token(rng, contents, False)}
    elif key:
        config[key] = [random_token(rng, contents, rng.random() < 0.4) for _ in range(rng.randrange(0, 4))]
    if rng.random() < 0.4:
        decoder = {}
        for _ in range(rng.randrange(1, 4)):
            token = random_token(rng, contents, True)
            del token["__type"]
            decoder[str(rng.randrange(0, 300))] = token
        config["added_tokens_decoder"] = decoder
    return config


def random_map(rng, contents):
    token_map = {}
    for name in rng.sample(["bos_token", "eos_token", "pad_token", "cls_token"], rng.randrange(0, 4)):
        token = random_token(rng, contents, rng.random() < 0.4)
        if isinstance(token, dict):
            del token["__type"]
        token_map[name] = token
    if rng.random() < 0.3:
        key = rng.choice(["extra_special_tokens", "additional_special_tokens"])
        token_map[key] = [random_token(rng, contents, False) for _ in range(2)]
    return token_map


def special_token_variants():
    base = plain(byte_model(), pre_tokenizer=WHOLE_BYTES, decoder=BYTE_LEVEL)
    im = {"<|im_start|>": 258, "<|im_end|>": 259}
    chat = "<|im_start|>user\nhi<|im_end|>\n<|end|> </s>"
    listed = {"added_tokens": [added(256, "<|endoftext|>", special=True), added(257, "  ")]}
    decoder = {str(i): {"content": t, "lstrip": False, "normalized": False, "rstrip": False,
                        "single_word": False, "special": True} for t, i in im.items()}
    plain_class = {"tokenizer_class": "PreTrainedTokenizerFast"}
    rows = [
        ("decoder", {**plain_class, "eos_token": "<|im_end|>", "added_tokens_decoder": decoder}, None),
        ("names", {**plain_class, "eos_token": "<|im_end|>", "pad_token": "<|end|>"}, None),
        ("a list", {**plain_class, "extra_special_tokens": list(im)}, None),
        ("a list by the older name", {**plain_class, "additional_special_tokens": list(im)}, None),
        ("names of a kind", {**plain_class, "extra_special_tokens": {"z_token": "<|im_end|>", "a_token": "</s>"}}, None),
        ("a token of the model's", {**plain_class, "eos_token": "h"}, None),
        ("the map alone", None, {"eos_token": {"content": "<|im_end|>", "lstrip": True}, "bos_token": "</s>"}),
        ("the map first", {**plain_class, "eos_token": "</s>"}, {"eos_token": "<|im_end|>"}),
        ("the map ignored", {**plain_class, "eos_token": "</s>", "added_tokens_decoder": decoder},
         {"eos_token": "<|endoftext|>"}),
    ]
    made = [special_variant(n, base, listed, c, m, [chat, "a <|im_end|> b"]) for n, c, m in rows]
    rng = random.Random(23)
    contents = ["<x>", "</s>", "ab", "a", "<y>z", "B ", "caf\u00e9", "e\u0301", "<|end|>", "\u0120"]
    for number in range(90):
        tokens = [added(256 + i, c, special=rng.random() < 0.5, normalized=rng.random() < 0.5)
                  for i, c in enumerate(rng.sample(contents, rng.randrange(0, 4)))]
        members = {"added_tokens": tokens, "normalizer": rng.choice([None, None, {"type": "Lowercase"}])}
        config, token_map = random_config(rng, contents), rng.choice([None, random_map(rng, contents)])
        texts = ["".join(rng.choice(contents + [" ", "c"]) for _ in range(rng.randrange(1, 9))) for _ in range(8)]
        try:
            made.append(special_variant(f"special tokens {number}", base, members, config, token_map, texts, number))
        except (TypeError, ValueError, AttributeError) as error:
            print(f"special tokens {number}: {str(error)[:90]}")
    write("special_tokens", base, made)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    whole_tokenizers()
    normalizer_variants()
    pre_tokenizer_variants()
    added_token_variants()
    model_variants()
    decoder_variants()
    post_processor_variants()
    special_token_variants()


if __name__ == "__main__":
    main()
