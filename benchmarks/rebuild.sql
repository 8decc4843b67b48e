-- The stage rules (docs/architecture.md#stages) as window SQL, for PostgreSQL and DuckDB alike, by the definition of
-- benchmarks/made_up_columns.py: ranks 0 to 4 open, 5 won, 6 lost, 7 after-sale. A dollar sign stands before a word
-- whose code is put there.
-- "The newest value so far" is max(row number * 2^40 + value): PostgreSQL 18 has no IGNORE NULLS.

CREATE TABLE facts AS
WITH taken AS (
    SELECT value AS position FROM events WHERE kind = $EntryRetracted AND value IS NOT NULL
), live AS (
    SELECT * FROM events
    WHERE kind <> $EntryRetracted AND NOT EXISTS (SELECT 1 FROM taken WHERE taken.position = events.position)
), standing AS (
    SELECT DISTINCT journey FROM live WHERE kind = $DealOpened
), numbered AS (
    SELECT live.*, row_number() OVER (PARTITION BY journey ORDER BY occurred_at, position) AS rn
    FROM live WHERE journey IN (SELECT journey FROM standing)
)
SELECT journey, occurred_at, position, kind, code, rn,
    count(CASE WHEN kind = $ProposalSent THEN 1 END) OVER so_far AS proposals,
    count(CASE WHEN kind = $DealReopened THEN 1 END) OVER so_far AS life,
    max(CASE WHEN kind = $BantAssessed AND code BETWEEN 0 AND 2 THEN rn * 4 + code % 3 END) OVER so_far % 4 AS budget,
    max(CASE WHEN kind = $BantAssessed AND code BETWEEN 3 AND 5 THEN rn * 4 + code % 3 END) OVER so_far % 4 AS authority,
    max(CASE WHEN kind = $BantAssessed AND code BETWEEN 6 AND 8 THEN rn * 4 + code % 3 END) OVER so_far % 4 AS need,
    max(CASE WHEN kind = $BantAssessed AND code BETWEEN 9 AND 11 THEN rn * 4 + code % 3 END) OVER so_far % 4 AS timeline,
    max(CASE WHEN kind IN ($DealOpened, $ValueChanged, $DealWon) AND value IS NOT NULL
        THEN rn * 1099511627776 + value END) OVER so_far % 1099511627776 AS amount
FROM numbered
WINDOW so_far AS (PARTITION BY journey ORDER BY occurred_at, position ROWS UNBOUNDED PRECEDING);

CREATE TABLE visits AS
WITH fired AS (
    SELECT journey, occurred_at, position, kind, rn, life, amount,
        CASE
            WHEN kind IN ($DealLost, $LeadDisqualified) THEN 6
            WHEN kind = $DealWon THEN 5
            WHEN kind = $ProposalRevised OR (kind = $ValueChanged AND proposals >= 1) THEN 4
            WHEN kind = $ProposalSent THEN 3
            WHEN kind = $Touched AND code % 16 IN ($meeting, $demo) THEN 2
            WHEN kind = $BantAssessed AND
                (CASE WHEN budget = $confirmed THEN 1 ELSE 0 END + CASE WHEN authority = $confirmed THEN 1 ELSE 0 END
                + CASE WHEN need = $confirmed THEN 1 ELSE 0 END + CASE WHEN timeline = $confirmed THEN 1 ELSE 0 END) >= 3
                THEN 1
        END AS fired,
        CASE WHEN kind = $SatisfactionRecorded THEN 7 END AS fired_after,
        -- Stage codes 0 to 4 are the open stages, 5 is one the definition does not know, 6 the after-sale stage.
        CASE WHEN kind = $StageMoved THEN CASE code WHEN 5 THEN -1 WHEN 6 THEN 7 ELSE code END
             WHEN kind = $DealReopened THEN CASE WHEN code < 5 THEN code ELSE -1 END END AS target
    FROM facts
    WHERE rn = 1 OR kind IN ($DealLost, $LeadDisqualified, $DealWon, $ProposalRevised, $ValueChanged, $ProposalSent,
        $BantAssessed, $SatisfactionRecorded, $StageMoved, $DealReopened)
        OR (kind = $Touched AND code % 16 IN ($meeting, $demo))
), closing AS (
    SELECT *, min(CASE WHEN fired >= 5 THEN rn * 64 + fired END) OVER (
        PARTITION BY journey, life ORDER BY occurred_at, position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) % 64 AS closed_by
    FROM fired
), moved AS (
    SELECT *,
        kind = $DealReopened OR (kind = $StageMoved AND
            CASE WHEN closed_by IS NULL THEN target < 5 ELSE closed_by = 5 AND target = 7 END) AS effective
    FROM closing
), raised AS (
    SELECT *,
        CASE
            WHEN effective THEN target
            WHEN rn = 1 THEN greatest(coalesce(fired, 0), 0)
            WHEN closed_by IS NULL THEN fired
            WHEN closed_by = 5 THEN fired_after
        END AS raises
    FROM moved
), epochs AS (
    SELECT *, count(CASE WHEN rn = 1 OR effective THEN 1 END) OVER (
        PARTITION BY journey ORDER BY occurred_at, position ROWS UNBOUNDED PRECEDING
    ) AS epoch
    FROM raised WHERE raises IS NOT NULL
), levels AS (
    SELECT *, max(raises) OVER (
        PARTITION BY journey, epoch ORDER BY occurred_at, position ROWS UNBOUNDED PRECEDING
    ) AS stage
    FROM epochs
), changes AS (
    SELECT *, lag(stage) OVER (PARTITION BY journey ORDER BY occurred_at, position) AS stage_before FROM levels
)
SELECT journey, row_number() OVER in_time AS n, stage, occurred_at AS entered_at, position AS entered_position,
    lead(occurred_at) OVER in_time AS left_at, lead(stage) OVER in_time AS next_stage, kind AS by_kind, amount
FROM changes WHERE stage_before IS NULL OR stage_before <> stage
WINDOW in_time AS (PARTITION BY journey ORDER BY occurred_at, position);

CREATE TABLE journeys AS
WITH told AS (
    SELECT journey, min(occurred_at) AS opened_at, max(occurred_at) AS last_activity_at,
        count(CASE WHEN kind = $Touched THEN 1 END) AS touches,
        min(CASE WHEN kind = $Touched THEN occurred_at END) AS first_touch_at,
        max(CASE WHEN kind = $Touched THEN occurred_at END) AS last_touch_at,
        max(rn * 1024 + CASE WHEN kind = $OwnerAssigned THEN code END) % 1024 AS owner,
        max(rn * 1024 + CASE WHEN kind = $Scored THEN code END) % 1024 AS fit,
        max(rn * 4 + budget) % 4 AS budget, max(rn * 4 + authority) % 4 AS authority,
        max(rn * 4 + need) % 4 AS need, max(rn * 4 + timeline) % 4 AS timeline,
        max(rn * 1099511627776 + amount) % 1099511627776 AS amount
    FROM facts GROUP BY journey
), stood AS (
    SELECT journey, max(n * 16 + stage + 1) % 16 - 1 AS stage, max(entered_at) AS stage_since,
        max(n * 256 + by_kind) % 256 AS by_kind,
        min(CASE WHEN stage >= 1 AND stage <> 6 THEN entered_at END) AS qualified_at,
        max(CASE WHEN stage IN (5, 6) THEN entered_at END) AS last_closing_at,
        max(CASE WHEN stage IN (5, 6) THEN n * 1099511627776 + amount END) % 1099511627776 AS last_closing_amount,
        max(CASE WHEN stage = 5 THEN 1 ELSE 0 END) AS ever_won
    FROM visits GROUP BY journey
)
SELECT told.*, stage, stage_since, qualified_at, ever_won, outcome,
    CASE WHEN outcome <> 'open' THEN last_closing_at END AS closed_at,
    CASE WHEN outcome <> 'open' THEN last_closing_amount END AS close_amount
FROM (
    SELECT stood.*, CASE
        WHEN stage IN (5, 7) THEN 'won'
        WHEN stage = 6 AND by_kind = $LeadDisqualified AND qualified_at IS NULL THEN 'disqualified'
        WHEN stage = 6 THEN 'lost'
        ELSE 'open' END AS outcome
    FROM stood
) AS placed JOIN told USING (journey);

CREATE TABLE cells AS
WITH names (stage, name) AS (
    VALUES (-1, 'unmapped'), (0, 'contact'), (1, 'qualification'), (2, 'meeting'), (3, 'proposal'), (4, 'negotiation'),
        (5, 'won'), (6, 'lost'), (7, 'retention')
), followed AS (
    SELECT visits.*,
        max(CASE WHEN stage <> 6 THEN stage END) OVER onwards AS reach,
        min(n) OVER (PARTITION BY journey, stage) AS first_n,
        last_value(stage) OVER onwards AS place
    FROM visits
    WINDOW onwards AS (PARTITION BY journey ORDER BY n ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
), cohort AS (
    SELECT stage,
        CASE WHEN reach > stage THEN 'advanced' WHEN place = 6 THEN 'lost' WHEN place < stage THEN 'moved_back'
            ELSE 'still_there' END AS part
    FROM followed WHERE n = first_n AND stage >= 0 AND stage <> 6
), spans AS (
    SELECT 'cycle ' || outcome AS what, CAST(closed_at - opened_at AS double precision) AS micros
    FROM journeys WHERE outcome <> 'open'
    UNION ALL
    SELECT 'cycle closed', CAST(closed_at - opened_at AS double precision)
    FROM journeys WHERE outcome IN ('won', 'lost')
    UNION ALL
    SELECT 'stay ' || name, spent FROM (
        SELECT stage, CAST(sum(left_at - entered_at) AS double precision) AS spent
        FROM visits WHERE left_at IS NOT NULL GROUP BY journey, stage
    ) AS stays JOIN names USING (stage)
), timed AS (
    SELECT what, count(*) AS n, avg(micros) AS mean,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY micros) AS p50,
        percentile_cont(0.85) WITHIN GROUP (ORDER BY micros) AS p85,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY micros) AS p90
    FROM spans GROUP BY what
)
SELECT 'standing ' || name AS cell, CAST(count(*) AS double precision) AS number
FROM journeys JOIN names USING (stage) GROUP BY name
UNION ALL
SELECT 'worth ' || name, sum(amount) FROM journeys JOIN names USING (stage) GROUP BY name
UNION ALL
SELECT 'age ' || name || ' p50', percentile_cont(0.5) WITHIN GROUP (ORDER BY $as_of - stage_since) / 1e6
FROM journeys JOIN names USING (stage) GROUP BY name
UNION ALL
SELECT 'likelihood ' || name, avg(CASE WHEN outcome = 'won' THEN 1.0 ELSE 0.0 END)
FROM (SELECT DISTINCT journey, stage FROM visits) AS visited
JOIN (SELECT journey, outcome FROM journeys WHERE outcome IN ('won', 'lost')) AS decided USING (journey)
JOIN names USING (stage) WHERE stage >= 0 GROUP BY name
UNION ALL
SELECT 'passed ' || name || ' ' || part, count(*) FROM cohort JOIN names USING (stage) GROUP BY name, part
UNION ALL
SELECT 'passed ' || name || ' entered', count(*) FROM cohort JOIN names USING (stage) GROUP BY name
UNION ALL
SELECT 'overall ' || CASE WHEN ever_won = 1 THEN 'won' WHEN stage = 6 THEN 'lost' ELSE 'open' END, count(*)
FROM journeys GROUP BY 1
UNION ALL
SELECT 'transition ' || names.name || ' to ' || following.name, count(*)
FROM visits JOIN names USING (stage) JOIN names AS following ON following.stage = next_stage
GROUP BY names.name, following.name
UNION ALL
SELECT 'outcome ' || outcome, count(*) FROM journeys GROUP BY outcome
UNION ALL
SELECT 'won value', sum(close_amount) FROM journeys WHERE outcome = 'won'
UNION ALL
SELECT what || ' n', n FROM timed
UNION ALL
SELECT what || ' mean', mean / 1e6 FROM timed
UNION ALL
SELECT what || ' p50', p50 / 1e6 FROM timed
UNION ALL
SELECT what || ' p85', p85 / 1e6 FROM timed
UNION ALL
SELECT what || ' p90', p90 / 1e6 FROM timed;
