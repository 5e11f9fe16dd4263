"""Compare sentence splitters on press-release text: boundaries found, speed, worst cases.

Every case is one string in which MARK (U+2016) stands where a sentence ends; the text
given to a splitter is the string without the marks. A boundary is counted in characters that are
not whitespace, so that a splitter may leave the space on either side of it. Splitters that are not
installed are reported as such. Example:

    python -m evals.benchmarks.splitters --corpus shared/releases/doj.jsonl.xz --bodies 300
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import itertools
import re
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from index.readers import read
from index.sentences import Span, Splitter, repaired
from index.types import Release

MARK = "\u2016"

CASES: tuple[tuple[str, str], ...] = (
    ("co-ltd", "Harbin Lumen Co., Ltd. opened a plant in Suzhou.‖ It employs 300 people."),
    ("co-ltd-end", "The buyer is Osaka Marine Co., Ltd.‖ The price was not disclosed."),
    ("inc-mid", "Tarn Robotics Inc. and its unit Loom Corp. signed a lease.‖ Rent starts in May."),
    ("inc-end", "The patent belongs to Tarn Robotics, Inc.‖ We licensed it in June."),
    ("inc-verb", "Brightwell Inc. Chief Executive Mara Olin will retire.‖ A search has begun."),
    ("llc-plc", "Quill Energy LLC sold the wells to Marsh Oil plc. for cash.‖ Closing is near."),
    ("bros", "Hale Bros. Foods Ltd. makes soup.‖ Its cans are blue."),
    ("month-date", "Results are due on Jan. 20, 2025.‖ A call follows on Feb. 3 at noon."),
    ("month-end", "The trial ended in Sept. 2024.‖ Dec. 31 is the record date."),
    ("us-agency", "The U.S. Food and Drug Administration cleared the device.‖ Sales begin now."),
    ("us-end", "Most of our stores are in the U.S.‖ The company plans ten more."),
    ("us-attorney", "Acting U.S. Attorney Lena Voss thanked the agents.‖ The case is closed."),
    ("uk-eu", "It was approved in the U.K. and the E.U. last year.‖ Japan comes next."),
    ("us-district", "He pleaded guilty in U.S. District Court.‖ Judge R. P. Ames set bail."),
    ("dc", "Lawyers in Washington, D.C. filed the suit.‖ A hearing is set."),
    ("dc-end", "The group is based in Washington, D.C.‖ It was founded in 1988."),
    ("titles", "Dr. Amy Roe and Mr. Tom Bly spoke first.‖ Ms. Chen and Mrs. Dale went next."),
    ("phd", "Nadia Karim, Ph.D., leads the lab.‖ She joined in 2019."),
    ("phd-end", "The study was run by Owen Pratt, M.D., Ph.D.‖ It enrolled 90 adults."),
    ("initials", "John J. O'Neil Jr. was named chair.‖ He succeeds Mary K. West."),
    ("sr-end", "The founder was Robert Hale Sr.‖ His son took over in 1990."),
    ("initial-name", "District Judge T. S. Marlow agreed.‖ J.P. Dunn dissented."),
    ("vs", "Sales were $40 million vs. $31 million a year ago.‖ Margin was flat."),
    ("number", "It is the No. 5 maker of valves.‖ Patent Nos. 1 and 2 expire in 2031."),
    ("number-end", "Asked whether it would sell, the board said no.‖ 5 directors abstained."),
    ("fig", "As shown in Fig. 2, the response lasted.‖ See Sec. 4 for details."),
    ("senator", "Sen. Dale Fry of Norfolk, Va. praised the bill.‖ Rep. Ito voted against it."),
    ("state", "A man from Huntington, W.Va. was sentenced.‖ He must pay $9,000."),
    ("state-comma", "KENILWORTH, N.J., March 4, 2024 -- Arbor Labs won a grant.‖ It runs to 2026."),
    (
        "state-wire",
        "BOSTON, Mass.--(NEWS WIRE)--Fenway Bio raised $50 million.‖ Funds are for trials.",
    ),
    ("saint", "The depot in St. Louis reopened.‖ Another in Ft. Worth stays shut."),
    ("gov", "Gov. Ann Lee met Lt. Col. Ray Moss.‖ Gen. Otis Park was absent."),
    ("attys", "Asst. U.S. Atty. Joan Birch led the case.‖ Trial began in Apr. 2021."),
    ("glued-year", "Net income fell in fiscal 2025‖The shareholders approved the plan."),
    ("glued-stop", "This is an advance release.‖The company will report in full on Monday."),
    ("glued-quote", "“We are proud of the team.”‖The agreement runs for five years."),
    ("glued-paren", "The notes pay 4% (see below).‖In March the firm repaid them."),
    ("note-mark", "This drug treats obesity.1‖ Zepra may lower weight in adults."),
    ("note-mark-2", "Few patients had prior therapy.3‖ In the trial, nine of ten responded."),
    ("note-marks", "About 6 million people live with it.2,3‖ Many are never diagnosed."),
    ("note-bracket", "The rate doubled in a decade.[4]‖ Experts expect more cases."),
    ("money", "Revenue was $1.5 million, up 3.5% from 2023.‖ Costs rose by $.2 million."),
    ("money-end", "The fine came to $2.5 million.‖ 3.5% interest applies."),
    ("latin", "Some metals, e.g. Zinc and tin, i.e. soft ones, gained.‖ Others fell."),
    ("approx", "The site covers approx. 40 acres.‖ Est. cost is high."),
    ("et-al", "The model of Singh et al. was used.‖ Results match Roe et al. (2020)."),
    ("am-pm", "The call starts at 8:30 a.m. Eastern Time.‖ A replay opens at 1 p.m. ET."),
    ("pm-end", "Doors close at 5 p.m.‖ The webcast will be archived."),
    ("quote-said", "“Demand is strong,” said Dr. Ilse Maas.‖ “We hired 40 people.”"),
    ("quote-stop", '"We met every goal we set." ‖The board agreed.‖ "It was a good year."'),
    ("quote-inside", '"Growth was broad. ‖Every unit gained," Mr. Fox said.‖ He gave no forecast.'),
    ("quote-ask", "“Is it safe?” asked one member.‖ “Yes!” said the chair.‖ The vote passed."),
    ("quote-run", "“The data are clear.‖ The benefit lasts.‖ We will file soon,” said Ana Ruiz."),
    ("ellipsis", "“We looked hard ... and found nothing,” he said.‖ The search is over."),
    ("ellipsis-end", "They waited for a reply…‖ None came.‖ So they sold."),
    (
        "bullets-star",
        "Highlights of the quarter:‖\n* Revenue rose 4%‖\n* Two stores opened‖\n* Debt fell",
    ),
    ("bullets-dot", "The deal includes:‖\n• cash of $5 million‖\n• shares in Vale Inc.‖\n• a seat"),
    (
        "bullets-dash",
        "Key dates:‖\n- Jan. 5: record date‖\n- Feb. 9: payment‖\n\nTerms may change.",
    ),
    (
        "decimal-list",
        "Steps to claim:‖\n1. Open the site.‖\n2. Enter the code.‖\n3. Wait for a call.",
    ),
    ("decimal-line", "The court gave two reasons.‖ 1. The claim was late.‖ 2. It was vague."),
    ("heading", "About Marlow Foods‖\n\nMarlow Foods makes jam.‖ It is based in Leeds."),
    ("headings", "FIRST QUARTER RESULTS‖\n\nFinancial Summary‖\n\nSales grew 8% to $90 million."),
    (
        "blank-mid",
        "The company said on Friday\n\nthat it would close the mill.‖ Staff will be paid.",
    ),
    ("blank-comma", "Officers include Jo Park,\n\nchief of staff, and two others.‖ Both are new."),
    (
        "wrap",
        "The two companies expect the merger to\nclose by June.‖ Talks with Acme\nInc. ended.",
    ),
    ("paragraphs", "Profit rose.‖\n\nThe dividend is unchanged.‖\n\n“A solid year,” said Lin Wu."),
    ("table", "Net sales $ 12.5 $ 10.1 Cost of sales 7.2 6.9 Gross profit $ 5.3 $ 3.2"),
    ("url", "More is at www.tarnrobotics.com/news.html or https://ir.tarn.co.uk.‖ Call us too."),
    ("url-caps", "Visit www.Tarn.Com or Tarn.io.‖ Write to Ir.Desk@Tarn.Com with questions."),
    ("email", "Contact j.doe@fox.org.‖ Media may call 555-0100."),
    ("ticker", "Tarn Inc. (Nasdaq: TARN) and Vale Corp. (NYSE: V.A) rose.‖ Others slipped."),
    ("chinese", "公司今日宣布新产品上市。‖销售额增长了3.5%。‖我们非常高兴！‖谢谢。"),
    ("chinese-mix", "Lumen Inc. 在上海设立了工厂。‖该厂有300名员工。‖ It opens in May."),
    ("chinese-quote", "他说：“我们会继续努力。”‖会议于1月20日结束。"),
    ("bang-name", "Yahoo! Inc. sold its stake.‖ Jeopardy! is a show it backed."),
    ("exclaim", "We did it!‖ Thanks to all 40 partners!‖ More soon."),
    ("lower-name", "The phone runs Android.‖ iRobot makes a rival.‖ eBay sells both."),
    ("digits-start", "Ten sites took part.‖ 240 patients were enrolled.‖ 12 withdrew."),
    ("paren-sentence", "The unit was sold.‖ (Terms were not given.)‖ The buyer is a fund."),
    ("paren-abbr", "It is a bank (formerly Ames Bros. Co.) in Ohio.‖ It lends to farms."),
    ("version", "Version 2.0.1 of the app adds chat.‖ Users of v. 1.9 must update."),
    ("dept", "The Dept. of Health gave a grant to Ames Univ. researchers.‖ It ends in 2027."),
    ("versus-case", "The court ruled in Ames v. Vale Corp.‖ The firm will appeal."),
    ("nv-sa", "Delta N.V. and Rio S.A. merged.‖ Technip S.p.A. did not bid."),
    ("emoji", "Launch day is here 🎉🎉.‖ We thank our fans 🙏.‖ Orders open now."),
    ("trademark", "Zepra® (zepratide) is a weekly shot.‖ Zepra™ Pen is sold apart."),
    ("semicolon-list", "Voting for were A. Lee; B. Ono; and C. Roy, Esq.‖ No one opposed."),
)

PATHOLOGICAL: dict[str, str] = {
    "list": ("alpha beta, gamma delta; " * 3000)[:64_000],
    "A.B.": ("A. B. C. D. " * 6000)[:64_000],
}


# --- splitters -----------------------------------------------------------------------------------


def locate(text: str, pieces: Iterable[str]) -> list[Span]:
    """Give the spans of pieces that repeat the text in order, but for whitespace."""
    solid = [i for i, char in enumerate(text) if not char.isspace()]
    spans: list[Span] = []
    at = 0
    for piece in pieces:
        size = sum(not char.isspace() for char in piece)
        if size:
            spans.append((solid[at], solid[at + size - 1] + 1))
            at += size
    return spans


def between(text: str, ends: Iterable[int]) -> list[Span]:
    """Turn sentence ends into spans that together cover the text."""
    cuts = [0, *ends]
    if cuts[-1] < len(text):
        cuts.append(len(text))
    return list(itertools.pairwise(cuts))


def load_naive() -> Splitter:
    """Break at a full stop, question or exclamation mark before a space: the floor."""
    pattern = re.compile(r"[.!?][\"”’)]*\s+|[。！？]”?")
    return lambda text: between(text, (match.end() for match in pattern.finditer(text)))


def load_pysbd() -> Splitter:
    segmenter = importlib.import_module("pysbd").Segmenter(language="en", clean=False)
    return lambda text: locate(text, segmenter.segment(text))


def load_sentencex() -> Splitter:
    find = importlib.import_module("sentencex").get_sentence_boundaries
    return lambda text: [(b["start_index"], b["end_index"]) for b in find("en", text)]


def load_sentencesplit() -> Splitter:
    segmenter = importlib.import_module("sentencesplit").Segmenter(language="en")
    return lambda text: [(s.start, s.end) for s in segmenter.segment_spans(text)]


def load_cleave() -> Splitter:
    segmenter = importlib.import_module("csbd").Segmenter(language="en", char_span=True)
    return lambda text: [(s.start, s.end) for s in segmenter.segment(text)]


def load_yasbd() -> Splitter:
    detector = importlib.import_module("yasbd").BoundaryDetector(lang="en")
    return lambda text: between(text, (int(end) for end in detector.detect(text)))


def load_blingfire() -> Splitter:
    split = importlib.import_module("blingfire").text_to_sentences_and_offsets
    return lambda text: [(start, end) for start, end in split(text)[1]]


def load_syntok() -> Splitter:
    analyze = importlib.import_module("syntok.segmenter").analyze
    return lambda text: [
        (tokens[0].offset, tokens[-1].offset + len(tokens[-1].value))
        for paragraph in analyze(text)
        for tokens in paragraph
    ]


def load_segtok() -> Splitter:
    split = importlib.import_module("segtok.segmenter").split_multi
    return lambda text: locate(text, split(text))


def load_sentence_splitter() -> Splitter:
    splitter = importlib.import_module("sentence_splitter").SentenceSplitter(language="en")
    return lambda text: locate(text, splitter.split(text))


def load_phrasplit() -> Splitter:
    split = importlib.import_module("phrasplit").split_sentences
    return lambda text: locate(text, split(text, use_spacy=False))


def load_sentsplit() -> Splitter:
    importlib.import_module("loguru").logger.disable("sentsplit")
    splitter = importlib.import_module("sentsplit.segment").SentSplit("en")
    return lambda text: locate(text, splitter.segment(text))


def load_nupunkt() -> Splitter:
    spans = importlib.import_module("nupunkt").sent_spans
    return lambda text: list(spans(text))


def load_punkt() -> Splitter:
    punkt = importlib.import_module("punkt")
    tokenizer = punkt.PunktSentenceTokenizer(punkt.load_model("english"))
    return lambda text: list(tokenizer.span_tokenize(text))


def load_nltk_punkt() -> Splitter:
    """Use NLTK with the punkt data that llama-index-core carries (NLTK_DATA may point to it)."""
    nltk = importlib.import_module("nltk")
    spec = importlib.util.find_spec("llama_index.core")
    if spec is not None and spec.submodule_search_locations:
        root = Path(spec.submodule_search_locations[0])
        nltk.data.path.insert(0, str(root / "_static" / "nltk_cache"))
    try:
        tokenizer = importlib.import_module("nltk.tokenize.punkt").PunktTokenizer("english")
    except LookupError as error:
        raise ImportError("no punkt data") from error
    return lambda text: list(tokenizer.span_tokenize(text))


def load_spacy_sentencizer() -> Splitter:
    nlp = importlib.import_module("spacy").blank("en")
    nlp.add_pipe("sentencizer")
    nlp.max_length = 10_000_000
    return lambda text: [(s.start_char, s.end_char) for s in nlp(text).sents]


def load_spacy_senter() -> Splitter:
    spacy = importlib.import_module("spacy")
    names = [name for name in spacy.util.get_installed_models() if name.startswith("en_core_web")]
    if not names:
        raise ImportError("no English spaCy model")
    nlp = spacy.load(names[0], exclude=["tagger", "parser", "ner", "attribute_ruler", "lemmatizer"])
    nlp.enable_pipe("senter")
    nlp.max_length = 10_000_000
    return lambda text: [(s.start_char, s.end_char) for s in nlp(text).sents]


def load_charboundary() -> Splitter:
    segmenter = importlib.import_module("charboundary").get_small_segmenter()
    return lambda text: locate(text, segmenter.segment_to_sentences(text))


def load_sakurs() -> Splitter:
    splitter = importlib.import_module("sakurs").load("en")
    return lambda text: [(s.start, s.end) for s in splitter.split(text, return_details=True)]


def load_icu() -> Splitter:
    """Use ICU's rules with its English list of abbreviations that do not end a sentence."""
    breaker = importlib.import_module("icu4py.breakers").SentenceBreaker

    def split(text: str) -> list[Span]:
        """Give the spans, whose offsets icu4py counts in UTF-16 code units."""
        units = list(itertools.accumulate((1 + (char > "\uffff") for char in text), initial=0))
        at = {unit: index for index, unit in enumerate(units)}
        return [(at[a], at[b]) for a, b in breaker(text, "en_US@ss=standard").segments()]

    return split


def load_uniseg() -> Splitter:
    sentences = importlib.import_module("uniseg.sentencebreak").sentences
    return lambda text: locate(text, sentences(text))


def load_choppa() -> Splitter:
    choppa = importlib.import_module("choppa")
    rules = Path(str(choppa.__file__)).parent / "data" / "srx" / "languagetool_segment.srx"
    document = choppa.SrxDocument(ruleset=str(rules))
    return lambda text: locate(text, choppa.SrxTextIterator(document, "en_two", text))


def load_simplemma() -> Splitter:
    split = importlib.import_module("simplemma").split_sentences
    return lambda text: locate(text, split(text, lang="en"))


def load_tokenizesentences() -> Splitter:
    spans = importlib.import_module("tokenizesentences").tokenize_spans
    return lambda text: list(spans(text))


def load_sentence_stream() -> Splitter:
    split = importlib.import_module("sentence_stream").stream_to_sentences
    return lambda text: locate(text, split([text]))


LOADERS: dict[str, Callable[[], Splitter]] = {
    name.removeprefix("load_"): loader
    for name, loader in list(globals().items())
    if name.startswith("load_")
}


# --- measurement ---------------------------------------------------------------------------------


@dataclass
class Score:
    """Boundaries and cases counted over all cases."""

    hits: int = 0
    extra: int = 0
    missed: int = 0
    exact: int = 0
    lossy: int = 0
    wrong: tuple[str, ...] = ()

    @property
    def precision(self) -> float:
        """Share of the boundaries found that are right."""
        return self.hits / max(1, self.hits + self.extra)

    @property
    def recall(self) -> float:
        """Share of the right boundaries that are found."""
        return self.hits / max(1, self.hits + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.hits / max(1, 2 * self.hits + self.extra + self.missed)


def solid(text: str) -> str:
    """Drop all whitespace."""
    return "".join(text.split())


def boundaries(pieces: Iterable[str]) -> set[int]:
    """Give the ends of the pieces but the last, in characters that are not whitespace."""
    ends = list(itertools.accumulate(len(solid(piece)) for piece in pieces))
    return {end for end in ends if 0 < end < ends[-1]}


def score(split: Splitter) -> Score:
    """Run a splitter over all cases."""
    total = Score()
    for name, marked in CASES:
        text = marked.replace(MARK, "")
        pieces = [text[start:end] for start, end in split(text)]
        expected, found = boundaries(marked.split(MARK)), boundaries(pieces)
        total.hits += len(expected & found)
        total.extra += len(found - expected)
        total.missed += len(expected - found)
        total.lossy += solid("".join(pieces)) != solid(text)
        if expected == found:
            total.exact += 1
        else:
            total.wrong += (name,)
    return total


def read_bodies(path: Path, limit: int) -> list[str]:
    """Read the first bodies of a corpus of releases."""
    releases = (record for record in read(path) if isinstance(record, Release))
    return [release.text for release in itertools.islice(releases, limit)]


def seconds(split: Splitter, texts: Iterable[str], limit: float) -> float:
    """Time a splitter over texts; infinite when it takes longer than the limit or fails."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit)
    start = time.perf_counter()
    try:
        for text in texts:
            split(text)
    except (TimeoutError, RecursionError, RuntimeError, ValueError, IndexError):
        return float("inf")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return time.perf_counter() - start


def row(name: str, split: Splitter, bodies: list[str], limit: float) -> tuple[list[str], Score]:
    """Measure one splitter; give its line of the table and its score."""
    result = score(split)
    speed = "-"
    if bodies:
        spent = seconds(split, bodies, limit)
        speed = "inf s" if spent == float("inf") else f"{sum(map(len, bodies)) / spent / 1000:,.0f}"
    worst = [f"{seconds(split, [text], limit):.2f}" for text in PATHOLOGICAL.values()]
    figures = [f"{value:.3f}" for value in (result.precision, result.recall, result.f1)]
    return [name, *figures, str(result.exact), str(result.lossy), speed, *worst], result


def show(rows: list[list[str]]) -> None:
    """Print rows as one aligned table."""
    widths = [max(map(len, column)) for column in itertools.zip_longest(*rows, fillvalue="")]
    for cells in rows:
        first, *rest = cells
        padded = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=False)]
        print("  ".join([first.ljust(widths[0]), *padded]).rstrip())


def main() -> None:
    """Measure every splitter named, or all of them, as it is and with the repairs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpus", type=Path, help="releases to time over")
    parser.add_argument("--bodies", type=int, default=300, help="bodies to time over")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds allowed per timing")
    parser.add_argument("--only", nargs="*", default=list(LOADERS), choices=list(LOADERS))
    parser.add_argument("--show-wrong", action="store_true", help="name the cases split wrongly")
    options = parser.parse_args()
    bodies = read_bodies(options.corpus, options.bodies) if options.corpus else []
    rows = [["splitter", "prec", "recall", "F1", f"of {len(CASES)}", "lossy", "k char/s"]]
    rows[0] += [f"{name} s" for name in PATHOLOGICAL]
    for name in options.only:
        try:
            split = LOADERS[name]()
        except (ImportError, OSError):
            rows.append([name, "not installed"])
            continue
        for label, variant in ((name, split), (f"{name} + repairs", repaired(split))):
            cells, result = row(label, variant, bodies, options.limit)
            rows.append(cells)
            if options.show_wrong:
                print(f"{label}: {', '.join(result.wrong)}")
    show(rows)


if __name__ == "__main__":
    main()
