"""The scale on which probabilities are shifted and compared: the logit, finite also at 0 and 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

# Probabilities nearer to 0 or 1 than this count as this far away: the logit stays within +-27.6.
_LEAST = 1e-12


def logit(probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return log(p / (1 - p)) of probabilities of any shape, float64; rises with p except within 1e-12 of 0 or 1."""
    return np.asarray(special.logit(np.clip(np.asarray(probabilities, np.float64), _LEAST, 1 - _LEAST)))
