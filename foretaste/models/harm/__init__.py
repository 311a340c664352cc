"""What a cohort's rows do to models, measured on trusted rows by leaving the cohort out."""

from foretaste.models.harm.effect import Harm, Settings, harm_of
from foretaste.models.harm.ridge import Ridge
from foretaste.models.harm.subsets import subset_effects

__all__ = ["Harm", "Ridge", "Settings", "harm_of", "subset_effects"]
