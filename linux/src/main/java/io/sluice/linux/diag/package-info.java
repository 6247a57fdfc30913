/**
 * The kernel's tables of TCP, UDP and UDP-Lite sockets, by sock_diag(7): who is connected to whom
 * inside a network namespace, and the power to end such a connection.
 *
 * <p>Messages of netlink(7) are made and read in {@code DiagMessages} and never leave the package.
 * Start reading at {@link io.sluice.linux.diag.InetSockets}.
 */
@NullMarked
package io.sluice.linux.diag;

import org.jspecify.annotations.NullMarked;
