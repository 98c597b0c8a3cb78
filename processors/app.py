"""The Faust host of a worker: agent, timer, web endpoints and life cycle around the transport."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import faust
import mode
from faust.app.base import BootStrategy
from faust.web.base import BlueprintManager

from processors.transport.complaints import Complaints
from processors.transport.hosts import Host, host_of
from processors.transport.logs import log_to_stderr, place_of
from processors.transport.runtime import LOOP_STANDS_S, Watchdog, beat, exit_now
from processors.transport.slots import SlotLock, SlotTakenError
from processors.transport.specs import RangeSpec, StageSpec, WorkerKafka
from schemas.values import rfc3339_of_ms

log = logging.getLogger(__name__)

PUBLISH_S = 5.0

Publish = Callable[[Mapping[str, float]], None]
"""Gets every metric of the worker, by name, every few seconds, in a thread of its own."""


class WithoutFaustKafka(BootStrategy):
    """Starts sensors, web and agents; the records come from our own source."""

    enable_kafka = False


class FlowApp(faust.App):
    """A Faust app whose agent is fed by a `Host` and whose death of an agent is the death of the worker."""

    BootStrategy = WithoutFaustKafka

    def __init__(self, host: Host, name: str, slot: int, port: int, data: Path, publish: Publish | None = None) -> None:
        super().__init__(
            f"loanstream-{name}-{slot}",
            broker="kafka://unused",
            agent_supervisor=mode.CrashingSupervisor,
            autodiscover=False,
            web_enabled=True,
            web_bind="127.0.0.1",
            web_host="127.0.0.1",
            web_port=port,
            topic_disable_leader=True,
            datadir=data,
        )
        self._host, self._name, self._slot = host, name, slot
        self._feed: Any = self.channel(maxsize=1024)  # the host bounds what is open; this bound is never reached
        self.agent(self._feed, name=name)(self._work)
        self.on_before_shutdown.connect(self._drain)
        self._add_pages()
        if publish is not None:
            self._add_timer(publish)

    async def on_started(self) -> None:
        """Feed the agent, now that it runs."""
        await super().on_started()
        # Channels are shut until flow control resumes, and without Faust's consumer nobody else would do it; it also
        # clears the queues, so it comes before the first poll.
        self.flow_control.resume()
        while self._feed.subscriber_count == 0:  # noqa: ASYNC110 - Faust has no event for it; it takes one turn
            await asyncio.sleep(0.005)
        loop = asyncio.get_running_loop()

        def deliver(item: Any) -> None:
            asyncio.run_coroutine_threadsafe(self._feed.put(item), loop)

        self._host.start(deliver)

    async def _work(self, items: faust.StreamT[Any]) -> None:
        async for item in items:
            await self._host.work(item)

    async def _drain(self, *_: Any, **__: Any) -> None:
        # Before shutdown means: while the agents still run, for they must finish what is open.
        await asyncio.to_thread(self._host.stop)

    def _add_timer(self, publish: Publish) -> None:
        async def publish_metrics() -> None:
            try:
                await asyncio.to_thread(publish, self._host.meters.snapshot())
            except Exception as error:  # noqa: BLE001 - a metric that cannot be sent must not stop decisions
                log.warning("metrics were not published: %s", place_of(error))

        self.timer(PUBLISH_S)(publish_metrics)

    def _add_pages(self) -> None:
        self.web.blueprints = BlueprintManager([])  # ours are all there is

        @self.page("/healthz")
        async def healthz(view: Any, _: Any) -> Any:
            complaint = self._host.progress.complaint()
            return view.json({"healthy": complaint is None, "complaint": complaint}, status=503 if complaint else 200)

        @self.page("/readyz")
        async def readyz(view: Any, _: Any) -> Any:
            progress = self._host.progress
            waits = progress.waits_for()
            body = {
                "ready": waits is None,
                "why": None if waits is None else waits.why,
                "since": None if waits is None else rfc3339_of_ms(int((time.time() - waits.seconds) * 1000)),
                "stage": self._name,
                "slot": self._slot,
                "partitions": progress.assigned,
            }
            return view.json(body, status=503 if waits else 200)

        @self.page("/metrics")
        async def metrics(view: Any, _: Any) -> Any:
            progress = self._host.progress
            self._host.meters.set("open_batches", progress.open_batches)
            self._host.meters.set("waiting_offsets", progress.standstill.waiting)
            self._host.meters.set("broker_silent_seconds", progress.reach.silent_s)
            stuck: dict[tuple[str, ...], float] = {
                (place[0], str(place[1])): seconds for place, _, seconds, _ in progress.stuck()
            }
            self._host.meters.set_each("standstill_seconds", stuck)
            return view.bytes(self._host.meters.text(), content_type="text/plain")


def run_worker(
    spec: StageSpec | RangeSpec,
    kafka: WorkerKafka,
    slot: int,
    slot_dir: Path,
    port: int,
    publish: Publish | None = None,
) -> int:
    """Run a worker in the foreground until SIGTERM or SIGINT; returns its exit code.

    0 after a signal: open batches were committed (10 s at most). 1 when the slot is in use or the stage raised; what
    was open is then uncommitted, and the next start decides it. A failure of the transport ends the process with 1.
    """
    log_to_stderr(spec.name, slot)
    try:
        lock = SlotLock(slot_dir, spec.name, slot)
    except SlotTakenError as error:
        log.critical(str(error))
        return 1
    try:
        host = host_of(spec, kafka, slot, slot_dir, exit_now)
        return asyncio.run(_serve(host, spec.name, slot, slot_dir, port, publish))
    finally:
        lock.release()


async def _serve(host: Host, name: str, slot: int, slot_dir: Path, port: int, publish: Publish | None) -> int:
    app = FlowApp(host, name, slot, port, slot_dir / "faust", publish)
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    await host.prepare()
    await app.start()
    log.info("worker started")
    # Its death leaves the journal as it is: the record that hangs is found as one that crashes is.
    watchdog = Watchdog(exit_now, LOOP_STANDS_S)
    watchdog.start()
    beating = asyncio.create_task(beat(watchdog, 1.0))
    waiting = asyncio.create_task(asked.wait())
    complaints = (Complaints(host.progress.complaint, "healthy"), Complaints(host.progress.long_wait, "ready"))
    looked = time.monotonic()
    while not waiting.done() and not app.should_stop:  # a crash of the app sets a flag that cannot be awaited with it
        await asyncio.wait({waiting}, timeout=0.2)
        if time.monotonic() - looked >= 1.0:
            looked = time.monotonic()
            for each in complaints:
                each.look()
    waiting.cancel()
    beating.cancel()
    watchdog.stop()
    crash = app.crash_reason
    if crash is not None:
        log.critical("worker stops, its batch is uncommitted: %s", crash)
    await app.stop()
    await host.close()
    log.info("worker stopped")
    return 1 if crash is not None else 0
