"""Errors as people and programs see them: what went wrong, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import bgcopy
from bgcopy import Reason
from bgcopy.cli import exits
from bgcopy.cli.exits import Exit, of_error
from bgcopy.cli.words import clean

_LOOK = "`bgcopy ls --all` lists the jobs."
_CREDENTIAL = "Name a file with a valid token with --token-file or BGCOPY_TOKEN_FILE."
_ROOTS = "`bgcopy status` lists the roots you may write to; choose one with --root."
_DAEMON = "Start one with `bgcopyd serve`, or name another with --target or BGCOPY_TARGET."
_REPEAT = "Wait a moment and run the command again."

_NEXT_BY_REASON: dict[Reason, str] = {
    Reason.PATH_INVALID: _ROOTS,
    Reason.PATH_NOT_ALLOWED: _ROOTS,
    Reason.URL_INVALID: "Give a whole URL, in quotes; `bgcopy status` shows its possible schemes.",
    Reason.CREDENTIAL_MISSING: _CREDENTIAL,
    Reason.CREDENTIAL_INVALID: _CREDENTIAL,
    Reason.CREDENTIAL_EXPIRED: _CREDENTIAL,
    Reason.DESTINATION_IN_USE: (
        "`bgcopy ls` shows the job that writes there: wait for it, cancel it, or choose another "
        "name with -o."
    ),
    Reason.NOT_SUPPORTED: "`bgcopy status` shows the daemon's version; a newer one may do it.",
    Reason.NOT_JOB_OWNER: "Ask its owner, or use an administrator's token with --token-file.",
    Reason.ADMIN_REQUIRED: "Use an administrator's token with --token-file.",
    Reason.SCOPE_REQUIRED: (
        "`bgcopy status` tells the scopes you have; name a token with more by --token-file."
    ),
    Reason.ADDRESS_NOT_ALLOWED: "Ask the daemon's operator to allow the address.",
    Reason.JOB_NOT_FOUND: _LOOK,
    Reason.INVALID_STATE: (
        "`bgcopy show JOB` tells its state; a live job is cancelled before it can be forgotten."
    ),
    Reason.JOB_EMPTY: "Create the job again with at least one URL.",
    Reason.JOB_NOT_TRANSFERRED: (
        "Wait with `bgcopy wait JOB`, or keep the whole files with `bgcopy complete --partial JOB`."
    ),
    Reason.DESTINATION_UNWRITABLE: "Mend the destination and run `bgcopy complete JOB` again.",
    Reason.ETAG_MISMATCH: "Look at the job with `bgcopy show JOB` and decide again.",
    Reason.JOB_QUOTA_EXCEEDED: "Complete or cancel some jobs first.",
    Reason.FILE_QUOTA_EXCEEDED: "Spread the files over several jobs.",
    Reason.WATCH_QUOTA_EXCEEDED: "End some other `bgcopy watch` or `bgcopy wait` first.",
    Reason.WEBHOOK_NOT_FOUND: "`bgcopy webhook ls` shows all.",
    Reason.WEBHOOK_QUOTA_EXCEEDED: "Remove some with `bgcopy webhook rm` first.",
    Reason.DRAINING: _REPEAT,
    Reason.STORE_UNAVAILABLE: "The daemon's log says why; then run the command again.",
    Reason.INTERNAL: "The daemon's log explains the incident; please report it.",
}

_NEXT_BY_EXIT: dict[Exit, str] = {
    Exit.USAGE: "`bgcopy COMMAND --help` explains the options.",
    Exit.UNREACHABLE: _DAEMON,
    Exit.DENIED: _CREDENTIAL,
    Exit.NOT_FOUND: _LOOK,
    Exit.CONFLICT: "`bgcopy ls` shows the jobs as they are.",
    Exit.TIMEOUT: "`bgcopy show JOB` tells how it stands; `bgcopy wait JOB` goes on waiting.",
}


# Not frozen: contextlib sets the traceback of exceptions that pass through it.
@dataclass(eq=False)
class Failure(Exception):
    """An error that is shown to the user; main() prints it and ends with its code."""

    exit_code: Exit
    message: str
    hint: str = ""
    reason: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The shape of errors under --json."""
        return {
            "error": {
                "exit_code": int(self.exit_code),
                "reason": self.reason,
                "message": self.message,
                "hint": self.hint,
                **self.more,
            }
        }


def from_error(error: bgcopy.BgcopyError) -> Failure:
    """An error of the library as one of the command."""
    code = of_error(error)
    if not isinstance(error, bgcopy.CallError):
        return Failure(code, clean(str(error)), _NEXT_BY_EXIT.get(code, ""))
    hint = _NEXT_BY_REASON.get(error.reason) or _NEXT_BY_EXIT.get(code, "")
    more: dict[str, Any] = {}
    if error.hresult:
        more = {"hresult": error.hresult, "hresult_name": error.hresult_name}
    if error.violations:
        more["violations"] = [
            {"field": violation.field, "description": clean(violation.description)}
            for violation in error.violations
        ]
    return Failure(code, _message(error), hint, error.reason_name or error.code.name, more)


def _message(error: bgcopy.CallError) -> str:
    """The server's words, with each field at fault that they do not name."""
    lines = [clean(error.message)]
    lines += [
        f"{clean(violation.field)}: {clean(violation.description)}"
        for violation in error.violations
        if violation.field not in error.message
    ]
    return "; ".join(lines)


def of_job(info: bgcopy.JobInfo) -> Failure | None:
    """Why a job that has come to rest did not succeed; None for one that did."""
    if info.state is bgcopy.JobState.CANCELLED:
        return Failure(Exit.UNFINISHED, f"{clean(info.display_name)}: the job was cancelled")
    error = info.error
    if info.state is not bgcopy.JobState.ERROR or error is None:
        return None
    hint = f"`bgcopy resume {info.job_id}` tries again, `bgcopy cancel {info.job_id}` gives up."
    if whole := info.progress.files_transferred:
        keep = f"`bgcopy complete --partial {info.job_id}` keeps what is whole"
        hint = f"{whole} of {info.progress.files_total} files are whole: {keep}, {hint}"
    more: dict[str, Any] = {"job_id": info.job_id, "hresult": error.hresult}
    if error.http_status is not None:
        more["http_status"] = error.http_status
    message = f"{clean(info.display_name)}: {clean(error.message)}"
    return Failure(exits.of_job(info), message, hint, error.reason.name, more)
