"""The sockets: nobody else may use them, and their own user can."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path
from unittest import mock

from bgcopyd.rpc.server import RpcServer


async def test_a_new_sockets_directory_is_its_users_and_can_be_entered() -> None:
    """Without its x bit every daemon but root's failed at its first start."""
    with tempfile.TemporaryDirectory(prefix="bgcopy-") as directory:
        path = Path(directory) / "above" / "new" / "s"
        server = RpcServer(mock.Mock(), mock.MagicMock(), [f"unix:{path}"])
        server.bind()
        await server.start()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert path.parent.parent.stat().st_mode & stat.S_IXUSR
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await server.stop(0)
        assert not path.exists()
