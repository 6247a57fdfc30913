package io.sluice.proxy.http;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;
import io.sluice.proxy.limits.BufferBudget;

/**
 * What a codec works with.
 *
 * @param loop of the byte channel; everything happens there
 * @param allocator of what it writes
 * @param limits what the peer may do
 * @param budget that what waits is counted for
 */
record HttpSetup(
    EventLoop loop, ByteBufAllocator allocator, HttpLimits limits, BufferBudget budget) {}
