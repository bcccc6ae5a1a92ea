"""What the rooms below raise, as an exit code and a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bgcopyd.audit_log import AuditProblem
from bgcopyd.cli.exits import CommandError, Exit
from bgcopyd.queue.callers import CertificateProblem
from bgcopyd.queue.storage import StoreUnavailable
from bgcopyd.rpc.sockets import Listener
from bgcopyd.store.errors import (
    KeyProblem,
    NetworkFilesystem,
    SchemaTooNew,
    StateDirectoryError,
    StateDirectoryLocked,
    StoreDamaged,
)
from bgcopyd.store.maintenance import NoBackup

# The first that fits decides, so that the special come before the general.
_CODES: tuple[tuple[type[Exception], Exit], ...] = (
    (CertificateProblem, Exit.CONFIGURATION),
    (StoreDamaged, Exit.DAMAGED),
    (StoreUnavailable, Exit.IO_ERROR),
    (SchemaTooNew, Exit.CONFIGURATION),
    (KeyProblem, Exit.CONFIGURATION),
    (AuditProblem, Exit.CONFIGURATION),
    (StateDirectoryLocked, Exit.IN_USE),
    (NoBackup, Exit.NOT_FOUND),
    (NetworkFilesystem, Exit.CONFIGURATION),
    (StateDirectoryError, Exit.CANNOT_CREATE),
    (Listener, Exit.IN_USE),
)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turns failures that an operator can mend into their message and code.

    Raises:
        CommandError: one of them.
    """
    try:
        yield
    except tuple(kind for kind, _ in _CODES) as error:
        code = next(code for kind, code in _CODES if isinstance(error, kind))
        raise CommandError(code, str(error)) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise CommandError(Exit.IO_ERROR, f"{where}{error.strerror or error}") from None
