/**
 * HBONE: TCP connections as HTTP/2 CONNECT streams over mutual TLS, server and client.
 *
 * <p>Knows TLS identities and Netty, nothing of policy or of pods: who may connect is decided
 * behind {@link io.sluice.proxy.hbone.HboneServer.Requests}, sockets come from whoever makes the
 * pool. Must not block. Every buffer is bounded by a flow-control window or a water mark. Start
 * reading at {@link io.sluice.proxy.hbone.HboneServer} and {@link io.sluice.proxy.hbone.HbonePool};
 * {@code docs/hbone.md} has the wire format and the limits.
 */
@NullMarked
package io.sluice.proxy.hbone;

import org.jspecify.annotations.NullMarked;
