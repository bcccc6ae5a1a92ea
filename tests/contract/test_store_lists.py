"""Lists: newest first, in pages, filtered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bgcopyd.jobs.job import Job, JobState
from bgcopyd.queue.storage import JobQuery, Store
from bgcopyd.store import queries
from tests.support.store_values import ANNA, BERT, add, new_id, new_job

pytest_plugins = ["tests.support.store_kinds"]

LIVE = frozenset(state for state in JobState if not state.final)


async def listed(store: Store, query: JobQuery, limit: int = 100) -> list[Job]:
    """All pages of a list."""
    found: list[Job] = []
    before: int | None = None
    while True:
        page = await store.jobs(query, before=before, limit=limit)
        assert len(page.jobs) <= limit
        found += page.jobs
        if page.next_before is None:
            return found
        assert before is None or page.next_before < before
        before = page.next_before


async def filled(store: Store) -> list[Job]:
    """Jobs of two owners in every state, with names, texts and labels; newest first."""
    jobs = []
    for number in range(36):
        job = new_job(
            (ANNA, BERT)[number % 2],
            state=JobState(1 + number % 9),
            display_name=f"Job {number % 4}",
            description="Größe X" if number % 5 == 0 else "50% off_",
            labels={"n": str(number % 3), 'quo"te': "ja"} if number % 2 else {},
        )
        jobs.append(await add(store, replace(job, job_id=new_id(number + 1))))
    return jobs[::-1]


@pytest.mark.parametrize("limit", [1, 7, 35, 36, 37])
async def test_every_job_is_on_one_page(store: Store, limit: int) -> None:
    jobs = await filled(store)
    assert await listed(store, JobQuery(None), limit) == jobs
    mine = [job for job in jobs if job.owner == ANNA]
    assert await listed(store, JobQuery(ANNA), limit) == mine
    assert await listed(store, JobQuery("user:nobody"), limit) == []


@pytest.mark.parametrize(
    "states", [LIVE, frozenset(JobState), {JobState.QUEUED}, {JobState.ERROR, JobState.CANCELLED}]
)
@pytest.mark.parametrize("owner", [None, ANNA])
async def test_states(store: Store, states: frozenset[JobState], owner: str | None) -> None:
    jobs = await filled(store)
    expected = [job for job in jobs if job.state in states and owner in {None, job.owner}]
    assert await listed(store, JobQuery(owner, states=frozenset(states)), 5) == expected


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({"display_name": "Job 1"}, lambda job: job.display_name == "Job 1"),
        ({"display_name": "job 1"}, lambda job: False),
        ({"text": "JOB 2"}, lambda job: job.display_name == "Job 2"),
        ({"text": "gröSSe".replace("SS", "ß")}, lambda job: "Größe" in job.description),
        ({"text": "GRÖSSE"}, lambda job: False),
        ({"text": "50%"}, lambda job: "50%" in job.description),
        ({"text": "5_%"}, lambda job: False),
        ({"labels": {"n": "1"}}, lambda job: job.labels.get("n") == "1"),
        ({"labels": {'quo"te': "ja", "n": "0"}}, lambda job: job.labels.get("n") == "0"),
        ({"labels": {"n": "1", "m": "1"}}, lambda job: False),
        ({"labels": {"N": "1"}}, lambda job: False),
    ],
)
async def test_filters(store: Store, fields: dict[str, object], matches: object) -> None:
    jobs = await filled(store)
    assert callable(matches)
    expected = [job for job in jobs if matches(job)]
    assert await listed(store, JobQuery(None, **fields), 4) == expected  # type: ignore[arg-type]
    both = await listed(store, JobQuery(ANNA, states=LIVE, **fields), 4)  # type: ignore[arg-type]
    assert both == [job for job in expected if job.owner == ANNA and job.state in LIVE]


async def test_ids(store: Store) -> None:
    jobs = await filled(store)
    wanted = (jobs[3].job_id, new_id(), jobs[20].job_id, "nonsense", jobs[9].job_id)
    expected = [jobs[3], jobs[9], jobs[20]]
    assert await listed(store, JobQuery(None, job_ids=wanted), 2) == expected
    mine = [job for job in expected if job.owner == ANNA]
    assert await listed(store, JobQuery(ANNA, job_ids=wanted), 2) == mine
    assert await listed(store, JobQuery(None, job_ids=("nonsense",))) == []


@pytest.mark.parametrize("length", range(37))
async def test_prefixes_of_ids(store: Store, length: int) -> None:
    jobs = await filled(store)
    prefix = jobs[5].job_id[:length]
    expected = [job for job in jobs if job.job_id.startswith(prefix)]
    assert await listed(store, JobQuery(None, job_id_prefix=prefix), 10) == expected
    mine = [job for job in expected if job.owner == BERT]
    assert await listed(store, JobQuery(BERT, job_id_prefix=prefix), 10) == mine
    both = JobQuery(None, job_ids=(jobs[5].job_id, jobs[6].job_id), job_id_prefix=prefix)
    assert jobs[5] in await listed(store, both)


@pytest.mark.parametrize(
    "prefix", ["g", "0000000000", "0-0", "00000001-", "F", "%", "0" * 37, "-", "é"]
)
async def test_prefixes_that_no_id_has(store: Store, prefix: str) -> None:
    jobs = await filled(store)
    expected = [job for job in jobs if job.job_id.startswith(prefix)]
    assert await listed(store, JobQuery(None, job_id_prefix=prefix)) == expected


async def test_a_page_looks_at_a_bounded_number_of_rows(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the bound, the pages together are the whole list."""
    jobs = await filled(store)
    monkeypatch.setattr(queries, "PAGE_ROWS", 3)
    for query in (
        JobQuery(ANNA, display_name="Job 2"),
        JobQuery(None, states=frozenset({JobState.ERROR})),
        JobQuery(None, job_id_prefix=jobs[0].job_id[:6], text="JOB"),
        JobQuery(None, job_id_prefix="0"),
        JobQuery(ANNA, states=LIVE, labels={"n": "5"}),
    ):
        expected = [
            job
            for job in jobs
            if query.owner in {None, job.owner}
            and query.display_name in {"", job.display_name}
            and query.states | {job.state} in (query.states, {job.state})
            and job.job_id.startswith(query.job_id_prefix)
            and not query.labels
        ]
        assert await listed(store, query, 2) == expected
