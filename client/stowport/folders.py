"""The files in folders at all levels, and the links in them."""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Refuse = Callable[[Path, str], None]


class Folders:
    """Goes through folders. A folder or link that cannot be read is given to ``refuse``.

    Links in folders are followed if ``follow_links``. Otherwise one that leads to somewhere in
    ``named``, the paths that the user has named, needs not be followed, because what it leads to
    is found there; all others are refused.
    """

    def __init__(self, named: Iterable[Path], refuse: Refuse, *, follow_links: bool) -> None:
        self._named = [os.path.realpath(path) for path in named]
        self._refuse = refuse
        self._follow_links = follow_links
        self._seen: set[str] = set()

    def mode_of(self, path: Path) -> int:
        """Return the mode of what ``path`` leads to, 0 if it was refused."""
        return self._mode(path, follow_links=True)

    def files(self, root: Path) -> Iterator[Path]:
        """Yield what is in a folder and is no folder: first in it, then in its subfolders."""
        outstanding = [(root, frozenset[str]())]
        while outstanding:
            folder, above = outstanding.pop()
            real = os.path.realpath(folder)
            if real in above:
                self._refuse(folder, "the link leads back to a folder that contains it")
            if real in self._seen:
                continue
            self._seen.add(real)
            folders = []
            for path in self._entries(folder):
                mode = self._mode(path, follow_links=self._follow_links)
                if stat.S_ISLNK(mode):
                    self._look_at_link(path)
                elif stat.S_ISDIR(mode):
                    folders.append((path, above | {real}))
                elif mode:
                    yield path
            outstanding += reversed(folders)

    def _entries(self, folder: Path) -> Iterator[Path]:
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 - a Path for each takes more memory
        except OSError as error:
            self._refuse(folder, f"the folder cannot be read: {error.strerror}")
            return
        yield from (folder / name for name in names)

    def _mode(self, path: Path, *, follow_links: bool) -> int:
        try:
            return path.stat(follow_symlinks=follow_links).st_mode
        except OSError as error:
            # In this order: without permission to look, is_symlink raises the same error as stat.
            nowhere = error.errno in (errno.ENOENT, errno.ELOOP) and path.is_symlink()
            what = "the link leads nowhere" if nowhere else "the file cannot be read"
            self._refuse(path, f"{what}: {error.strerror}")
            return 0

    def _look_at_link(self, path: Path) -> None:
        target = os.path.realpath(path)
        leads_inside = any(
            target == root or target.startswith(os.path.join(root, ""))  # noqa: PTH118 - as text
            for root in self._named
        )
        if self.mode_of(path) and not leads_inside:
            self._refuse(
                path,
                "found a link that leads to another place, expected --follow-links to follow it",
            )
