"""How well a text answers a query, by its rare words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

K1, B, K3 = 1.2, 0.75, 7.0


@dataclass(frozen=True)
class Bag:
    """A text's words that a query asks for, with their number, and how many words it has in all."""

    words: Counter[str]
    length: int

    @staticmethod
    def of(text: Sequence[str], wanted: Collection[str]) -> Bag:
        return Bag(Counter(word for word in text if word in wanted), len(text))

    def __add__(self, other: Bag) -> Bag:
        return Bag(self.words + other.words, self.length + other.length)


def bm25(wanted: Mapping[str, int], texts: Mapping[str, Bag]) -> dict[str, float]:
    """Okapi BM25 of each text for the words ``wanted`` (word → how often it is asked for); a score of 0 is left out.

    score = Σ idf(w) · f·(K1+1) / (f + K1·(1 − B + B·|d|/avg)) · q·(K3+1) / (q + K3), with f and q the numbers of the
    word in the text and in the query, idf(w) = ln(1 + (N − n + ½)/(n + ½)).
    S. Robertson, H. Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009, §3.
    """
    if not texts or not wanted:
        return {}
    average = sum(text.length for text in texts.values()) / len(texts) or 1.0
    holding = Counter(word for text in texts.values() for word in text.words)
    idf = {word: math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for word, n in holding.items()}
    asked = {word: idf[word] * often * (K3 + 1) / (often + K3) for word, often in wanted.items() if word in idf}
    scores = {}
    for key, text in texts.items():
        norm = K1 * (1 - B + B * text.length / average)
        score = sum(asked[word] * n * (K1 + 1) / (n + norm) for word, n in text.words.items())
        if score:
            scores[key] = score
    return scores
