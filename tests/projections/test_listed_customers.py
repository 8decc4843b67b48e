"""Lists tell whose custom a journey is: what its opening said, the lead's where it began as one."""

from uuid import UUID

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.lead.commands import CaptureLead, ConvertLead
from engine.log.application import Log
from engine.log.erasure import erase_person
from engine.log.people import person
from engine.projections.lens import Lens
from engine.projections.listing import listing
from engine.projections.views import Views
from tests.replay.test_history import ask, sales

__all__ = ["sales"]
CUSTOMER = PersonRef(source="crm", key="C-1", name="Nordic Office")


def told(views: Views) -> dict[UUID, str | None]:
    found = listing(views.look("sales", Lens.of())).journeys
    return {UUID(each.journey): each.customer and each.customer.label for each in found}


def test_a_deal_that_came_from_a_lead_has_the_lead_s_customer_until_it_is_erased(sales: Log) -> None:
    views = Views(sales)
    lead = ask(sales, CaptureLead(pipeline="sales", person=CUSTOMER)).stream_id
    ask(sales, ConvertLead(), lead)
    own = ask(sales, OpenDeal(pipeline="sales", person=CUSTOMER)).stream_id
    nobody_s = ask(sales, OpenDeal(pipeline="sales")).stream_id
    assert told(views) == {lead: "Nordic Office", own: "Nordic Office", nobody_s: None}
    known = person(sales, "crm", "C-1")
    assert known is not None
    erase_person(sales, known.person_id, known.person_id)
    assert set(told(views).values()) == {None}
