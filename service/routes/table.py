"""Every command there is, and where it is given. One style: POST /v1/WHAT/ID/DO, and POST /v1/WHAT begins a new one.

What one may ask of a lead and of a deal alike is asked of the journey; it goes to the deal once the lead became one.
"""

from dataclasses import dataclass

from engine.aggregates.deal import commands as deal
from engine.aggregates.journey import commands as journey
from engine.aggregates.lead import commands as lead
from engine.aggregates.pipeline import commands as pipeline
from engine.aggregates.roster import commands as roster
from engine.aggregates.target import commands as target
from engine.messages import Command
from service.auth import LEADERS, WRITERS
from service.keys import Role


@dataclass(frozen=True, slots=True)
class Given:
    """Where a command is given, and by whom."""

    path: str
    command: type[Command]
    name: str
    """operation id"""
    summary: str
    roles: frozenset[Role]
    version_needed: bool = False
    """it puts something whole in the place of what stands: If-Match says what its author saw"""


JOURNEYS = "/v1/journeys/{journey}"
LEADS = "/v1/leads/{lead}"
DEALS = "/v1/deals/{deal}"
PIPELINES = "/v1/pipelines/{pipeline}"
REPS = "/v1/reps/{rep}"
TARGETS = "/v1/targets/{target}"

GIVEN: tuple[Given, ...] = (
    Given("/v1/leads", lead.CaptureLead, "capture_lead", "Capture a lead", WRITERS),
    Given(f"{LEADS}/qualify", lead.QualifyLead, "qualify_lead", "Say that it is worth selling to", WRITERS),
    Given(f"{LEADS}/disqualify", lead.DisqualifyLead, "disqualify_lead", "Say that it is not, and why", WRITERS),
    Given(f"{LEADS}/convert", lead.ConvertLead, "convert_lead", "Make it a deal; the answer is the deal's", WRITERS),
    Given(f"{LEADS}/merge", lead.MergeLead, "merge_lead", "Close it as a duplicate", WRITERS, True),
    Given(f"{LEADS}/reopen", lead.ReopenLead, "reopen_lead", "Open it again", WRITERS),
    Given("/v1/deals", deal.OpenDeal, "open_deal", "Open a deal", WRITERS),
    Given(f"{DEALS}/send-proposal", deal.SendProposal, "send_proposal", "Send a proposal", WRITERS),
    Given(
        f"{DEALS}/revise-proposal", deal.ReviseProposal, "revise_proposal", "Send the whole new offer", WRITERS, True
    ),
    Given(f"{DEALS}/accept-proposal", deal.AcceptProposal, "accept_proposal", "The customer accepts it", WRITERS),
    Given(f"{DEALS}/decline-proposal", deal.DeclineProposal, "decline_proposal", "The customer declines it", WRITERS),
    Given(f"{DEALS}/expire-proposal", deal.ExpireProposal, "expire_proposal", "It holds no longer", WRITERS),
    Given(f"{DEALS}/move-stage", deal.MoveStage, "move_stage", "Move it to a stage by hand", WRITERS, True),
    Given(f"{DEALS}/change-pipeline", deal.ChangePipeline, "change_pipeline", "Move it to a pipeline", WRITERS, True),
    Given(f"{DEALS}/change-value", deal.ChangeValue, "change_value", "Change what it is worth", WRITERS, True),
    Given(
        f"{DEALS}/change-expected-close",
        deal.ChangeExpectedClose,
        "change_expected_close",
        "Change when it is expected to close",
        WRITERS,
        True,
    ),
    Given(f"{DEALS}/win", deal.Win, "win_deal", "Close it as won, with evidence", WRITERS),
    Given(f"{DEALS}/lose", deal.Lose, "lose_deal", "Close it as lost, and why", WRITERS),
    Given(f"{DEALS}/reopen", deal.ReopenDeal, "reopen_deal", "Open it again", WRITERS),
    Given(f"{DEALS}/record-payment", deal.RecordPayment, "record_payment", "A payment came", WRITERS),
    Given(f"{DEALS}/record-delivery", deal.RecordDelivery, "record_delivery", "It was delivered", WRITERS),
    Given(
        f"{DEALS}/record-satisfaction",
        deal.RecordSatisfaction,
        "record_satisfaction",
        "What the customer says of it, 0 to 10",
        WRITERS,
    ),
    Given(f"{DEALS}/merge", deal.MergeDeal, "merge_deal", "Close it as a duplicate", WRITERS, True),
    Given(f"{JOURNEYS}/touch", journey.Touch, "touch", "Record a call, a mail, a meeting, ...", WRITERS),
    Given(f"{JOURNEYS}/assess-bant", journey.AssessBant, "assess_bant", "Assess one of BANT", WRITERS),
    Given(f"{JOURNEYS}/record-signal", journey.RecordSignal, "record_signal", "The customer did something", WRITERS),
    Given(f"{JOURNEYS}/set-score", journey.SetScore, "set_score", "Score fit or engagement", WRITERS),
    Given(f"{JOURNEYS}/assign-owner", journey.AssignOwner, "assign_owner", "Hand it to a rep", WRITERS),
    Given(f"{JOURNEYS}/set-attributes", journey.SetAttributes, "set_attributes", "Set free attributes", WRITERS),
    Given(f"{JOURNEYS}/add-note", journey.AddNote, "add_note", "Add a note", WRITERS),
    Given(f"{JOURNEYS}/schedule-follow-up", journey.ScheduleFollowUp, "schedule_follow_up", "Plan a step", WRITERS),
    Given(f"{JOURNEYS}/complete-follow-up", journey.CompleteFollowUp, "complete_follow_up", "It is done", WRITERS),
    Given(f"{JOURNEYS}/snooze-follow-up", journey.SnoozeFollowUp, "snooze_follow_up", "Later, and why", WRITERS),
    Given(f"{JOURNEYS}/cancel-follow-up", journey.CancelFollowUp, "cancel_follow_up", "Never, and why", WRITERS),
    Given(f"{JOURNEYS}/retract-entry", journey.RetractEntry, "retract_entry", "Take an entry back, and why", WRITERS),
    Given("/v1/pipelines", pipeline.CreatePipeline, "create_pipeline", "Create a pipeline", LEADERS),
    Given(f"{PIPELINES}/draft", pipeline.DraftDefinition, "draft_definition", "Draft its stages", LEADERS),
    Given(f"{PIPELINES}/discard-draft", pipeline.DiscardDraft, "discard_draft", "Throw a draft away", LEADERS),
    Given(f"{PIPELINES}/publish", pipeline.PublishDefinition, "publish_definition", "Put in force", LEADERS, True),
    Given(
        f"{PIPELINES}/rollback", pipeline.RollBackDefinition, "roll_back", "An earlier version in force", LEADERS, True
    ),
    Given(
        f"{PIPELINES}/activate-policy",
        pipeline.ActivatePolicy,
        "activate_policy",
        "Say from when on a policy looks at it",
        LEADERS,
    ),
    Given("/v1/reps", roster.EnrolRep, "enrol_rep", "Enrol a rep in a team", LEADERS),
    Given(f"{REPS}/move", roster.MoveRep, "move_rep", "The whole new membership", LEADERS),
    Given(f"{REPS}/leave", roster.RecordRepLeft, "record_rep_left", "The rep left", LEADERS),
    Given("/v1/targets", target.SetTarget, "set_target", "Say what a rep or a team shall win in a period", LEADERS),
    Given(f"{TARGETS}/revise", target.ReviseTarget, "revise_target", "Another goal, and why", LEADERS, True),
    Given(f"{TARGETS}/withdraw", target.WithdrawTarget, "withdraw_target", "None any more, and why", LEADERS),
)

MACHINES_ONLY: frozenset[type[Command]] = frozenset(
    {journey.RaiseStalled, journey.AskFollowUp, journey.WithdrawFollowUp, journey.HandOver}
)
"""what no person says: a policy finds it"""
