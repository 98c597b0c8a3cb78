"""XGBoost without scikit-learn.

xgboost imports scikit-learn wherever it is installed, for wrappers that nobody here uses: two seconds of every worker's
start. Hidden for the moment of the import, it is not looked for.
"""

import sys
from typing import Any

_hidden = "sklearn" not in sys.modules
if _hidden:
    # Python's own way to say that a module is not there.
    sys.modules["sklearn"] = None  # type: ignore[assignment]
try:
    import xgboost as _xgboost
finally:
    if _hidden:
        del sys.modules["sklearn"]

xgboost: Any = _xgboost
"""The package; use its native interface alone."""
