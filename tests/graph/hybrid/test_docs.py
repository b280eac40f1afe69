"""The examples of the page run."""

import re
import runpy
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[3] / "docs" / "hybridize.md"


def test_the_examples_run(tmp_path, capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert blocks
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks), "utf-8")
    names = runpy.run_path(str(script))
    assert "for: converted" in capsys.readouterr().out
    assert names["Trainer"].step.compilations == 2
    np.testing.assert_allclose([float(v) for v in names["trainer"].losses], [9.0, 1.44], rtol=1e-5)
