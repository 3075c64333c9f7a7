"""Sequences that begin alike, as a tree whose edges are each read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ._native import State

__all__ = ["Edge", "StatePath", "edges"]


@dataclass(frozen=True)
class Edge:
    """``ids[begin:end]`` of all ``members``, read on from the end of the edge ``parent`` (-1: the start).

    Sequences end at a leaf, all of its members; or within the tree, those of an inner edge whose
    length is ``end``.
    """

    parent: int
    begin: int
    end: int
    members: list[int]
    is_leaf: bool


def edges(sequences: Sequence[tuple[int, ...]], least_saved: int = 1) -> Iterator[Edge]:
    """The tree of `sequences`, no two of them the same: an edge after its parent, before its siblings.

    Edges are numbered in this order. An inner edge is made where reading it once instead of once for each
    of its members saves `least_saved` tokens or more: a call of its own costs as much as some tokens.
    """
    order = sorted(range(len(sequences)), key=lambda i: sequences[i])
    number = 0
    # Members order[low:high] have ids[:depth] in common, of which ids[:begin] belong to edges.
    waiting = [(0, len(order), 0, 0, -1)] if order else []
    while waiting:
        low, high, begin, depth, parent = waiting.pop()
        first = sequences[order[low]]
        depth = _common(first, sequences[order[high - 1]], depth)
        if high - low > 1 and (high - low - 1) * (depth - begin) >= max(least_saved, 1):
            yield Edge(parent, begin, depth, order[low:high], is_leaf=False)
            parent, begin, number = number, depth, number + 1
            if len(first) == depth:
                low += 1
        elif len(first) == depth:
            yield Edge(parent, begin, depth, [order[low]], is_leaf=True)
            low, number = low + 1, number + 1
        branches = []
        while low < high:
            id = sequences[order[low]][depth]
            middle = low + 1
            while middle < high and sequences[order[middle]][depth] == id:
                middle += 1
            branches.append((low, middle, begin, depth, parent))
            low = middle
        waiting.extend(reversed(branches))


def _common(a: Sequence[int], b: Sequence[int], begin: int) -> int:
    """How many ids a and b have in common at their beginnings; `begin` are known to be."""
    end = min(len(a), len(b))
    while begin < end and a[begin] == b[begin]:
        begin += 1
    return begin


class StatePath:
    """The states at the ends of the inner edges that lead to where a walk of the tree is."""

    def __init__(self, start: State) -> None:
        self._path = [(-1, start)]
        self._number = -1

    def enter(self, edge: Edge) -> State:
        """The state that `edge`, the next of the walk, is read on from."""
        self._number += 1
        while self._path[-1][0] != edge.parent:
            self._path.pop()
        return self._path[-1][1]

    def keep(self, state: State) -> None:
        """The state at the end of the edge that was entered last, for those below it."""
        self._path.append((self._number, state))
