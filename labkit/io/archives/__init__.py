"""Archives from strangers, read without unpacking anything to a disk.

Members are listed and read under limits. What is hostile (names that lead elsewhere, links, devices, names that are there
twice, bombs, files that overlap) or damaged is an ArchiveError that names archive, member and position. Contents are bytes:
whoever opens what is nested in them does so with limits of its own.
"""

from labkit.io.archives.archive import Archive
from labkit.io.archives.members import Limits, Member

__all__ = ["Archive", "Limits", "Member"]
