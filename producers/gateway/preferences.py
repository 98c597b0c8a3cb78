"""`Prefer: wait=N` (RFC 7240): how long a client would wait for the decision."""

WAIT_MOST_S = 30


def wait_s(preferences: list[str]) -> int:
    """Seconds to wait, at most `WAIT_MOST_S`, by the request's `Prefer` headers; 0 where they ask for no wait.

    A preference that is not known or cannot be read is ignored, as the RFC has it; of several the first counts.

    >>> wait_s(["respond-async, wait=10"]), wait_s(["wait=90"]), wait_s(["wait=soon"]), wait_s([])
    (10, 30, 0, 0)
    """
    for preference in ",".join(preferences).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            asked = value.strip().strip('"')
            return min(int(asked), WAIT_MOST_S) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0
    return 0
