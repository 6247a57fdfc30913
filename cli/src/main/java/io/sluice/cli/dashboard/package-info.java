/**
 * The page of one node and of its mesh: a server on loopback, which asks admin sockets, or pods of
 * a cluster, for whoever has its token. The page itself is among the resources of this package. It
 * changes nothing. Start at {@link io.sluice.cli.dashboard.Dashboard}.
 */
@NullMarked
package io.sluice.cli.dashboard;

import org.jspecify.annotations.NullMarked;
