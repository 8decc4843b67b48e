"""What a rep's question may name: whom and what the team's journeys show. All else is told as what nobody has heard of.

So that no refusal lists the people, regions and attributes of other teams, nor tells theirs from what is not there.
"""

import polars as pl

from engine.errors import Rejected
from engine.projections.filters import EVERYTHING, Filters, identity, narrowed
from engine.projections.groups import ATTRIBUTE
from engine.projections.known import listed
from engine.projections.look import Look
from service.auth import Caller


def in_own_words(look: Look, caller: Caller, filters: Filters, by: str | None) -> Filters:
    """The filters, with who is named by id. filters: as far as the rep may look (rights.py). by: the grouping.

    Rejected for who or what the team's journeys do not show.
    """
    if caller.role != "rep":
        return filters
    own = pl.col("rep") == caller.person_id.hex if filters.team is None else pl.col("team") == filters.team
    members = look.membership.filter(own)
    if filters.team is not None and members.is_empty():
        said = f"team {filters.team!r} had nobody yet at the moment asked for: ask for a later one"
        raise Rejected(said, field="as_of")
    named = {}
    # Without a team the owner is the rep: nobody was named.
    if filters.owner is not None and filters.team is not None:
        named["owner"] = one_of(look, "owner", filters.owner, members["rep"])
    if filters.manager is not None:
        named["manager"] = one_of(look, "manager", filters.manager, members["manager"])
    if filters.region is not None and filters.region not in members["region"]:
        said = f"region {filters.region!r} is none of yours: known are {listed(members['region'])}"
        raise Rejected(said, field="region")
    grouped = by.removeprefix(ATTRIBUTE) if by is not None and by.startswith(ATTRIBUTE) else None
    if grouped is not None or filters.attributes or filters.source is not None or filters.channel is not None:
        journeys = theirs(look, filters)
        for column, word in (("source", filters.source), ("channel", filters.channel)):
            if word is not None:
                must_be_one_of(journeys[column], word, f"the {column}", column)
        told = words_of(look, journeys, members["rep"], filters.team)
        for name, value in filters.attributes:
            must_be_one_of(told["name"], name, "an attribute", "attr")
            must_be_one_of(told.filter(name=name)["value"], value, f"the {name}", "attr")
        if grouped is not None:
            must_be_one_of(told["name"], grouped, "an attribute", "by")
    return filters.model_copy(update=named)


def one_of(look: Look, field: str, named: str, ids: pl.Series) -> str:
    """person_id of who of them is called so: by id, source:key, key or name."""
    called = pl.concat_str("source", pl.lit(":"), "key")
    fits = (pl.col("person_id") == (identity(named) or "")) | pl.any_horizontal(called == named, pl.col("key") == named)
    fits = (fits | (pl.col("name") == named)).fill_null(False)
    found = look.people.filter(pl.col("person_id").is_in(ids.drop_nulls().unique().implode()), fits)
    if found.is_empty():
        said = f"{field} {named!r} is nobody of your team: use the key in the source system, the name or the id"
        raise Rejected(said, field=field)
    if len(found) > 1:
        choices = ", ".join(f"{row['source']}:{row['key']}" for row in found.iter_rows(named=True))
        raise Rejected(f"{field} {named!r} is several people: say which of {choices}", field=field)
    return str(found["person_id"][0])


def theirs(look: Look, filters: Filters) -> pl.DataFrame:
    """The journeys that are the team's now, or were when they closed."""
    whose = EVERYTHING.model_copy(update={"team": filters.team})
    journeys = look.journeys.lazy()
    if filters.team is None:
        journeys = journeys.filter(pl.col("owner") == identity(filters.owner or ""))
    moments = (pl.lit(look.as_of), pl.col("closed_at"))
    seen = [narrowed(journeys.with_columns(at=at), look, whose).select("journey").collect() for at in moments]
    return look.journeys.join(pl.concat(seen), on="journey", how="semi")


def words_of(look: Look, journeys: pl.DataFrame, reps: pl.Series, team: str | None) -> pl.DataFrame:
    """Attributes (name, value) of the journeys, and those that targets of the reps and the team are about."""
    told = look.attributes.join(journeys, on="journey", how="semi").select(pl.col("name", "value").cast(pl.String))
    whose = pl.col("rep").is_in(reps.implode()) | (pl.col("team") == pl.lit(team))
    goals = look.targets().filter(whose).drop_nulls("attribute")
    return pl.concat([told, goals.select(name="attribute", value="attribute_value")])


def must_be_one_of(known: pl.Series, word: str, called: str, field: str) -> None:
    if not (known == word).any():
        raise Rejected(f"no journey that you see has {called} {word!r}: known are {listed(known)}", field=field)
