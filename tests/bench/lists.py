"""R3: a page of ListJobs against an empty call, where many jobs are stored."""

from __future__ import annotations

import bgcopy
from bgcopy.v1 import background_copy_manager_pb2 as pb
from tests.bench import bare_server
from tests.bench.calls import SERVICE, bare
from tests.bench.load import Order, Outcome, run_load, write_payloads
from tests.bench.report import Check, Measure, Result, ratios
from tests.bench.setup import Scale
from tests.bench.stored import stored_jobs
from tests.support.daemon import DaemonProcess

PAGE = 100
LONGEST_PAGE = 1000


async def list_jobs(scale: Scale) -> Result:
    """R3."""
    result = Result("R3", f"ListJobs, a page of {PAGE} of {scale.stored_jobs:,} jobs")
    stored = await stored_jobs(scale)
    nothing = scale.directory / "nothing"
    write_payloads(nothing, [b""])
    metadata = {"authorization": f"Bearer {stored.token}"}
    empties: list[Outcome] = []
    pages: dict[str, list[Outcome]] = {"first": [], "last": []}
    async with (
        DaemonProcess(stored.directory) as daemon,
        bgcopy.AsyncClient(daemon.target, token=stored.token) as client,
        bare(daemon.socket_path.parent) as (target, pid),
    ):
        tokens = {"first": "", "last": await _last_page(client)}
        orders = {}
        for name, token in tokens.items():
            payloads = scale.directory / f"{name}-page"
            request = pb.ListJobsRequest(page_size=PAGE, page_token=token)
            write_payloads(payloads, [request.SerializeToString()])
            orders[name] = Order(
                daemon.target,
                f"{SERVICE}/ListJobs",
                str(payloads),
                daemon.pid,
                scale.seconds,
                callers=1,
                connections=1,
                metadata=metadata,
            )
        empty = Order(
            target, bare_server.PATH, str(nothing), pid, scale.seconds, callers=1, connections=1
        )
        for _ in range(scale.rounds):
            empties.append(await run_load(empty))
            for name, order in orders.items():
                pages[name].append(await run_load(order))
    for name, outcomes in (*pages.items(), ("empty method, bare grpc.aio", empties)):
        result.measures.append(Measure(f"{name}: p50", "ms", [one.p50 * 1e3 for one in outcomes]))
    for name, outcomes in pages.items():
        slower = ratios([one.p50 for one in outcomes], [one.p50 for one in empties])
        result.checks.append(Check(f"p50 of the {name} page, empty method = 1", slower, 10.0))
    ends = ratios([one.p50 for one in pages["last"]], [one.p50 for one in pages["first"]])
    result.measures.append(Measure("p50 of the last page, first page = 1", "x", ends))
    result.notes.append("one caller; a page is whole jobs, not their names")
    return result


async def _last_page(client: bgcopy.AsyncClient) -> str:
    """The token of the last page."""
    token, size = "", LONGEST_PAGE
    while True:
        page = await client.list_jobs(page_size=size, page_token=token)
        if page.next_page_token:
            token = page.next_page_token
        elif size == LONGEST_PAGE:
            size = PAGE
        else:
            return token
