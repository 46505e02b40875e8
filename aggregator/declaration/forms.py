"""The checks of an MBU's form: a URL, an application or a call, exactly one, and it can be asked in that way."""

import inspect
from collections.abc import Iterator

from aggregator.declaration.written import Written
from aggregator.imported import NotImportable, imported
from aggregator.mistakes import Mistake, near

Found = Iterator[Mistake]
_FORMS = ("url", "app", "call")
_WITH_URL_ONLY = ("ca_file", "client_cert_file", "client_key_file")
_ARGUMENTS = {"app": ("scope", "receive", "send"), "call": ("request",)}


def check_forms(written: Written) -> Found:
    """Exactly one form an MBU, and nothing beside it that is for another."""
    for name in written.right.mbus:
        given = [form for form in _FORMS if written.says(form, "mbus", name)]
        if len(given) != 1:
            message = f"expected exactly one of url, app and call, not {' and '.join(given) or 'none'}"
            yield written.mistake("mbus", name, given[-1] if given else "url", message)
        elif given != ["url"]:
            for key in _WITH_URL_ONLY:
                if written.says(key, "mbus", name):
                    message = f"is for an MBU with url, and this one has {given[0]}: there is no connection to protect"
                    yield written.mistake("mbus", name, key, message)


def check_importable(written: Written) -> Found:
    """Every application and call can be imported and called; this runs the code of its module."""
    for name, mbu in written.right.mbus.items():
        for form, reference in (("app", mbu.app), ("call", mbu.call)):
            if reference is not None and (wrong := _unusable(form, reference)):
                yield written.mistake("mbus", name, form, *wrong)


def _unusable(form: str, reference: str) -> tuple[str, str | None] | None:
    """Why the object cannot be used in this form, and the near miss."""
    try:
        found = imported(reference)
    except NotImportable as error:
        return str(error), near(error.missing, error.known)
    if not callable(found):
        return f"{reference} is {type(found).__name__}, and cannot be called", None
    arguments = _ARGUMENTS[form]
    try:
        inspect.signature(found).bind(*arguments)
    except ValueError:  # some of what is written in C does not tell its arguments
        return None
    except TypeError:
        return f"{reference} cannot be called with ({', '.join(arguments)}), as {form} is", None
    return None
