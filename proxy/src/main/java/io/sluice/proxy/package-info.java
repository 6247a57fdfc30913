/**
 * What the data path is given and what it tells: settings, the pods' sockets, records.
 *
 * <p>The path of a connection is the packages below: {@code accept}, {@code decide}, {@code
 * upstream}, {@code relay}, over {@code hbone} and {@code tls}. They know the mesh model and Netty,
 * nothing of Linux beyond descriptors, and never block an event loop. Start reading at {@link
 * io.sluice.proxy.PodSockets}; {@code accept.Proxy} is the entry.
 */
@NullMarked
package io.sluice.proxy;

import org.jspecify.annotations.NullMarked;
