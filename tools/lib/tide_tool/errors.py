"""Everything that may go wrong outside of this program: one line and one exit status each."""


class Trouble(Exception):
    """Ends the command: its text is the line, `status` the exit status."""

    status = 1


class Usage(Trouble):
    """A wrong argument."""

    status = 2


class Gone(Trouble):
    """There is no such process, or no more."""

    status = 3


class Denied(Trouble):
    """The kernel does not let us read that process."""

    status = 4


class NoLibrary(Trouble):
    """The process does not use tidemalloc."""

    status = 5


class Unknown(Trouble):
    """The library's description is of another age than this tool, or damaged."""

    status = 6


class Own(Trouble):
    """`tide watch` itself cannot work; the number is the one env and timeout use."""

    status = 125


class NotExecutable(Trouble):
    """CMD cannot be executed."""

    status = 126


class NotFound(Trouble):
    """There is no CMD."""

    status = 127
