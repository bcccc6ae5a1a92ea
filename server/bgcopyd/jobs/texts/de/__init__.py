"""German texts."""

from __future__ import annotations

from bgcopyd.jobs.texts.de.bits import BITS
from bgcopyd.jobs.texts.de.delivery import DELIVERY
from bgcopyd.jobs.texts.de.http import ANY, CLASSES, STATUSES
from bgcopyd.jobs.texts.de.reasons import REASONS
from bgcopyd.jobs.texts.de.windows import WINDOWS
from bgcopyd.jobs.texts.texts import Texts, status_texts

GERMAN = Texts(
    language="de",
    reasons=REASONS,
    hresults={**WINDOWS, **BITS, **DELIVERY, **status_texts(STATUSES, CLASSES, ANY)},
)
