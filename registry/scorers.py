"""The scorer of each pair of artefacts: loaded from the store, checked as a whole, kept."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Protocol, TypeVar

from registry.history import InForce
from schemas.problem import Problem
from scoring.bundle import Bundle, BundleError, load_bundle
from scoring.decision import Scorer
from scoring.policy import Policy
from scoring.policy_document import parse_policy
from stores.artefacts import ArtefactMissing

T = TypeVar("T")

POLICY_FILE = "policy.yaml"
"""The one file of a policy's artefact."""

KEPT_BESIDE = 16
"""Scorers kept beyond those in force: of what was accepted earlier, when a stage is behind or records are redriven."""

REMEMBERED_S = 10.0
"""For so long an artefact that did not load is not loaded again: that costs a tenth of a second, for all tenants."""


class Unusable(Problem):
    """An artefact cannot decide: the text names its id, and says in one line why.

    `passing` is what may end at any moment, and costs nothing to look at again: an artefact that is not there.
    """

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


class Loaded(Protocol):
    """What the score stage asks of artefacts."""

    def of(self, chosen: InForce) -> Scorer:
        """The scorer of a pair. Raises `Unusable`."""
        ...


class Artefacts(Protocol):
    """What scorers ask of the artefact store."""

    def get(self, artefact_id: str) -> Mapping[str, bytes]:
        """An artefact's files. Raises `ArtefactMissing`."""
        ...


class Scorers:
    """The scorer of each pair of artefacts, loaded once. Raises `Unusable`.

    Kept are those that `needed` names, and a few others. A bundle is shared by all pairs that have it. An artefact that
    is missing is looked for each time; one that does not load is tried again some seconds later.
    """

    def __init__(
        self,
        artefacts: Artefacts,
        needed: Callable[[], Collection[InForce]] = frozenset,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._artefacts, self._needed, self._now = artefacts, needed, now
        self._kept: OrderedDict[InForce, Scorer] = OrderedDict()
        self._failed: dict[str, tuple[float, str]] = {}

    def of(self, chosen: InForce) -> Scorer:
        """The scorer of a pair of artefacts. Raises `Unusable`."""
        scorer = self._kept.get(chosen)
        if scorer is None:
            scorer = self._kept[chosen] = self._load(chosen)
            self._let_go()
        self._kept.move_to_end(chosen)
        return scorer

    def _load(self, chosen: InForce) -> Scorer:
        bundle_id, policy_id = chosen
        kept = next((scorer.bundle for pair, scorer in self._kept.items() if pair.bundle_id == bundle_id), None)
        bundle = kept or self._tried(bundle_id, lambda: stored_bundle(self._artefacts, bundle_id))
        policy = self._tried(policy_id, lambda: stored_policy(self._artefacts, policy_id))
        together = f"bundle {bundle_id} with policy {policy_id}"
        return self._tried(together, lambda: _usable(together, lambda: Scorer(bundle, policy)))

    def _tried(self, what: str, load: Callable[[], T]) -> T:
        since, failure = self._failed.get(what, (0.0, None))
        if failure is not None and self._now() - since < REMEMBERED_S:
            raise Unusable(failure)
        self._failed.pop(what, None)
        try:
            return load()
        except Unusable as why:
            if not why.passing:
                self._failed[what] = (self._now(), str(why))
            raise

    def _let_go(self) -> None:
        needed = self._needed()
        others = [pair for pair in self._kept if pair not in needed]
        for pair in others[:-KEPT_BESIDE]:
            del self._kept[pair]


def stored_bundle(artefacts: Artefacts, bundle_id: str) -> Bundle:
    """A bundle of the store, checked as a whole. Raises `Unusable`."""
    return _usable(f"bundle {bundle_id}", lambda: _bundle(artefacts, bundle_id))


def stored_policy(artefacts: Artefacts, policy_id: str) -> Policy:
    """A policy of the store. Raises `Unusable`."""
    return _usable(f"policy {policy_id}", lambda: _policy(artefacts, policy_id))


def _bundle(artefacts: Artefacts, bundle_id: str) -> Bundle:
    bundle = load_bundle(artefacts.get(bundle_id))
    if bundle.bundle_id != bundle_id:
        raise BundleError(f"what is stored there is bundle {bundle.bundle_id}")
    return bundle


def _policy(artefacts: Artefacts, policy_id: str) -> Policy:
    files = artefacts.get(policy_id)
    if POLICY_FILE not in files:
        raise Problem(f"{POLICY_FILE}: missing")
    policy = parse_policy(files[POLICY_FILE].decode(), stored=True)
    if policy.policy_id != policy_id:
        raise Problem(f"what is stored there is policy {policy.policy_id}")
    return policy


def _usable(what: str, load: Callable[[], T]) -> T:
    try:
        return load()
    except ArtefactMissing:
        raise Unusable(f"{what} is not in the artefact store", passing=True) from None
    except OSError as error:
        raise Unusable(f"{what} cannot be read: {error.strerror}", passing=True) from None
    except Problem as error:
        raise Unusable(f"{what} does not load: {' '.join(str(error).split())}") from error
    except Exception as error:  # whatever is wrong with one tenant's artefact, the others are decided
        raise Unusable(f"{what} does not load: {type(error).__name__}") from error
