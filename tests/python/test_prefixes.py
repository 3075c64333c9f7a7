"""Sequences that begin alike, as a tree that is read once."""

from __future__ import annotations

import random

import pytest

from xlstm_metal import xLSTMRunner
from xlstm_metal.prefixes import Edge, StatePath, edges

Sequences = list[tuple[int, ...]]


def random_sequences(seed: int) -> Sequences:
    draw = random.Random(seed)
    made: Sequences = []
    for _ in range(40):
        start = draw.choice(made)[: draw.randrange(1, 12)] if made and draw.random() < 0.7 else ()
        made.append((*start, *(draw.randrange(4) for _ in range(draw.randrange(1, 8)))))
    return list(dict.fromkeys(made))


def read(sequences: Sequences, tree: list[Edge]) -> list[tuple[int, ...]]:
    """What each edge has read at its end, asserting that it goes on from its parent's."""
    ends: list[tuple[int, ...]] = []
    for edge in tree:
        before = ends[edge.parent] if edge.parent >= 0 else ()
        assert len(before) == edge.begin < edge.end
        assert edge.parent < 0 or not tree[edge.parent].is_leaf
        found = {before + sequences[member][edge.begin : edge.end] for member in edge.members}
        assert found == {sequences[edge.members[0]][: edge.end]}
        ends.append(found.pop())
    return ends


def tokens(tree: list[Edge]) -> int:
    return sum(edge.end - edge.begin for edge in tree)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("least_saved", [0, 1, 5, 40, 10**9])
def test_each_sequence_ends_once(seed: int, least_saved: int) -> None:
    sequences = random_sequences(seed)
    tree = list(edges(sequences, least_saved))
    ends = read(sequences, tree)
    ended = [
        member
        for edge, end in zip(tree, ends)
        for member in edge.members
        if sequences[member] == end
    ]
    assert sorted(ended) == list(range(len(sequences)))
    assert all(len(edge.members) == 1 for edge in tree if edge.is_leaf)
    beginnings = {ids[:end] for ids in sequences for end in range(1, len(ids) + 1)}
    everything = sum(map(len, sequences))
    if least_saved <= 1:
        assert tokens(tree) == len(beginnings)
    elif least_saved == 10**9:
        assert tokens(tree) == everything and all(edge.is_leaf for edge in tree)
    else:
        assert len(beginnings) <= tokens(tree) <= everything
    for edge in tree:
        saved = (len(edge.members) - 1) * (edge.end - edge.begin)
        assert edge.is_leaf or saved >= least_saved


def test_some_sequences_by_hand() -> None:
    sequences = [(1, 2, 3, 4), (1, 2), (7,), (1, 2, 3, 5)]
    assert list(edges(sequences)) == [
        Edge(-1, 0, 2, [1, 0, 3], is_leaf=False),
        Edge(0, 2, 3, [0, 3], is_leaf=False),
        Edge(1, 3, 4, [0], is_leaf=True),
        Edge(1, 3, 4, [3], is_leaf=True),
        Edge(-1, 0, 1, [2], is_leaf=True),
    ]
    # The second edge would save one token, and is not made for it.
    assert list(edges(sequences, least_saved=2)) == [
        Edge(-1, 0, 2, [1, 0, 3], is_leaf=False),
        Edge(0, 2, 4, [0], is_leaf=True),
        Edge(0, 2, 4, [3], is_leaf=True),
        Edge(-1, 0, 1, [2], is_leaf=True),
    ]


def test_no_sequences_and_one() -> None:
    assert list(edges([])) == []
    assert list(edges([(3, 4)])) == [Edge(-1, 0, 2, [0], is_leaf=True)]


def test_a_chain_is_as_deep_as_it_likes() -> None:
    sequences = [tuple(range(length)) for length in range(1, 1500)]
    tree = list(edges(sequences))
    assert tokens(tree) == 1499 and sum(edge.is_leaf for edge in tree) == 1


@pytest.mark.parametrize("least_saved", [1, 12])
def test_a_walk_reads_what_each_sequence_is(runner: xLSTMRunner, least_saved: int) -> None:
    sequences = [tuple(id + 10 for id in ids) for ids in random_sequences(3)]
    path = StatePath(runner.new_state())
    positions = {}
    for edge in edges(sequences, least_saved):
        state = path.enter(edge)
        assert state.position == edge.begin
        logits, state = runner.forward(sequences[edge.members[0]][edge.begin : edge.end], state, last_only=True)
        if not edge.is_leaf:
            path.keep(state)
        for member in edge.members:
            if len(sequences[member]) == edge.end:
                positions[member] = state.position
                # A token of another turn would change the likeliest one's logit by far more than rounding.
                alone, _ = runner.forward(sequences[member], last_only=True)
                assert abs(logits - alone).max() < 1e-3
    assert positions == {member: len(ids) for member, ids in enumerate(sequences)}
