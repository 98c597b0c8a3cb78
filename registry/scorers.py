"""The scorer of each pair of artefacts: loaded from the store, checked as a whole, kept."""

from functools import lru_cache

from registry.history import InForce
from scoring.bundle import load_bundle
from scoring.decision import Scorer
from scoring.policy_document import parse_policy
from stores.artefacts import ArtefactStore

POLICY_FILE = "policy.yaml"
"""The one file of a policy's artefact."""


class Scorers:
    """The scorer of each pair of artefacts in force, loaded once. Raises `ArtefactMissing`."""

    def __init__(self, artefacts: ArtefactStore) -> None:
        self._artefacts = artefacts
        self.of = lru_cache(maxsize=16)(self._load)

    def _load(self, chosen: InForce) -> Scorer:
        bundle = load_bundle(self._artefacts.get(chosen.bundle_id))
        policy = parse_policy(self._artefacts.get(chosen.policy_id)[POLICY_FILE].decode())
        return Scorer(bundle, policy)
