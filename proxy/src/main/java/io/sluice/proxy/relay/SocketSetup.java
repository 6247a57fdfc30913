package io.sluice.proxy.relay;

import io.netty.buffer.ByteBufAllocator;
import java.util.function.Consumer;

/**
 * What the sockets of one pod have in common.
 *
 * @param allocator of what is read
 * @param readSizes how much is read at a time
 * @param failures hears of errors of ours, on the event loop
 */
public record SocketSetup(
    ByteBufAllocator allocator, ReadSizes readSizes, Consumer<Throwable> failures) {}
