"""Draw `docs/images/sound.svg`: one recording as the report shows it.

Run it as `python docs/make_sound_picture.py [MODEL]`: without a model file it learns one on synthetic-sounds
with 60 candidates and seed 0.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

from antiphon._engine import configure

configure()

from antiphon import ProgramClassifier, load_model  # noqa: E402
from antiphon.data import load  # noqa: E402
from antiphon.estimators import listening, program_text  # noqa: E402
from antiphon.report import DataSummary, RunResult, render_html  # noqa: E402

OUT = Path(__file__).parent / "images" / "sound.svg"
SHOWN = "chirp"
# The colours of the light page, for a picture that stands alone.
COLOURS = {"ink": "#1c2127", "muted": "#626b76", "line": "#dcdfe4", "program": "#2978d6", "other": "#98a1ad",
           "against": "#d2600f"}  # fmt: skip


def main() -> None:
    """Learn (or load), and take the drawing out of the report."""
    train, test = dataset = load("synthetic-sounds", sound="centroid,level,flatness")
    if len(sys.argv) > 1:
        model = load_model(sys.argv[1])
    else:
        model = ProgramClassifier(candidates=60, random_state=0).fit(train.X, train.y, train.subjects)
    heard = listening(model.program_, dataset, model.predict(test.X))
    data = DataSummary(
        dataset.name, "classification", len(train), len(test), (1, 1), tuple(train.X.features.names)
    )
    page = render_html(
        RunResult(
            data, program_text(model.program_), "accuracy", model.score(test.X, test.y), listening=heard
        )
    )
    looks = re.findall(r'<h3>([^<]*?) .*?aria-label="(Spectrogram[^"]*)">(<svg.*?</svg>)', page, re.DOTALL)
    name, words, svg = next(look for look in looks if look[0].strip().startswith(SHOWN))
    for colour, value in COLOURS.items():
        svg = svg.replace(f"var(--{colour})", value)
    head, body = svg.split(">", 1)
    OUT.write_text(
        f'{head} style="background: white">\n<title>{html.escape(words)}</title>{body}\n', encoding="utf-8"
    )
    print(f"{OUT}: {name}")


if __name__ == "__main__":
    main()
