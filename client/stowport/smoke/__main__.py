"""``python -m stowport.smoke`` is ``stowport smoke``, without what only the other commands need."""

import sys

from stowport.arguments import parser
from stowport.credentials import Credentials
from stowport.smoke.command import run
from stowport.transport import Transport

chosen = parser().parse_args(["smoke", *sys.argv[1:]])
sys.exit(run(chosen, Transport(Credentials(chosen.token), connections=8, tries=1)))
