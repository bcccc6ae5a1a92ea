"""English texts."""

from __future__ import annotations

from bgcopyd.jobs.texts.en.bits import BITS
from bgcopyd.jobs.texts.en.delivery import DELIVERY
from bgcopyd.jobs.texts.en.http import ANY, CLASSES, STATUSES
from bgcopyd.jobs.texts.en.reasons import REASONS
from bgcopyd.jobs.texts.en.windows import WINDOWS
from bgcopyd.jobs.texts.texts import Texts, status_texts

ENGLISH = Texts(
    language="en",
    reasons=REASONS,
    hresults={**WINDOWS, **BITS, **DELIVERY, **status_texts(STATUSES, CLASSES, ANY)},
)
