"""Give private attributes their place in a data set (PS3.5 7.8.1).

The Native DICOM Model names a private attribute by its creator and the last two digits of its
tag, ``gggg00ee``; the reader has to reserve a block of the group for the creator (PS3.19 Table
A.1.5-2). Blocks belong to one data set or item.
"""

from dicomweb.metadata.metadata import NotUnderstood

_FIRST_BLOCK = 0x10
_LAST_BLOCK = 0xFF


def is_creator(element: int) -> bool:
    """Tell whether a private element of this number is a Private Creator."""
    return _FIRST_BLOCK <= element <= _LAST_BLOCK


class PrivateBlocks:
    """The blocks of one data set: those that its own elements use, then those reserved here."""

    def __init__(self) -> None:
        self.creators: list[tuple[int, str]] = []
        """The Private Creator elements that have to be added: tag and value."""
        self._blocks: dict[tuple[int, str], int] = {}
        self._taken: set[tuple[int, int]] = set()
        self._next: dict[int, int] = {}
        """The first block of a group that is not known to be used or reserved."""

    def take(self, tag: int, creator: str) -> None:
        """Keep free the block of an element that is in it without naming its creator.

        ``creator`` is the value if the element is a Private Creator itself, else empty.
        """
        group, element = tag >> 16, tag & 0xFFFF
        block = element if is_creator(element) else element >> 8
        self._taken.add((group, block))
        if is_creator(element) and creator:
            self._blocks.setdefault((group, creator), block)

    def tag(self, tag: int, creator: str) -> int:
        """Return the tag of an attribute of ``creator``, whose block is reserved if there is none.

        Some writers leave the original block in the tag; only its last byte counts. Raises
        NotUnderstood if all blocks of the group are taken, or if the group is not private.
        """
        group = tag >> 16
        if not group & 1:
            raise NotUnderstood("found a private creator for a tag that is not private")
        if (group, creator) not in self._blocks:
            self._reserve(group, creator)
        return group << 16 | self._blocks[group, creator] << 8 | tag & 0xFF

    def _reserve(self, group: int, creator: str) -> None:
        if "\\" in creator:
            raise NotUnderstood("found a backslash in a private creator")
        for block in range(self._next.get(group, _FIRST_BLOCK), _LAST_BLOCK + 1):
            if (group, block) not in self._taken:
                self._next[group] = block + 1
                self._blocks[group, creator] = block
                self.creators.append((group << 16 | block, creator))
                return
        raise NotUnderstood(f"found more private creators than group {group:04X} has blocks for")
