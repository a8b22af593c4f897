"""``python -m stowport`` is the command ``stowport``."""

import sys

from stowport.command import main

sys.exit(main())
