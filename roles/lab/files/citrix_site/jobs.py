# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: what the site does after it has answered 202."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping

from .answers import Answer, Refusal, missing
from .site import Site
from .store import Row

RUNNING = ("NotStarted", "InProgress")
# Statuses of a job whose work is done all the same.
DONE = ("Complete", "CompleteWithWarning", "NonTerminatingError")
KEPT = dt.timedelta(hours=48)


def start(
    site: Site, owner: str, kind: str, parameters: Mapping[str, str], work: Callable[[], Answer]
) -> Row:
    """Make a job that does its work a little later; the job."""
    told = site.faults.strike("job") or {}
    job = {
        "Id": str(uuid.uuid4()), "Type": kind, "Status": "InProgress", "Owner": owner,
        "Parameters": [{"Name": name, "Value": value} for name, value in parameters.items()],
        "Created": site.stamp(), "Ended": None, "ErrorString": None, "ErrorCode": None,
        "Result": None,
    }  # fmt: skip
    site.jobs.put(job)
    job_id = str(job["Id"])
    status = told.get("status", "Complete")
    if status not in RUNNING:
        site.later(site.setting("job_seconds"), lambda: _finish(site, job_id, status, work))
    return job


def _finish(site: Site, job_id: str, status: str, work: Callable[[], Answer]) -> None:
    job = site.jobs.get(job_id)
    if job is None or job["Status"] not in RUNNING:
        return
    result = None
    words = None if status == "Complete" else f"The job ended as {status}."
    if status in DONE:
        try:
            answer = work()
            result = {"Code": answer.code, "Body": answer.body}
        except Refusal as refusal:
            status, words = "Failed", refusal.detail
    site.jobs.change(
        job_id, Status=status, Ended=site.stamp(), Result=result, ErrorString=words,
        ErrorCode=words and "JobFailed",
    )  # fmt: skip


def visible(site: Site, owner: str) -> list[Row]:
    """The caller's own jobs, of the last 48 hours."""
    oldest = site.clock.now() - KEPT
    return [job for job in site.jobs if job["Owner"] == owner and not _is_old(job, oldest)]


def _is_old(job: Row, oldest: dt.datetime) -> bool:
    return bool(job["Ended"]) and dt.datetime.fromisoformat(job["Ended"]) < oldest


def find(site: Site, owner: str, job_id: str) -> Row:
    """One of the caller's own jobs, or a refusal (404)."""
    for job in visible(site, owner):
        if job["Id"] == job_id.lower():
            return job
    raise missing(f"Job '{job_id}'")


def cancel(site: Site, job: Row) -> Row:
    """Give up a job that has not done its work; or a refusal (409)."""
    if job["Status"] not in RUNNING:
        raise Refusal(409, "JobCompleted", "The job has ended already.")
    return site.jobs.change(job["Id"], Status="Canceled", Ended=site.stamp())


def remove(site: Site, job: Row) -> None:
    """Forget a job that has ended; or a refusal (409)."""
    if job["Status"] in RUNNING:
        raise Refusal(409, "JobInProgress", "The job is in progress.")
    site.jobs.remove(job["Id"])


def abandon(site: Site) -> None:
    """Fail what was running when the site was stopped: nobody goes on with it."""
    for job in [job for job in site.jobs if job["Status"] in RUNNING]:
        words = "The site was restarted."
        site.jobs.change(job["Id"], Status="Failed", Ended=site.stamp(), ErrorString=words)


def shown(job: Row) -> Row:
    """A job as GET /Jobs/{id} has it."""
    is_running = job["Status"] in RUNNING
    return {
        "Id": job["Id"], "Type": job["Type"], "Status": job["Status"],
        "Parameters": job["Parameters"], "CreationTime": job["Created"],
        "FormattedCreationTime": job["Created"], "StartTime": job["Created"],
        "EndTime": job["Ended"], "OverallProgressPercent": 50 if is_running else 100,
        "IsCancellable": is_running, "SubJobs": [], "ErrorString": job["ErrorString"],
        "ErrorCode": job["ErrorCode"], "ErrorParameters": [],
        "ResultLocation": f"Jobs/{job['Id']}/Results" if job["Result"] else None,
    }  # fmt: skip
