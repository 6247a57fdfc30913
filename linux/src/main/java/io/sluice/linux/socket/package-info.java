/**
 * Sockets as file descriptors: made inside a pod's namespace, then handed to the event loop.
 *
 * <p>Whoever gets a descriptor closes it. Listeners and TCP sockets are non-blocking and
 * close-on-exec from birth, because their next owner will not set this.
 */
@NullMarked
package io.sluice.linux.socket;

import org.jspecify.annotations.NullMarked;
