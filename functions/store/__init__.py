"""The Lambda behind POST /studies and POST /studies/{study} (PS3.18 10.5).

What is imported stays, and to look for garbage among it takes a tenth of a start. So hardly any is
looked for until ``store.handler`` is imported (docs/decisions/0192).
"""

import gc

COLLECTED_AT = gc.get_threshold()
"""When garbage is looked for otherwise."""

gc.set_threshold(50_000)
