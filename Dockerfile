# One image for every process of loanstream: the command chooses which. docs/compose.md says how it is used.
# Nobody has built it yet: tests/compose holds it against what it copies and runs.

FROM python:3.13.15-slim-trixie AS build
WORKDIR /build
# What builds stays here; what runs is an environment of its own. Wheels alone: whatever would build one has no hash.
COPY deploy/image/build.lock deploy/image/requirements.lock ./
RUN pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement build.lock \
 && python -m venv /opt/loanstream \
 && /opt/loanstream/bin/pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes \
    --requirement requirements.lock
COPY pyproject.toml README.md LICENSE make_setup.py ./
COPY schemas schemas
COPY stores stores
COPY scoring scoring
COPY registry registry
COPY processors processors
COPY producers producers
COPY training training
COPY dashboards dashboards
COPY loanstream loanstream
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --no-index --wheel-dir dist . \
 && /opt/loanstream/bin/pip install --no-cache-dir --no-deps --no-index dist/loanstream-*.whl

FROM python:3.13.15-slim-trixie
# The number that loanstream.deploy.certificates gives private keys to.
RUN useradd --uid 10001 --user-group --create-home --shell /usr/sbin/nologin loanstream \
 && install --directory --owner loanstream --group loanstream --mode 0700 \
    /srv/loanstream/documents /srv/loanstream/artefacts /srv/loanstream/keys \
    /srv/loanstream/keys-of-tenants /srv/loanstream/key-of-warehouse /var/lib/loanstream/slots
COPY --from=build /opt/loanstream /opt/loanstream
ENV PATH=/opt/loanstream/bin:$PATH PYTHONUNBUFFERED=1
USER loanstream
WORKDIR /home/loanstream
ENTRYPOINT []
CMD ["loanstream", "--help"]
