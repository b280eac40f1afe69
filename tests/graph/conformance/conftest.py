"""Let the tests here find the cases."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
