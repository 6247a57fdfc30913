/**
 * Who gets how much of what is bounded: places of handshakes, connections, buffer memory. The rules
 * are about sources and numbers only; what is counted, and what a refusal means, is the caller's.
 * Start at {@link io.sluice.proxy.limits.Share}.
 */
@NullMarked
package io.sluice.proxy.limits;

import org.jspecify.annotations.NullMarked;
