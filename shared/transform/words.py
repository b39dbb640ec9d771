"""KQL's own words, which are no names as they stand.

Rule: a column or a key that is called so is written in brackets, ['time']. Source:
Microsoft's Kusto analyser 12.4.1, asked about each of its keywords; a test asks again.
"""

from __future__ import annotations

from typing import Final

NOWHERE: Final = frozenset(
    """
    and anomalychart areachart asc bagexpansion barchart between bin_legacy boolean byte
    cachingpolicy callout cancel card char columnchart contains_cs containscs cycles dataexport
    datascope date datetime decimal decodeblocks desc double dynamic encodingpolicy endswith
    endswith_cs expandoutput extent_tags_retention external_data first flags float force_remote
    harddelete hardretention has_all has_any has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs
    hotcache int int16 int32 int64 int8 isfuzzy journal ladderchart last like likecs linechart long
    missing nooptimization notcontains notcontainscs notlike notlikecs or others pathformat piechart
    pivotchart project queries query_results real relaxed restricted_view_access row_level_security
    rowstore rowstore_references rowstore_sealinfo rowstorepolicy rowstores scatterchart seal seals
    shards simple softdelete softretention stackedareachart startswith startswith_cs statistics
    storedqueryresultcontainers string tablepurge time timechart timeline timepivot timespan treemap
    uint uint16 uint32 uint64 uint8 ulong union uniqueid unrestrictedviewers views with_itemindex
    with_match_id with_step_name writeaheadlog
    """.split()  # noqa: SIM905 - a word a line would be a hundred lines
)
"""Words that are no name anywhere."""

NOT_A_VALUE: Final = frozenset(
    """
    accumulate as by contains datatable earliest externaldata find has in invoke latest materialize
    mdm of print sample search set sql title to toscalar totable verbose viewers where
    """.split()  # noqa: SIM905 - a word a line would be a hundred lines
)
"""Words that can be given as a name (extend where = 1), but not be used as one."""

NOT_GIVEN: Final = NOWHERE | {"kind"}
"""Words that cannot be given to a column as they stand."""
NOT_USED: Final = NOWHERE | NOT_A_VALUE
"""Words that stand for no column and no key."""


def bracketed(word: str) -> str:
    """A sentence for such a word."""
    return f"{word} is a word of KQL itself: as a name it is written ['{word}']."
