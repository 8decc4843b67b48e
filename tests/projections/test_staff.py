"""Who sells in which team, told by one process at any moment: what was told of another moment is no answer."""

from datetime import UTC, datetime

from engine.aggregates.inputs import PersonRef
from engine.aggregates.roster.commands import EnrolRep, MoveRep
from engine.handle import handle
from engine.log.application import Log
from engine.messages import Command
from engine.projections.lens import Lens
from engine.projections.views import Views

REP, MANAGER = (PersonRef(source="crm", key=key) for key in ("rep-01", "the-manager"))
SPRING, SUMMER, AUTUMN = (datetime(2025, month, 1, tzinfo=UTC) for month in (3, 6, 9))


def tell(log: Log, command: Command, at: datetime) -> None:
    handle(log, command, actor=MANAGER, origin="cli", occurred_at=at)


def teams(views: Views, lens: Lens) -> list[str]:
    return views.staff(lens).membership["team"].to_list()


def test_one_process_tells_the_teams_of_every_moment(log: Log) -> None:
    tell(log, EnrolRep(rep=REP, team="north"), SPRING)
    views = Views(log)
    before = datetime.now(UTC)
    assert teams(views, Lens.of()) == ["north"]
    tell(log, MoveRep(rep=REP, team="south"), AUTUMN)
    for _ in range(2):
        assert teams(views, Lens.of()) == ["north", "south"]
        assert teams(views, Lens.of(as_of=SUMMER)) == ["north"]
        assert teams(views, Lens.of(known_at=before)) == ["north"]
        assert teams(views, Lens.of(as_of=AUTUMN)) == ["north", "south"]
        assert teams(views, Lens.of(as_of=datetime(2025, 1, 1, tzinfo=UTC))) == []
