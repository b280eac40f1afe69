"""Reports: what a run found, for people (HTML, text, LaTeX) and for programs (JSON)."""

from antiphon.report._html import render_html, write_html
from antiphon.report._json import to_json, write_json
from antiphon.report._result import (
    BaselineScore,
    Confusion,
    Curve,
    DataSummary,
    FrontRow,
    Look,
    ProgramText,
    Reproduction,
    RunResult,
    Scatter,
    SearchTrace,
)
from antiphon.report._sound_result import (
    Course,
    Listening,
    Recording,
    SoundLook,
    Stream,
    Subjects,
    SubjectScore,
    Taken,
)
from antiphon.report._tables import summary_table, to_latex_table

__all__ = [
    "BaselineScore",
    "Confusion",
    "Course",
    "Curve",
    "DataSummary",
    "FrontRow",
    "Listening",
    "Look",
    "ProgramText",
    "Recording",
    "Reproduction",
    "RunResult",
    "Scatter",
    "SearchTrace",
    "SoundLook",
    "Stream",
    "SubjectScore",
    "Subjects",
    "Taken",
    "render_html",
    "summary_table",
    "to_json",
    "to_latex_table",
    "write_html",
    "write_json",
]
