"""The bundles and policies that come with the package: the only input of `scoring`, and the caller's to use."""

from importlib import resources

BUNDLES = ("default", "as-labelled", "paper")
POLICIES = ("standard", "paper")


def shipped_bundle_files(name: str) -> dict[str, bytes]:
    """The files of a shipped bundle, for `load_bundle`. Raises LookupError for another name."""
    if name not in BUNDLES:
        raise LookupError(f"no bundle of this name is shipped; there are {', '.join(BUNDLES)}")
    folder = resources.files("scoring") / "bundles" / name
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def shipped_policy_text(name: str) -> str:
    """The YAML text of a shipped policy, for `parse_policy`. Raises LookupError for another name."""
    if name not in POLICIES:
        raise LookupError(f"no policy of this name is shipped; there are {', '.join(POLICIES)}")
    return (resources.files("scoring") / "policies" / f"{name}.yaml").read_text("utf-8")
