"""The side table of reps becomes the roster: who sells in which team, for whom, where, and since when."""

from engine.aggregates.roster.commands import EnrolRep, MoveRep
from engine.aggregates.roster.state import Membership, rep_stream
from engine.errors import Rejected
from engine.handle import handle
from engine.log.bulk import Overtaken
from engine.streams import load
from service.importers.csv_rows import LINE
from service.importers.job import Job
from service.importers.mapping import Roster
from service.importers.report import ChangedFact, ImportReport, tally
from service.importers.turns import ATTEMPTS, give_way
from service.importers.writing import introduce


def enrol(job: Job, report: ImportReport) -> None:
    """Enrols the reps the log does not know; moves those the table has elsewhere, if since later than the log knows.

    A membership that differs from what the log holds for the same time is a changed fact: listed, and with
    `corrections` a move.
    """
    roster = job.mapping.roster
    if roster is None:
        return
    for row in job.tables[roster.table].iter_rows(named=True):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                place_rep(row, roster, job, report)
            except Overtaken as error:
                give_way(job, attempt, error)
            else:
                break
        tally(report.events, {"RepEnrolled": 1})


def place_rep(row: dict[str, str | None], roster: Roster, job: Job, report: ImportReport) -> None:
    def cell(column: str | None) -> str | None:
        return None if column is None else row[f"{roster.table}.{column}"]

    key, manager_key, source = cell(roster.rep), cell(roster.manager), job.mapping.source
    if key is None:
        raise Rejected(f"line {row[LINE]} of table {roster.table}: the rep is empty")
    rep = job.cast.meet(source, key, "rep")
    job.cast.describe(source, key, cell(roster.name), None, None)
    manager = None if manager_key is None else job.cast.meet(source, manager_key, "rep")
    introduce(job, [rep] if manager is None else [rep, manager])
    told = Membership(cell(roster.team), manager, cell(roster.region))
    held = load(job.log, rep_stream(rep))
    if held is None:
        command = EnrolRep(rep=rep, team=told.team, manager=told.manager, region=told.region)
        try:
            handle(job.log, command, actor=job.actor, origin=job.mapping.origin, occurred_at=roster.since)
        except Rejected as error:
            if load(job.log, rep_stream(rep)) is None:
                raise
            raise Overtaken(str(error), 0) from error
        report.new_events += 1
        return
    if held.state.membership == told:
        report.already_known += 1
        return
    last = held.history[-1]
    if roster.since > last.occurred_at or job.corrections:
        move = MoveRep(rep=rep, team=told.team, manager=told.manager, region=told.region)
        handle(job.log, move, actor=job.actor, origin=job.mapping.origin, occurred_at=roster.since)
        report.new_events += 1
    if roster.since <= last.occurred_at:
        before = held.state.membership or Membership()
        fields = [name for name in ("team", "manager", "region") if getattr(before, name) != getattr(told, name)]
        report.change(
            ChangedFact(
                line=int(row[LINE] or 0),
                key=key,
                event="RepEnrolled",
                event_id=str(last.event_id),
                changed=fields,
                corrected=job.corrections,
            )
        )
