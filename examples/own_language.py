"""A language of one's own: the words that a lab uses, in a few lines, and a program written in it."""

import jax.numpy as jnp
import numpy as np

from antiphon.language import Language, Program, to_words

# --- the language -----------------------------------------------------------------------------------------
mouse = Language(
    "mouse", features={"speed": "cm/s", "nose_distance": "cm", "facing_angle": "rad"}, rate_hz=30
)


@mouse.primitive("Seq[Real[n]] -> Real[n]", prints="lower quartile of {0}")
def slow(frames, mask):
    """Frames `(time, n)` and their mask `(time,)` to a vector `(n,)`."""
    return jnp.nanquantile(jnp.where(mask[:, None], frames, jnp.nan), 0.25, axis=0)


# --- a program in it --------------------------------------------------------------------------------------
TEXT = """
language mouse
input x: Seq[Real[3]] of speed, nose_distance, facing_angle
output classes ["explores", "attacks"]
program
  if affine[-1*nose_distance + 2.1](last(window_mean[width=0.5 s, look=trailing](x))) > 0
  then affine[1.8*speed - 0.4](slow(x))
  else affine[-3.2](slow(x))
"""


def main() -> None:
    """Print what the program says, and what it says of two made-up sequences."""
    program = Program.parse(TEXT)
    print(to_words(program))
    near, far = np.tile([4.0, 1.0, 0.1], (60, 1)), np.tile([4.0, 6.0, 0.1], (60, 1))
    print(program.predict([near, far]))


if __name__ == "__main__":
    main()
