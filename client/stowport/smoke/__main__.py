"""``python -m stowport.smoke`` is ``stowport smoke``, without what only the other commands need."""

import sys

from stowport.arguments import parser
from stowport.smoke.command import run

sys.exit(run(parser().parse_args(["smoke", *sys.argv[1:]])))
