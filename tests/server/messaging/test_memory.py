"""The bus of one process: bounded, never blocking, no call lost."""

import asyncio

from podium.server.messaging.memory import MemoryBus


async def test_every_present_listener_gets_every_message_in_order() -> None:
    """One that comes later gets what is published from then on."""
    bus = MemoryBus()
    async with bus.subscribe("topic", 10) as early:
        bus.publish("topic", [1, 2])
        async with bus.subscribe("topic", 10) as late:
            bus.publish("topic", [3])
            bus.publish("another", [4])
            assert [await early.get() for _ in range(3)] == [1, 2, 3]
            assert late.take() == [3]
        bus.publish("topic", [5])
        assert early.take() == [5]


async def test_a_listener_that_is_too_slow_loses_the_newest() -> None:
    """Nothing grows without bound, and it can tell how much it missed."""
    bus = MemoryBus()
    async with bus.subscribe("topic", 2) as slow:
        bus.publish("topic", range(5))
        assert slow.take() == [0, 1]
        assert slow.dropped == 3
        bus.publish("topic", [6])
        assert await slow.get() == 6


async def test_what_is_not_accepted_takes_no_room() -> None:
    """So that one rare message is not lost among many of no interest."""
    bus = MemoryBus()
    async with bus.subscribe("topic", 1, lambda number: number == 99) as choosy:
        bus.publish("topic", range(100))
        assert choosy.take() == [99]
        assert choosy.dropped == 0


async def test_a_broken_listener_does_not_harm_the_others() -> None:
    """Nor the one who publishes."""
    bus = MemoryBus()

    def broken(message: object) -> bool:
        raise ValueError(message)

    async with bus.subscribe("topic", 5, broken), bus.subscribe("topic", 5) as sound:
        bus.publish("topic", [1])
        assert sound.take() == [1]


async def test_a_call_wakes_who_waits() -> None:
    """One of them, and at once."""
    bus = MemoryBus()
    waits = [asyncio.create_task(bus.wait("name", 5)) for _ in range(2)]
    await asyncio.sleep(0)
    bus.wake("name")
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=1)
    assert [task.result() for task in done] == [True]
    assert len(pending) == 1
    bus.wake("name")
    assert await pending.pop()


async def test_a_call_that_nobody_waited_for_is_kept() -> None:
    """Work that came while its consumer was busy is seen at its next wait; many calls are one."""
    bus = MemoryBus()
    bus.wake("name")
    bus.wake("name")
    assert await bus.wait("name", 1)
    assert not await bus.wait("name", 0.01)
    bus.wake("other")
    assert not await bus.wait("name", 0.01)
