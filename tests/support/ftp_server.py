"""pyftpdlib on a thread: a real FTP server, whose single commands a test may break."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from OpenSSL import SSL
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

USER, PASSWORD = "ada", "pass w\u00f6rd"
_ELSEWHERE = "10.255.255.1"


class FtpSite:
    """Serves a folder on loopback to everybody, or with `login` to one user.

    Args:
        folder: what is served.
        login: whether it is for USER alone.
        refused: commands that are answered with a 502.
        cut: after so many bytes a data connection breaks, once, and the other with it.
        lying: whether the answer to PASV names another machine; EPSV is refused then.
        tls: "", "explicit" or "implicit"; with `certificate`, a PEM file with its key.
        certificate: see `tls`.

    Attributes:
        commands: what was sent, as ("RETR", "name"); passwords included.
        cut, refused: as above.
        shift: what REST is off by, although it is granted as asked.
        short: after so many bytes a file ends, and is said to be complete.
        takes: after so many bytes of an upload the connections break, once.
        full: whether there is no room for uploads.
        stored: set when an upload has been taken.
        confirms: while it is clear, the server does not say so, and does nothing else.
    """

    def __init__(
        self,
        folder: Path,
        *,
        login: bool = False,
        refused: Collection[str] = (),
        cut: int | None = None,
        lying: bool = False,
        tls: str = "",
        certificate: Path | None = None,
    ) -> None:
        self.commands: list[tuple[str, str]] = []
        self.shift = 0
        self.short: int | None = None
        self.takes: int | None = None
        self.cut = cut
        self.full = False
        self.stored, self.confirms = threading.Event(), threading.Event()
        self.confirms.set()
        self._folder = folder
        self._login = login
        self.refused = {*refused, *(("EPSV",) if lying else ())}
        self._lying = lying
        self._tls = tls
        self._certificate = certificate
        self._ended = threading.Event()

    @property
    def url(self) -> str:
        scheme = {"": "ftp", "explicit": "ftpes", "implicit": "ftps"}[self._tls]
        return f"{scheme}://localhost:{self.port}"

    def starts(self) -> list[int]:
        """The offsets that files were asked for from."""
        return [int(argument) for command, argument in self.commands if command == "REST"]

    def refusal(self, command: str) -> str:
        """What a command is answered with that is not carried out; empty where it is."""
        if command in self.refused:
            return "502 Not here."
        return "452 No room." if command == "STOR" and self.full else ""

    def sent(self, command: str) -> list[str]:
        """The arguments that a command came with."""
        return [argument for one, argument in self.commands if one == command]

    def __enter__(self) -> Self:
        self._loop = IOLoop()
        self._server = FTPServer(("127.0.0.1", 0), self._handler(), ioloop=self._loop)
        self.port: int = self._server.address[1]
        self._thread = threading.Thread(target=self._run, name="ftp-site")
        self._thread.start()
        return self

    def _run(self) -> None:
        while not self._ended.is_set():
            self._loop.loop(timeout=0.02, blocking=False)
        self._server.close_all()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _handler(self) -> Any:
        site = self
        base, data = (TLS_FTPHandler, TLS_DTPHandler) if self._tls else (FTPHandler, DTPHandler)

        data_class = self._data(data)

        class Handler(base):  # type: ignore[misc, valid-type] # untyped library
            authorizer = site._authorizer()
            dtp_handler = data_class
            masquerade_address = _ELSEWHERE if site._lying else None
            permit_foreign_addresses = False
            # It would pass by `Data.send`.
            use_sendfile = False
            auth_failed_timeout = 0

            def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
                site.commands.append((cmd, arg))
                refusal = site.refusal(cmd)
                if refusal:
                    self.respond(refusal)
                else:
                    super().pre_process_command(line, cmd, arg)

            def ftp_REST(self, line: str) -> None:  # noqa: N802 - the library's name
                super().ftp_REST(line)
                if site.shift:
                    self._restart_position = max(int(line) + site.shift, 0)

            def handle(self) -> None:
                if site._tls == "implicit":
                    self.secure_connection(self.ssl_context)
                else:
                    super().handle()

            def handle_ssl_established(self) -> None:
                if site._tls == "implicit":
                    TLS_FTPHandler.handle(self)

        if self._tls:
            context = SSL.Context(SSL.TLS_SERVER_METHOD)
            context.use_certificate_chain_file(str(self._certificate))
            context.use_privatekey_file(str(self._certificate))
            Handler.ssl_context = context
            Handler.tls_control_required = True
            Handler.tls_data_required = True
        return Handler

    def _data(self, base: Any) -> Any:
        site = self

        class Data(base):  # type: ignore[misc] # untyped library
            def send(self, content: bytes) -> int:
                if site.cut is not None and self.tot_bytes_sent >= site.cut:
                    site.cut = None
                    self.cmd_channel.close()
                    return 0
                if site.short is not None and self.tot_bytes_sent >= site.short:
                    self.transfer_finished = True
                    self.close()
                    return 0
                return int(super().send(content))

            def handle_read(self) -> None:
                super().handle_read()
                if site.takes is not None and self.tot_bytes_received >= site.takes:
                    site.takes = None
                    self.file_obj.flush()
                    self.cmd_channel.close()

            def close(self) -> None:
                if self.receive and self.transfer_finished and not self._closed:
                    site.stored.set()
                    site.confirms.wait(30)
                super().close()

            if not site._tls:
                # The library's own short cut, which would pass by the above.
                handle_read_event = handle_read

        return Data

    def _authorizer(self) -> DummyAuthorizer:
        authorizer = DummyAuthorizer()
        if self._login:
            authorizer.add_user(USER, PASSWORD, str(self._folder), perm="elradfmw")
        else:
            authorizer.add_anonymous(str(self._folder))
        return authorizer
