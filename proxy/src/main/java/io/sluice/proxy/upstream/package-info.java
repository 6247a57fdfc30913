/**
 * The way up: who calls and what is wanted in, one byte channel out.
 *
 * <p>Picks an endpoint, has it decided, dials it by a socket inside the pod's network namespace, by
 * a stream of a shared connection, or by asking the inbound side of another pod of this node. Knows
 * nothing of who asks: a connection today. Start reading at {@link
 * io.sluice.proxy.upstream.Upstream}.
 */
@NullMarked
package io.sluice.proxy.upstream;

import org.jspecify.annotations.NullMarked;
