"""The provider's keys: fetched when they should be, and no more often; what fails leaves what is known in force."""

import asyncio
import base64
import json
import logging

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey

from producers.gateway import jwks
from producers.gateway.jwks_page import WITHIN_S
from producers.gateway.problems import ProblemError
from producers.gateway.provider_keys import ProviderKeys, Times


@pytest.fixture
def clock():
    """A clock that is set by hand."""

    class Clock:
        at = 1000.0

        def __call__(self):
            return self.at

    return Clock()


@pytest.fixture
def keys(provider, clock):
    """The keys of a provider."""
    return ProviderKeys(provider.fetch, now=clock)


def known(run, keys, kid="ec-1", algorithm="ES256"):
    """Whether the key is known, after everything that the question began has ended."""

    async def asked():
        found = await keys.key(kid, algorithm)
        if keys._fetching is not None:
            await keys._fetching
        return found is not None

    return run(asked())


def test_keys_are_fetched_once_and_kept(run, keys, provider):
    """A hundred requests, one fetch."""
    assert all(known(run, keys) for _ in range(100))
    assert provider.fetches == 1


def test_a_new_key_is_known_at_its_first_token(run, keys, provider, clock):
    """A rotation refuses nobody: an unknown id is asked for at once."""
    assert known(run, keys)
    provider.add("ec-2")
    assert known(run, keys, "ec-2")
    assert provider.fetches == 2


def test_made_up_key_ids_make_no_storm(run, keys, provider, clock):
    """Ten thousand of them in a cool-down are one fetch, and none is remembered."""
    assert known(run, keys)
    for number in range(10_000):
        assert run(keys.key(f"made-up-{number}", "ES256")) is None
    assert provider.fetches == 2
    clock.at += 11
    run(keys.key("made-up", "ES256"))
    assert provider.fetches == 3
    assert known(run, keys)


def test_one_fetch_at_a_time_is_everybody_s(run, keys, provider):
    """A thousand clients that come at the start wait for the same one; one who goes away does not end it."""

    async def many():
        provider.slow = asyncio.Event()
        waiting = [asyncio.create_task(keys.key("ec-1", "ES256")) for _ in range(1000)]
        await asyncio.sleep(0)
        waiting.pop().cancel()
        await asyncio.sleep(0)
        provider.slow.set()
        return await asyncio.gather(*waiting)

    assert all(run(many()))
    assert provider.fetches == 1


HALF_A_MINUTE = 30.0
"""What the page of the gateway promises."""


@pytest.mark.parametrize("idle_s", [HALF_A_MINUTE + 1, 60, 299, 301, 3600, 86_000])
def test_an_old_key_is_refused_once_it_is_not_published_any_more(run, keys, provider, clock, idle_s):
    """Half a minute after it was taken away, and by the first request: whether or not anybody asked in between."""
    provider.add("ec-2")
    assert known(run, keys)
    del provider.keys["ec-1"]
    assert known(run, keys), "within the age of what is kept"
    clock.at += idle_s
    assert not known(run, keys)
    assert known(run, keys, "ec-2")


def test_with_requests_coming_it_is_refused_within_half_a_minute(run, keys, provider, clock):
    """Keys are renewed behind the requests, of which none waits: also for a provider that is as slow as it may be."""
    provider.add("ec-2")
    assert known(run, keys)
    del provider.keys["ec-1"]

    async def asked():
        return await keys.key("ec-1", "ES256") is not None

    async def until_it_is_refused():
        provider.slow = asyncio.Event()
        for second in range(int(HALF_A_MINUTE) + 1):
            clock.at += 1
            if second == Times().renew_s + WITHIN_S:
                provider.slow.set()
                await asyncio.sleep(0)
                await keys._fetching
            async with asyncio.timeout(0.5):
                if not await asked():
                    return second
        return None

    assert run(until_it_is_refused()) is not None
    assert Times().renew_s + WITHIN_S < Times().trusted_s <= HALF_A_MINUTE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("down", "no answer in time"),
        ("page", b""),
        ("page", b"<html>maintenance</html>"),
        ("page", b"{}"),
        ("page", b"[]"),
        ("page", b"null"),
        ("page", b'{"keys": {}}'),
        ("page", b'{"keys": "down"}'),
        ("page", b'{"keys": [null]}'),
        ("page", b'{"keys": [{"kid": "ec-1"}]}'),
        ("page", b"\xff\xfe{"),
        ("page", b"[" * 200_000),
        ("page", json.dumps({"keys": [{"kty": "EC"}] * 65}).encode()),
    ],
)
def test_a_dead_or_a_garbled_endpoint_leaves_the_known_keys_in_force(run, keys, provider, clock, caplog, name, value):
    """And is told, once in the log, and in readiness until it is well again."""
    caplog.set_level(logging.INFO)
    assert known(run, keys)
    assert keys.complaint is None
    setattr(provider, name, value)
    for _ in range(20):
        clock.at += 60
        assert known(run, keys)
    assert keys.complaint is not None
    assert len(caplog.records) == 1
    setattr(provider, name, None)
    clock.at += 60
    known(run, keys)
    assert keys.complaint is None
    assert provider.fetches <= 22


def test_a_fault_nobody_thought_of_is_one_more_dead_endpoint(run, keys, provider, clock):
    """It neither refuses a token nor ends the fetches."""
    assert known(run, keys)
    keys._fetch = None  # calling it is a TypeError
    clock.at += 301
    assert known(run, keys)
    assert keys.complaint == "the provider's keys cannot be had: TypeError"


def test_while_it_is_down_nobody_waits_for_it(run, keys, provider, clock):
    """A slow provider is not a slow gateway: after the first who waited, the known keys answer at once."""
    assert known(run, keys)
    provider.down = "no answer in time"
    clock.at += 301
    assert known(run, keys)

    async def while_hanging():
        provider.slow = asyncio.Event()
        clock.at += 11
        async with asyncio.timeout(0.5):
            found = await keys.key("ec-1", "ES256")
        provider.slow.set()
        return found

    assert run(while_hanging()) is not None


def test_keys_that_could_not_be_called_back_for_a_day_are_not_believed(run, keys, provider, clock):
    """Who keeps the provider silent does not keep a stolen key alive."""
    assert known(run, keys)
    provider.down = "no answer in time"
    clock.at += Times().kept_s + 1
    with pytest.raises(ProblemError) as caught:
        run(keys.key("ec-1", "ES256"))
    assert (caught.value.kind, caught.value.retry_after_s) == ("keys-unknown", Times().cool_down_s)


def test_without_any_key_requests_are_told_to_come_again_and_make_no_storm(run, keys, provider, clock):
    """503 and not 401: the token may well be good."""
    provider.down = "no answer in time"
    for _ in range(100):
        with pytest.raises(ProblemError) as caught:
            run(keys.key("ec-1", "ES256"))
        assert caught.value.kind == "keys-unknown"
    assert provider.fetches == 1
    provider.down = None
    clock.at += 11
    assert known(run, keys)


def test_a_provider_that_withdraws_every_key_is_obeyed(run, keys, provider, clock):
    """An empty set is an answer: nothing is signed by anybody now."""
    assert known(run, keys)
    provider.keys.clear()
    clock.at += 301
    with pytest.raises(ProblemError):
        run(keys.key("ec-1", "ES256"))
    assert keys.complaint == "the provider publishes no key that could be used"


def test_a_token_is_refused_once_its_key_is_withdrawn_even_if_it_was_good_before(door, provider, monkeypatch):
    """What was verified is remembered by its key too."""
    token = provider.token()
    assert door.run(door.verifier.caller(token)).tenant == "bank-a"
    provider.keys["ec-1"] = ECKey.generate_key("P-256")  # the same id, another key
    door.keys._got_at -= 301
    door.keys._asked_at -= 301
    with pytest.raises(ProblemError) as caught:
        door.run(door.verifier.caller(token))
    assert caught.value.reason == "token-key"


def whole(number):
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwk(key, **members):
    return {**key.as_dict(private=False), "kid": "one"} | members


EC, RSA = ECKey.generate_key("P-256"), RSAKey.generate_key(2048)
WEAK = rsa.generate_private_key(65537, 1024).public_key().public_numbers()


@pytest.mark.filterwarnings("ignore:Key size")
@pytest.mark.parametrize(
    ("found", "usable"),
    [
        (jwk(EC), {("one", "ES256")}),
        (jwk(RSA), {("one", "RS256")}),
        (jwk(EC, use="sig", alg="ES256", key_ops=["verify"]), {("one", "ES256")}),
        (jwk(EC, use="enc"), set()),
        (jwk(EC, alg="ES384"), set()),
        (jwk(RSA, alg="PS256"), set()),
        (jwk(RSA, alg="HS256"), set()),
        (jwk(EC, key_ops=["sign"]), set()),
        (jwk(EC, key_ops="verify"), set()),
        (jwk(EC, kid=None), set()),
        (jwk(EC, kid=7), set()),
        (jwk(ECKey.generate_key("P-384")), set()),
        ({"kty": "RSA", "kid": "one", "n": whole(WEAK.n), "e": whole(WEAK.e)}, set()),
        (jwk(OKPKey.generate_key("Ed25519")), set()),
        (jwk(EC, x="AAAA"), set()),
        (jwk(EC, y=EC.as_dict()["x"]), set()),
        (jwk(EC, x=7), set()),
        (jwk(RSA, e="AA"), set()),
        ({"kty": "oct", "k": "c2VjcmV0", "kid": "one"}, set()),
        ({"kty": "unheard-of", "kid": "one"}, set()),
    ],
)
def test_a_key_is_used_for_what_it_is_and_others_are_passed_over(found, usable):
    """A set with a key of tomorrow's kind still has today's."""
    assert jwks.keys_of(json.dumps({"keys": [found]}).encode()).keys() == usable
    beside = jwk(ECKey.generate_key("P-256"), kid="two")
    assert jwks.keys_of(json.dumps({"keys": [found, beside]}).encode()).keys() == usable | {("two", "ES256")}


def test_of_a_private_key_that_was_published_nothing_private_is_kept():
    """A provider's mistake is not made worse."""
    page = json.dumps({"keys": [{**EC.as_dict(private=True), "kid": "one"}]}).encode()
    (key,) = jwks.keys_of(page).values()
    assert not key.is_private
