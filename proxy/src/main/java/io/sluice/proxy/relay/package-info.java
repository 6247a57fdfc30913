/**
 * Joins two byte channels: half-close, reset, back-pressure, buffer memory, silence.
 *
 * <p>Knows neither who calls nor how an end was reached; a channel is a socket or a stream of a
 * shared connection. Everything runs on one event loop. Start reading at {@link
 * io.sluice.proxy.relay.Relay}.
 */
@NullMarked
package io.sluice.proxy.relay;

import org.jspecify.annotations.NullMarked;
