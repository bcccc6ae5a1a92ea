"""`get` and `add` where no daemon runs: they start one, which ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bgcopy.cli.launcher import LOG_NAME
from tests.support.cli import Command

CONTENT = bytes(range(256)) * 4096


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the content at every path but /missing."""

    def do_GET(self) -> None:
        found = not self.path.startswith("/missing")
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(CONTENT) if found else 0))
        self.send_header("ETag", '"1"')
        self.end_headers()
        if found:
            with contextlib.suppress(ConnectionError):
                self.wfile.write(CONTENT)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Tests speak for themselves."""


@pytest.fixture
def origin() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def command(short_path: Path) -> Command:
    """Without a target; the private daemon ends when nobody needs it any more."""
    return Command(short_path)


async def until_gone(socket: Path) -> None:
    """The daemon's socket goes with it."""
    async with asyncio.timeout(40):
        # Another process's file, whose end nothing announces.
        while await asyncio.to_thread(socket.exists):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.1)


def daemons_of(home: Path) -> list[psutil.Process]:
    """The private daemons that were started with this home; nobody handed us their ids."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HOME") == str(home) and "bgcopyd" in process.cmdline():
                found.append(process)
    return found


async def test_get_starts_a_daemon_which_ends_by_itself(command: Command, origin: str) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    result = await command(
        "get", f"{origin}/a.bin?token=planted", "-o", "out/x", "--checksum", f"sha256:{digest}"
    )
    assert result.code == 0, result.err
    assert "starting a private one" in result.err
    assert result.out == f"{command.home.resolve() / 'out' / 'x'}\n"
    assert (command.home / "out" / "x").read_bytes() == CONTENT
    again = await command("get", f"{origin}/b.bin", "--quiet")
    assert (again.code, again.err) == (0, "")
    assert (command.home / "b.bin").read_bytes() == CONTENT
    listed = await command("ls", "--all", "--json")
    assert [job["state"] for job in listed.json] == ["ACKNOWLEDGED"] * 2
    missing = await command("get", f"{origin}/missing", "--json")
    assert missing.code == 13
    wrong = await command("get", f"{origin}/c", "--checksum", "sha256:" + "0" * 64)
    assert wrong.code == 10
    log = command.home / "s" / "bgcopy" / LOG_NAME
    assert "planted" not in log.read_text()
    await until_gone(command.home / "r" / "bgcopy" / "bgcopyd.sock")


async def test_losers_of_the_race_use_the_winners_daemon(command: Command, origin: str) -> None:
    results = await asyncio.gather(
        *(command("add", f"{origin}/{n}", "-o", f"f{n}") for n in range(4))
    )
    assert [result.code for result in results] == [0] * 4, [result.err for result in results]
    ids = [result.out.strip() for result in results]
    waited = await command("wait", *ids, "--json")
    assert waited.code == 0, waited.err
    for number in range(4):
        assert (command.home / f"f{number}").read_bytes() == CONTENT
    (daemon,) = daemons_of(command.home)
    daemon.terminate()
    await until_gone(command.home / "r" / "bgcopy" / "bgcopyd.sock")
