"""Pack the protocol into wheel and sdist from where it stands: in a clone, or in an sdist."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PLACES = ("../functions/dicomweb", "dicomweb")


class ProtocolHook(BuildHookInterface):  # type: ignore[type-arg] # its parameter is undocumented
    """Adds ``dicomweb``, of which the clone has no second copy."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the first place that is there, for any kind of package."""
        del version
        found = next(place for each in _PLACES if (place := Path(self.root, each)).is_dir())
        build_data["force_include"][str(found)] = "dicomweb"
