/**
 * Sockets that the proxy opens, until they are used or given up.
 *
 * <p>Knows nothing of what they are for: plain connections and connections of many streams begin
 * alike. Everything runs on one event loop. Start reading at {@link
 * io.sluice.proxy.socket.PendingSocket}.
 */
@NullMarked
package io.sluice.proxy.socket;

import org.jspecify.annotations.NullMarked;
