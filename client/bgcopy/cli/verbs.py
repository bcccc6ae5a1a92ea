"""`pause`, `resume`, `complete`, `cancel` and `rm`: one verb on one or several jobs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import click

from bgcopy import BgcopyError, Job, JobInfo
from bgcopy.cli import completion, exits, failure, shapes, words
from bgcopy.cli.exits import Exit
from bgcopy.cli.failure import Failure
from bgcopy.cli.lookup import find
from bgcopy.cli.options import shared
from bgcopy.cli.session import Session, run

Verb = Callable[[Job], Awaitable[JobInfo | None]]

jobs_argument = click.argument(
    "jobs", nargs=-1, required=True, metavar="JOB...", shell_complete=completion.jobs
)
job_argument = click.argument("job", metavar="JOB", shell_complete=completion.jobs)


@click.command()
@jobs_argument
@shared
@click.pass_obj
def pause(session: Session, /, jobs: tuple[str, ...]) -> int:
    """Stop jobs; what they have is kept."""
    return run(each(session, jobs, "paused", lambda job: job.suspend()))


@click.command()
@jobs_argument
@shared
@click.pass_obj
def resume(session: Session, /, jobs: tuple[str, ...]) -> int:
    """Go on with paused, failed or waiting jobs."""
    return run(each(session, jobs, "resumed", lambda job: job.resume()))


@click.command()
@jobs_argument
@click.option("--partial", is_flag=True, help="Keep the whole files and drop the unfinished ones.")
@shared
@click.pass_obj
def complete(session: Session, /, jobs: tuple[str, ...], partial: bool) -> int:  # noqa: FBT001 - click passes by name
    """Give the files of transferred jobs their names."""
    return run(each(session, jobs, "completed", lambda job: job.complete(allow_partial=partial)))


@click.command()
@jobs_argument
@shared
@click.pass_obj
def cancel(session: Session, /, jobs: tuple[str, ...]) -> int:
    """End jobs and delete what they have, but files that have their names."""
    return run(each(session, jobs, "cancelled", lambda job: job.cancel()))


@click.command()
@jobs_argument
@shared
@click.pass_obj
def rm(session: Session, /, jobs: tuple[str, ...]) -> int:
    """Forget finished jobs; a live one must be cancelled first."""
    return run(each(session, jobs, "forgotten", lambda job: job.delete()))


async def each(session: Session, wanted: Sequence[str], done: str, verb: Verb) -> int:
    """Apply the verb to each job; one that fails does not stop the others."""
    codes: list[Exit] = []
    async with session.client() as client:
        for word in wanted:
            try:
                job = client.job(await find(client, word))
                _tell(session, job, await verb(job), done)
                codes.append(Exit.OK)
            except (BgcopyError, Failure) as error:
                problem = error if isinstance(error, Failure) else failure.from_error(error)
                if len(wanted) == 1:
                    raise problem from None
                session.complain(problem, prefix=word)
                codes.append(problem.exit_code)
    return exits.of_several(codes)


def _tell(session: Session, /, job: Job, info: JobInfo | None, done: str) -> None:
    if session.json:
        session.data_json({"job_id": job.job_id} if info is None else shapes.job(info))
        return
    name = part = ""
    if info is not None:
        name = f" ({words.clean(info.display_name)})"
        if info.partially_completed:
            kept = info.progress
            part = f" with {kept.files_transferred} of {kept.files_total} files"
    session.note(f"{job.job_id} {done}{part}{name}")
