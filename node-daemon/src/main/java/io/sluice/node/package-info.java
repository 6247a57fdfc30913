/**
 * The node daemon put together: interception, proxy, enrolment, events, metrics and admin socket.
 *
 * <p>Assembles and decides nothing itself. Start reading at {@link io.sluice.node.NodeDaemon}.
 */
@NullMarked
package io.sluice.node;

import org.jspecify.annotations.NullMarked;
