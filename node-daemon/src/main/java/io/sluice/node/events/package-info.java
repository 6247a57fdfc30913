/**
 * What happened to flows on this node, as people read it: the bounded log of events and the access
 * log.
 *
 * <p>Writers never block on a reader. Start reading at {@link io.sluice.node.events.EventLog}.
 */
@NullMarked
package io.sluice.node.events;

import org.jspecify.annotations.NullMarked;
