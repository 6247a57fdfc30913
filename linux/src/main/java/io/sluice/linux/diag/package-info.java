/**
 * The kernel's table of TCP sockets, by sock_diag(7): who is connected to whom inside a network
 * namespace, and the power to end such a connection.
 *
 * <p>Messages of netlink(7) are made and read in {@code DiagMessages} and never leave the package.
 * Start reading at {@link io.sluice.linux.diag.TcpSockets}.
 */
@NullMarked
package io.sluice.linux.diag;

import org.jspecify.annotations.NullMarked;
