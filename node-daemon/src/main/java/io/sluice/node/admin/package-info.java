/**
 * The admin socket: how the debug commands ask a running daemon.
 *
 * <p>One request a connection: a JSON line in, JSON lines out. The socket is for root alone. Start
 * reading at {@link io.sluice.node.admin.AdminServer}.
 */
@NullMarked
package io.sluice.node.admin;

import org.jspecify.annotations.NullMarked;
