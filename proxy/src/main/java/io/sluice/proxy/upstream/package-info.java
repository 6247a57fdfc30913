/**
 * The way up: who calls and what is wanted in, one byte channel out.
 *
 * <p>Picks an endpoint, has it decided, dials it by a socket inside the pod's network namespace or
 * by a stream of a shared connection. Knows nothing of who asks: a connection today. Start reading
 * at {@link io.sluice.proxy.upstream.Upstream}.
 */
@NullMarked
package io.sluice.proxy.upstream;

import org.jspecify.annotations.NullMarked;
