/**
 * Joins two byte channels: half-close, reset, back-pressure, buffer memory, silence.
 *
 * <p>Knows neither who calls nor how an end was reached; a channel is a socket, a stream of a
 * shared connection or an end of a pipe within the process. Everything runs on one event loop.
 * Start reading at {@link io.sluice.proxy.relay.Relay}.
 */
@NullMarked
package io.sluice.proxy.relay;

import org.jspecify.annotations.NullMarked;
