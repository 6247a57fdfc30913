/**
 * The door: listeners inside pods' network namespaces, and each connection from its accept to its
 * record.
 *
 * <p>Finds out what arrived and who calls, asks {@code upstream}, and gives both channels to {@code
 * relay}. Start reading at {@link io.sluice.proxy.accept.Proxy}, then {@code Acceptor} and {@code
 * Arrival}.
 */
@NullMarked
package io.sluice.proxy.accept;

import org.jspecify.annotations.NullMarked;
