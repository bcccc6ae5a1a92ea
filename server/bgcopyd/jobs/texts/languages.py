"""The languages that there are, and the choice among them (BCP 47)."""

from __future__ import annotations

import re

from bgcopyd.jobs.refusal import invalid
from bgcopyd.jobs.texts.de import GERMAN
from bgcopyd.jobs.texts.en import ENGLISH
from bgcopyd.jobs.texts.texts import Texts

LANGUAGES = {texts.language: texts for texts in (ENGLISH, GERMAN)}

# RFC 5646, section 2.1, in lower case: language, script, region, variants, extensions, private use.
_WELL_FORMED = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})"
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+"
    r"|i-[a-z]{3,8}|en-gb-oed|sgn-(?:be-fr|be-nl|ch-de)"
)


def texts_for(language_code: str) -> Texts:
    """The texts of the language nearest to a tag; English where there is none.

    Look-up is that of RFC 4647, section 3.4: "de-AT" is shortened from the right until it is found.
    An underscore counts as a hyphen, since that is how systems write it.

    Raises:
        Refusal: INVALID_REQUEST for what is no tag.
    """
    wanted = language_code.lower().replace("_", "-")
    if wanted and not _WELL_FORMED.fullmatch(wanted):
        raise invalid(
            "language_code",
            "is no BCP 47 language tag; send one as 'de' or 'de-AT', or none for English",
        )
    while wanted:
        if wanted in LANGUAGES:
            return LANGUAGES[wanted]
        wanted = wanted.rpartition("-")[0]
    return ENGLISH
