/**
 * The data path: listeners that live inside pods' network namespaces, verdicts, forwarding.
 *
 * <p>Knows the mesh model and Netty, nothing of Linux beyond descriptors: who opened a connection
 * and where it was going is asked of {@link io.sluice.proxy.PodSockets}. Must not block on an event
 * loop nor fetch anything. Start reading at {@link io.sluice.proxy.Proxy}, then {@code Admission}
 * and {@code Relay}.
 */
@NullMarked
package io.sluice.proxy;

import org.jspecify.annotations.NullMarked;
