package io.sluice.proxy.relay;

import io.netty.buffer.ByteBufAllocator;
import java.util.function.Consumer;

/**
 * What the sockets of one pod have in common.
 *
 * @param allocator of what is read
 * @param readSizes how much is read at a time
 * @param keepAlive of what was opened here and lasts; a listener gives its own to what it accepts
 * @param failures hears of errors of ours, on the event loop
 */
public record SocketSetup(
    ByteBufAllocator allocator,
    ReadSizes readSizes,
    KeepAlive keepAlive,
    Consumer<Throwable> failures) {}
