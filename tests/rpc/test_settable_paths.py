"""Every path that a caller may set on a job or a file does something, and a test shows it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bgcopy.v1 import background_copy_manager_pb2 as pb
from bgcopy.v1 import job_pb2
from bgcopyd.jobs.http_options import HttpHeader, ProxySettings, ProxyUsage, RedirectPolicy, TlsFlag
from bgcopyd.jobs.options import OverwritePolicy
from bgcopyd.jobs.properties import PROPERTIES
from bgcopyd.queue.transfers import TransferOptions
from tests.support.descriptors import leaves
from tests.support.job_values import GOOD
from tests.support.rpc_house import House, house
from tests.support.rpc_requests import created, spec, verb
from tests.support.rpc_watch import arrived

TESTS = Path(__file__).parents[1]
_NEW_JOB = "rpc/test_get_job.py: test_every_field_of_a_new_job"
_ASKED = "rpc/test_running.py: test_what_the_engine_is_asked"
_REACHES = "rpc/test_settable_paths.py: test_an_option_reaches_the_engine"
_RANGES = "rpc/test_edit_files.py: test_ranges_and_mirrors_reach_the_engine"
_WEAKENED = (
    "contract/test_engine_tls.py: test_flags_weaken_one_judgement_each_and_for_that_job_alone"
)
_NOTIFIED = "unit/test_queue_watch_choice.py: test_notifications_only"

# Each path that a caller can write in CreateJobRequest, and the tests that show what it does.
BEHAVIOUR: dict[str, tuple[str, ...]] = {
    "job.type": (_NEW_JOB, "rpc/test_update_job.py: test_the_type_is_fixed"),
    "job.display_name": (_NEW_JOB, "rpc/test_lists.py: test_filters"),
    "job.description": (_NEW_JOB, "rpc/test_lists.py: test_filters"),
    "job.priority": ("rpc/test_running.py: test_foreground_needs_no_slot",),
    "job.labels": (_NEW_JOB, "rpc/test_lists.py: test_filters"),
    "job.minimum_retry_delay": (
        "rpc/test_running.py: test_the_pause_is_at_most_minimum_retry_delay",
    ),
    "job.no_progress_timeout": ("rpc/test_running.py: test_no_patience_makes_every_error_final",),
    "job.max_bytes_per_second": (_ASKED,),
    "job.auto_complete": ("rpc/test_running.py: test_auto_complete",),
    "job.max_download_size": (
        _REACHES,
        "contract/test_engine_requested.py: test_the_size_limit_holds_for_the_whole_file",
    ),
    "job.dynamic_content": (_REACHES,),
    "job.high_performance": (_REACHES,),
    "job.on_demand_mode": (
        "rpc/test_edit_files.py: test_an_on_demand_job_fetches_what_it_is_asked_for",
    ),
    "job.http_method": (
        _REACHES,
        "contract/test_engine_options.py: test_another_method_is_sent_whole_and_not_redirected",
    ),
    "job.custom_headers.name": (
        _REACHES,
        "contract/test_engine_options.py: test_header_fields_come_with_every_request",
    ),
    "job.custom_headers.value": (
        _REACHES,
        "contract/test_engine_options.py: test_header_fields_come_with_every_request",
    ),
    "job.custom_headers.secret": (
        "contract/test_engine_options.py: test_secrets_stay_at_their_origin",
        "contract/test_store_model.py: test_the_value_of_a_secret_header_is_never_written",
    ),
    "job.redirect_policy": (
        _REACHES,
        "contract/test_engine_options.py: test_redirects_may_be_forbidden",
    ),
    "job.allow_https_to_http": (
        _REACHES,
        "contract/test_engine_options.py: test_https_to_http_may_be_allowed",
    ),
    "job.announced_mirrors": (
        _REACHES,
        "contract/test_engine_links.py: test_an_announced_mirror_goes_on",
    ),
    "job.tls_flags": (
        _REACHES,
        "contract/test_engine_tls.py: test_flags_weaken_one_judgement_each_and_for_that_job_alone",
    ),
    "job.client_certificate": (
        _REACHES,
        "contract/test_engine_tls.py: test_a_client_certificate",
    ),
    "job.ca_bundle": (_REACHES, "contract/test_engine_tls.py: test_a_bundle_is_chosen_by_name"),
    "job.proxy.usage": (_REACHES, "contract/test_engine_proxies.py: test_usages"),
    "job.proxy.proxies": (_REACHES, "contract/test_engine_proxies.py: test_forwarded"),
    "job.proxy.bypass": (
        _REACHES,
        "contract/test_engine_proxies.py: test_the_bypass_list_goes_direct",
    ),
    # Nothing is cached among peers; to turn off what is not there is granted, the rest refused.
    "job.peer_caching": ("rpc/test_update_job.py: test_a_bad_value_is_refused_by_name",),
    "job.notifications.flags": (_NOTIFIED,),
    "job.notifications.minimum_interval": (
        "unit/test_queue_watch_choice.py: test_progress_keeps_to_the_jobs_own_pause",
    ),
    "job.overwrite_policy": (
        "rpc/test_settable_paths.py: test_names_are_given_as_the_policy_says",
        "contract/test_engine_placing.py: test_fail_leaves_both_and_may_be_repeated",
    ),
    "job.continue_on_file_error": ("rpc/test_file_errors.py: test_the_others_go_on",),
    "job.maximum_download_time": (
        "rpc/test_clocks.py: test_a_time_limit_ends_a_run_and_resume_begins_it_anew",
    ),
    "job.cost_policy": ("rpc/test_costs.py: test_too_dear_to_begin",),
    "job.not_before": ("rpc/test_clocks.py: test_a_held_job_says_until_when",),
    "job.deadline": ("rpc/test_clocks.py: test_a_deadline_ends_a_run",),
    "job.retention": ("rpc/test_clocks.py: test_retention_by_job",),
    "files.remote_url": (_ASKED,),
    "files.root": (_ASKED,),
    "files.local_path": (_ASKED,),
    "files.digests.algorithm": (_ASKED,),
    "files.digests.value": (_ASKED,),
    "files.ranges.offset": (_RANGES,),
    "files.ranges.length": (_RANGES,),
    "files.mirrors": (_RANGES,),
    "files.expected_size": (
        _RANGES,
        "contract/test_engine_expected_size.py: test_another_size_is_never_kept",
    ),
    "files.reply_path": ("rpc/test_uploads.py: test_an_answer_gets_its_name_with_complete",),
    "start": ("rpc/test_create_job.py: test_start_queues_at_once",),
    "request_id": (
        "rpc/test_request_ids.py: test_the_same_content_answers_with_the_job_as_it_is_now",
    ),
}
_OUTPUT_ONLY = tuple(
    f"job.{field.name}" for field in job_pb2.Job.DESCRIPTOR.fields if field.name not in PROPERTIES
)


def _settable() -> set[str]:
    """The leaves of CreateJobRequest but those that are refused by name (test_create_job)."""
    found = {path for path, _ in leaves(pb.CreateJobRequest.DESCRIPTOR)}
    return {
        path
        for path in found
        if not any(path == one or path.startswith(f"{one}.") for one in _OUTPUT_ONLY)
    }


def test_every_settable_path_behaves_or_is_refused() -> None:
    assert _settable() == set(BEHAVIOUR)


@pytest.mark.parametrize("row", sorted({row for rows in BEHAVIOUR.values() for row in rows}))
def test_the_tests_that_are_named_exist(row: str) -> None:
    name, _, test = row.partition(": ")
    tree = ast.parse((TESTS / name).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert test in {node.name for node in tree.body if isinstance(node, kinds)}


REACHING: dict[str, Callable[[TransferOptions], Any]] = {
    "max_download_size": lambda options: options.max_size == 1 << 40,
    "dynamic_content": lambda options: options.dynamic,
    "high_performance": lambda options: options.lazy,
    "http_method": lambda options: options.http.method == "POST",
    "custom_headers": lambda options: options.http.headers == (HttpHeader("X-Team", "red"),),
    "redirect_policy": lambda options: options.http.redirect_policy is RedirectPolicy.DISALLOW,
    "allow_https_to_http": lambda options: options.http.allow_https_to_http,
    "announced_mirrors": lambda options: options.http.announced_mirrors,
    "tls_flags": lambda options: options.http.tls_flags == (TlsFlag.IGNORE_CERT_CN_INVALID,),
    "client_certificate": lambda options: options.http.client_certificate == "partner",
    "ca_bundle": lambda options: options.http.ca_bundle == "office",
    "proxy": lambda options: (
        options.http.proxy
        == ProxySettings(ProxyUsage.OVERRIDE, ("http://proxy.example:3128",), ("<local>",))
    ),
}


@pytest.fixture
async def home(tmp_path: Path) -> Any:
    """A house with a certificate and a bundle of certificate authorities."""
    pem = tmp_path / "any.pem"
    pem.write_text("")
    stores = {"client_certificates": {"partner": pem}, "ca_bundles": {"office": pem}}
    async with house(**stores) as one:
        yield one


def test_every_http_option_reaches_the_engine() -> None:
    assert set(REACHING) >= {name for name, row in PROPERTIES.items() if row.home == "http"}


@pytest.mark.parametrize("name", REACHING)
async def test_an_option_reaches_the_engine(home: House, name: str) -> None:
    await created(home.local, spec(), start=True)
    plain = (await home.engine.next()).options
    await created(home.local, spec(), start=True, **{name: GOOD[name]})
    asked = (await home.engine.next()).options
    assert REACHING[name](asked)
    assert not REACHING[name](plain)


async def test_names_are_given_as_the_policy_says(home: House) -> None:
    for policy in OverwritePolicy:
        number = job_pb2.OverwritePolicy.ValueType(int(policy))
        job = await created(home.local, spec(), start=True, overwrite_policy=number)
        home.engine.finish(await home.engine.next(), 10)
        await arrived(home.local, job.job_id, job_pb2.JOB_STATE_TRANSFERRED)
        await verb(home.local, "CompleteJob", job.job_id)
        assert home.files.placements[-1].overwrite is policy
