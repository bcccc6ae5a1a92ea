"""The keeper of the policy, on every store, and the quotas that ask it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bgcopyd.jobs.options import CostState
from bgcopyd.jobs.policy import Policy
from bgcopyd.jobs.principal import ALL_SCOPES, Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.policies import PolicyKeeper
from bgcopyd.queue.quotas import Quotas
from bgcopyd.queue.storage import Store
from tests.support.store_values import ANNA, BERT, new_job

pytest_plugins = ["tests.support.store_kinds"]

SETTINGS = Policy(files_per_job=50, background_jobs=3)


async def test_changes_lie_over_the_settings_and_outlive_the_keeper(store: Store) -> None:
    keeper = PolicyKeeper(store, SETTINGS)
    await keeper.load()
    assert keeper.policy == SETTINGS
    await keeper.change({"files_per_job": 9, "network_cost": CostState.ROAMING}, "")
    changed = await keeper.change({"retention": 60.5}, "")
    assert (changed.files_per_job, changed.retention, changed.background_jobs) == (9, 60.5, 3)
    later = PolicyKeeper(store, Policy(files_per_job=1, background_jobs=7))
    await later.load()
    assert later.policy == Policy(
        files_per_job=9, retention=60.5, background_jobs=7, network_cost=CostState.ROAMING
    )
    assert type(later.policy.network_cost) is CostState
    await later.change({"files_per_job": None}, "")
    assert later.policy.files_per_job == 1


async def test_the_etag_is_the_policys(store: Store) -> None:
    keeper = PolicyKeeper(store, SETTINGS)
    first = keeper.etag
    await keeper.change({"files_per_job": 9}, first)
    assert keeper.etag != first
    with pytest.raises(Refusal) as caught:
        await keeper.change({"files_per_job": 8}, first)
    assert caught.value.reason is Reason.POLICY_ETAG_MISMATCH
    assert keeper.policy.files_per_job == 9
    await keeper.change({"files_per_job": 50}, keeper.etag)
    assert keeper.etag == first == PolicyKeeper(store, SETTINGS).etag


async def test_two_changes_at_once_lose_nothing(store: Store) -> None:
    keeper = PolicyKeeper(store, SETTINGS)
    await asyncio.gather(
        keeper.change({"files_per_job": 9}, ""), keeper.change({"background_jobs": 9}, "")
    )
    again = PolicyKeeper(store, SETTINGS)
    await again.load()
    assert again.policy == keeper.policy == Policy(files_per_job=9, background_jobs=9)


async def test_listeners_hear_of_changes_and_of_what_was_stored(store: Store) -> None:
    heard: list[tuple[int, int]] = []
    keeper = PolicyKeeper(store, SETTINGS)
    keeper.on_change(
        lambda before, after: heard.append((before.files_per_job, after.files_per_job))
    )
    await keeper.load()
    await keeper.change({"files_per_job": 9}, "")
    await keeper.change({"files_per_job": 9}, "")
    assert heard == [(50, 9)]
    later = PolicyKeeper(store, SETTINGS)
    later.on_change(lambda before, after: heard.append((before.files_per_job, after.files_per_job)))
    await later.load()
    assert heard == [(50, 9), (50, 9)]


@pytest.mark.parametrize("value", [0, -1, 10**12, "5", None, [1]])
async def test_stored_values_of_another_version_do_no_harm(
    store: Store, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    stored = {"files_per_job": value, "newer": 5, "background_jobs": 8}
    await store.transact(lambda tx: tx.set_policy(stored))
    keeper = PolicyKeeper(store, SETTINGS)
    with caplog.at_level(logging.WARNING):
        await keeper.load()
    assert keeper.policy == Policy(files_per_job=50, background_jobs=8)
    assert {record.args for record in caplog.records} == {("files_per_job",), ("newer",)}


async def test_quotas_of_jobs(store: Store) -> None:
    keeper = PolicyKeeper(store, Policy(jobs_per_owner=1, jobs_per_machine=2))
    draining = False
    quotas = Quotas(keeper, lambda: draining)

    async def judged(principal: Principal) -> Refusal | None:
        try:
            await store.transact(lambda tx: quotas.judge_new_job(tx, principal))
        except Refusal as refusal:
            return refusal
        return None

    anna, bert, root = Principal(ANNA), Principal(BERT), Principal(ANNA, ALL_SCOPES)
    assert await judged(anna) is None
    await store.transact(lambda tx: tx.insert_job(new_job(ANNA)))
    full = await judged(anna)
    assert full is not None
    assert full.reason is Reason.JOB_QUOTA_EXCEEDED
    assert full.quota is not None
    assert (full.quota.name, full.quota.limit, full.quota.value) == ("jobs_per_owner", 1, 1)
    assert await judged(root) is None
    assert await judged(bert) is None
    await store.transact(lambda tx: tx.insert_job(new_job(BERT)))
    for one in (anna, root):
        crowded = await judged(one)
        assert crowded is not None
        assert crowded.reason is Reason.MACHINE_JOB_QUOTA_EXCEEDED
        assert crowded.quota is not None
        assert (crowded.quota.limit, crowded.quota.value) == (2, 2)
    draining = True
    drained = await judged(root)
    assert drained is not None
    assert drained.reason is Reason.DRAINING
