"""An error that nothing foresaw, as the log may have it: what it is and where it was, and none of its words.

They may quote what is in a request. So may those of the errors behind it.
"""

from __future__ import annotations


class Wordless(Exception):
    """Stands for an error of the type that it names."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"{type(error).__qualname__}, whose words are left out, as they may quote a request")


def without_words(error: BaseException) -> BaseException:
    """The same error for a log, with its traceback and what was behind it."""
    told: BaseException
    if isinstance(error, BaseExceptionGroup):
        told = BaseExceptionGroup("several errors", [without_words(each) for each in error.exceptions])
    else:
        told = Wordless(error)
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    told.__cause__ = None if behind is None else without_words(behind)
    return told.with_traceback(error.__traceback__)
