"""Data elements and data sets between metadata and file, in little memory (PS3.5 7.1).

pydicom's objects cost a kilobyte for an item and as much time as all the rest; a body of a few
megabytes may hold a hundred thousand of them. So an element keeps its value as it will be written:
text as text, numbers as bytes.
"""

Value = str | bytes | memoryview | list["DataSet"]


class Element:
    """The VR and the value of an element.

    The value is the whole Value Field: of a VR that is text the text, with its backslashes; of a
    sequence the items; of any other VR the bytes in Little Endian. It may still lack padding.
    """

    __slots__ = ("value", "vr")

    def __init__(self, vr: str, value: Value) -> None:
        self.vr = vr
        self.value = value


class Encapsulated(Element):
    """Encapsulated pixel data: items up to the delimiter, which is not among them (PS3.5 A.4)."""

    __slots__ = ()


class DataSet(dict[int, Element]):
    """A data set or an item: its elements by their tags, in the order in which they were stated."""

    __slots__ = ()
