"""Types of parameters that several controls take, with the rules of their values."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_MODE = re.compile(r"0?[0-7]{3,4}")


def _check_mode(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        hint = f"0{value:o}" if 0 <= value <= 0o7777 else "0750"
        raise ValueError(
            f"a mode is a quoted string of octal digits, and YAML reads unquoted digits as a number "
            f'(0700 as 448): write "{hint}"'
        )
    if isinstance(value, str) and not _MODE.fullmatch(value):
        raise ValueError(f'a mode has three or four octal digits, such as "0750", got {value!r}')
    return value


Mode = Annotated[str, BeforeValidator(_check_mode)]
"""A file mode as a quoted string of octal digits, such as `"0750"`."""

AbsolutePath = Annotated[str, Field(pattern="^/")]
Reason = Annotated[str, Field(min_length=1)]
"""A text for people that is not empty."""
