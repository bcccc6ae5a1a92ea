"""Secrets of jobs: sealed before they are stored, opened when a run needs them.

By name, per job: `header/POSITION` is the value of a secret header, `credentials/TARGET/SCHEME` a
user's name and password. A job's options tell which there are, and never more.
"""

from __future__ import annotations

import dataclasses
import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from bgcopyd.jobs.http_options import Credentials, CredentialsKey, HttpHeader, HttpOptions
from bgcopyd.jobs.job import Job
from bgcopyd.jobs.options import JobOptions
from bgcopyd.jobs.properties import Values
from bgcopyd.queue.storage import Tx

# Shorter ones stand in too many innocent texts.
SHORTEST_HIDDEN = 4
HIDDEN = "***"


class Unsealable(Exception):
    """No key opens it."""


class SecretUnreadable(Exception):
    """A job has a secret that cannot be opened; the text says which, never what."""


class Sealer(Protocol):
    """Encrypts what is stored. Cheap enough for the loop."""

    def seal(self, secret: str) -> bytes:
        """The secret as only a holder of the key can read it."""

    def open(self, sealed: bytes) -> str:
        """What was sealed.

        Raises:
            Unsealable: the key is gone, or the bytes were changed.
        """


class JobSecrets:
    """Seals and opens what jobs keep secret."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal_headers(self, values: Values) -> tuple[Values, dict[str, bytes]]:
        """Properties without the values of secret headers, and these sealed by name."""
        headers: tuple[HttpHeader, ...] = values.get("custom_headers", ())
        sealed = {
            _header_name(place): self._sealer.seal(header.value)
            for place, header in _secret(headers)
        }
        if not sealed:
            return values, sealed
        kept = tuple(
            dataclasses.replace(header, value="") if header.secret else header for header in headers
        )
        return {**values, "custom_headers": kept}, sealed

    def seal_credentials(self, credentials: Credentials) -> dict[str, bytes]:
        """The credentials sealed as one, by name."""
        text = json.dumps([credentials.user_name, credentials.password])
        return {credentials_name(credentials.key): self._sealer.seal(text)}

    def open_for_run(
        self, job: Job, sealed: Mapping[str, bytes]
    ) -> tuple[HttpOptions, tuple[Credentials, ...]]:
        """A job's http options with all values, and its credentials.

        Raises:
            SecretUnreadable: one of them cannot be opened.
        """
        return self.opened(job.options, sealed)

    def opened(
        self, options: JobOptions, sealed: Mapping[str, bytes]
    ) -> tuple[HttpOptions, tuple[Credentials, ...]]:
        """The same of options that a job had.

        Raises:
            SecretUnreadable: one of them cannot be opened.
        """
        values = {
            place: self._open(sealed, _header_name(place), f"The secret header {header.name!r}")
            for place, header in _secret(options.http.headers)
        }
        credentials = tuple(self._credentials(sealed, key) for key in options.credentials)
        if not values:
            return options.http, credentials
        headers = tuple(
            dataclasses.replace(header, value=values.get(place, header.value))
            for place, header in enumerate(options.http.headers)
        )
        return dataclasses.replace(options.http, headers=headers), credentials

    def _credentials(self, sealed: Mapping[str, bytes], key: CredentialsKey) -> Credentials:
        what = f"The {key.scheme.name} login for the {key.target.name.lower()}"
        user_name, password = json.loads(self._open(sealed, credentials_name(key), what))
        return Credentials(key, user_name, password)

    def _open(self, sealed: Mapping[str, bytes], name: str, what: str) -> str:
        try:
            return self._sealer.open(sealed[name])
        except (KeyError, Unsealable):
            raise SecretUnreadable(
                f"{what} cannot be opened, since the key that sealed it is gone. Set it again, "
                "then resume the job."
            ) from None


def credentials_name(key: CredentialsKey) -> str:
    """What credentials are stored as."""
    return f"credentials/{key.target.name}/{key.scheme.name}"


def _header_name(place: int) -> str:
    # By place, since a field may be repeated.
    return f"header/{place}"


def _secret(headers: Sequence[HttpHeader]) -> Iterator[tuple[int, HttpHeader]]:
    return ((place, header) for place, header in enumerate(headers) if header.secret)


def has_secrets(options: JobOptions) -> bool:
    """Whether anything of the job is secret."""
    return bool(options.credentials) or any(_secret(options.http.headers))


def replace_headers(tx: Tx, job: Job, sealed: Mapping[str, bytes]) -> None:
    """Puts the secret headers of an update in the place of those that `job` had before it."""
    tx.drop_secrets(
        job.job_id, [_header_name(place) for place, _ in _secret(job.options.http.headers)]
    )
    tx.put_secrets(job.job_id, sealed)


def forget(tx: Tx, job: Job) -> Job:
    """Drops all that is stored; the job with the headers' names left, for people."""
    if not has_secrets(job.options):
        return job
    tx.drop_secrets(job.job_id, tx.secrets(job.job_id))
    return dataclasses.replace(job, options=dataclasses.replace(job.options, credentials=()))


def disowned(tx: Tx, job: Job) -> Job:
    """The job without anything that speaks in its owner's name."""
    options = forget(tx, job).options
    headers = tuple(header for header in options.http.headers if not header.secret)
    http = dataclasses.replace(options.http, headers=headers, client_certificate="")
    if options is job.options and http == options.http:
        return job
    return dataclasses.replace(job, options=dataclasses.replace(options, http=http))


def hider(http: HttpOptions, credentials: tuple[Credentials, ...]) -> Callable[[Any], Any] | None:
    """Takes secrets out of what a server has echoed, in all texts of a value; None without any."""
    secrets = [header.value for header in http.headers if header.secret]
    for one in credentials:
        pair = f"{one.user_name}:{one.password}".encode()
        secrets += [one.password, b64encode(pair).decode()]
    # The longest first: one may be a part of another.
    secrets = sorted({one for one in secrets if len(one) >= SHORTEST_HIDDEN}, key=len, reverse=True)
    if not secrets:
        return None

    def hide(value: Any) -> Any:
        if isinstance(value, str):
            for secret in secrets:
                value = value.replace(secret, HIDDEN)
            return value
        if isinstance(value, tuple):
            return tuple(hide(one) for one in value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = [field.name for field in dataclasses.fields(value)]
            return dataclasses.replace(
                value, **{name: hide(getattr(value, name)) for name in fields}
            )
        return value

    return hide
