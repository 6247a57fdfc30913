/**
 * Network namespaces: opening, comparing, and running code inside them.
 *
 * <p>A namespace belongs to an OS thread, so nothing here runs on virtual threads. Start at {@link
 * io.sluice.linux.netns.NetworkNamespaces}; {@link io.sluice.linux.netns.NetnsThread} is for
 * callers that are on a virtual thread or an event loop.
 */
@NullMarked
package io.sluice.linux.netns;

import org.jspecify.annotations.NullMarked;
