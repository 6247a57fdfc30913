/**
 * What happened to flows on this node, as people read it: the bounded log of events, the access log
 * with the collectors that are sent its lines, and who watches.
 *
 * <p>Writers never block on a reader. Start reading at {@link io.sluice.node.events.EventLog}, and
 * of lines at {@link io.sluice.node.events.AccessLogs}.
 */
@NullMarked
package io.sluice.node.events;

import org.jspecify.annotations.NullMarked;
