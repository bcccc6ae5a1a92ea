from __future__ import annotations

import uuid

from bgcopyd.ids import RandomIds


def test_ids_are_random_uuids_and_differ_over_many_draws() -> None:
    ids = RandomIds()
    drawn = [ids.draw() for _ in range(1000)]
    assert len(set(drawn)) == 1000
    for one in drawn:
        parsed = uuid.UUID(one)
        assert parsed.version == 4
        assert parsed.variant == uuid.RFC_4122
        assert str(parsed) == one


def test_two_sources_never_agree() -> None:
    assert not {RandomIds().draw() for _ in range(100)} & {RandomIds().draw() for _ in range(100)}
