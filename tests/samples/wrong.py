"""Wrong declarations: what is changed in a right one, and the line that says so."""

from tests.samples.right import ENVIRON, RIGHT, Wrong
from tests.samples.wrong_across import ACROSS, SYNTAX
from tests.samples.wrong_cors import CORS
from tests.samples.wrong_shapes import SHAPES
from tests.samples.wrong_texts import TEXTS

__all__ = ["ENVIRON", "RIGHT", "SYNTAX", "WRONG", "Wrong"]

WRONG = [*SHAPES, *TEXTS, *ACROSS, *CORS, *SYNTAX]
