"""moto in a process of its own: an S3 server that is not ours and checks signatures.

As a program it prints its address and a key, then does as it is told on its input, a line each:
`{"put": ["key", "path"]}` keeps a file as an object; `{"secure": true}` lets in from then on only
whoever has signed; `{"get": ["key", "path"]}` writes an object to a file and answers with what is
known of it; `{"pending": true}` answers with the uploads that are not finished, and how many parts
they have. It answers each with a line.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

BUCKET, REGION = "our-bucket", "eu-central-1"


class S3Site:
    """The tester's side.

    Attributes:
        url: the endpoint.
        key_id, secret: what requests are signed with.
    """

    def __init__(self) -> None:
        self.url = self.key_id = self.secret = ""
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "-m", "tests.support.s3_server",
            cwd=Path(__file__).parents[2], stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        told = await self._told()
        self.url, self.key_id, self.secret = told["url"], told["key_id"], told["secret"]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _told(self) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        return json.loads(await self._process.stdout.readline())

    async def tell(self, **command: Any) -> Any:
        """Sends a command and waits until it is done; its answer."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        return await self._told()

    async def get(self, key: str, path: Path) -> Any:
        """Writes an object to a file; its header fields."""
        return await self.tell(get=[key, str(path)])

    async def pending(self) -> list[int]:
        """How many parts each of the unfinished uploads has."""
        found = await self.tell(pending=True)
        return [int(count) for count in found["pending"]]

    async def put(self, key: str, path: Path) -> None:
        """Keeps a file as an object."""
        await self.tell(put=[key, str(path)])


def _main() -> None:
    import logging

    import boto3
    from moto import settings
    from moto.server import ThreadedMotoServer

    logging.disable()
    os.environ.update(AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    common = {"endpoint_url": url, "region_name": REGION}
    iam, s3 = boto3.client("iam", **common), boto3.client("s3", **common)
    iam.create_user(UserName="ours")
    statement = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName="ours", PolicyName="all", PolicyDocument=policy)
    key = iam.create_access_key(UserName="ours")["AccessKey"]
    place = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    signed = boto3.client(
        "s3",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        **common,
    )
    told = {"url": url, "key_id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}
    print(json.dumps(told), flush=True)  # noqa: T201 - tells its parent
    for line in sys.stdin:
        command = json.loads(line)
        answer: dict[str, Any] = {}
        if "put" in command:
            name, path = command["put"]
            signed.put_object(Bucket=BUCKET, Key=name, Body=Path(path).read_bytes())
        elif "get" in command:
            name, path = command["get"]
            found = signed.get_object(Bucket=BUCKET, Key=name)
            Path(path).write_bytes(found["Body"].read())
            answer = found["ResponseMetadata"]["HTTPHeaders"]
        elif "pending" in command:
            uploads = signed.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
            ids = [{"Key": one["Key"], "UploadId": one["UploadId"]} for one in uploads]
            lists = [signed.list_parts(Bucket=BUCKET, **one) for one in ids]
            answer = {"pending": [len(one.get("Parts", [])) for one in lists]}
        else:
            settings.INITIAL_NO_AUTH_ACTION_COUNT = 0.0
        print(json.dumps(answer), flush=True)  # noqa: T201 - tells its parent


if __name__ == "__main__":
    _main()
