"""The bits of a parameter set: ITU-T H.264 7.2, 7.4.1, 9.1 and H.265 7.2, 7.4.2, 9.2.

Numbers have a fixed length or are Exp-Golomb codes. The bytes 00 00 03 stand for 00 00, so that
no start code appears inside. All that is read of a parameter set is in its first kilobyte.
"""

from dicomweb.codestreams.fields import unreadable

_MAX_BYTES = 1024
_MAX_ZEROS = 32


class Bits:
    """Reads a parameter set from its first bit on; raises InstanceRejected (C000) at its end."""

    def __init__(self, unit: memoryview) -> None:
        payload = bytes(unit[:_MAX_BYTES]).replace(b"\0\0\3", b"\0\0")
        self._number = int.from_bytes(payload, "big")
        self._left = 8 * len(payload)

    def unsigned(self, count: int) -> int:
        """Read u(n)."""
        if count > self._left:
            raise unreadable("found the end of a parameter set inside a field, expected more")
        self._left -= count
        return self._number >> self._left & (1 << count) - 1

    def flag(self) -> bool:
        """Read u(1)."""
        return self.unsigned(1) == 1

    def golomb(self) -> int:
        """Read ue(v)."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > _MAX_ZEROS:
                raise unreadable(
                    "found an Exp-Golomb code of more than 32 bits, expected at most 32"
                )
        return (1 << zeros) - 1 + self.unsigned(zeros)

    def signed_golomb(self) -> int:
        """Read se(v)."""
        code = self.golomb()
        return (code + 1) // 2 if code % 2 else -(code // 2)
