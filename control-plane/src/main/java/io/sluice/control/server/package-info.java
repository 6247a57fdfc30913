/**
 * The control port: gRPC services over TLS, with the bounds of everything that a stranger or a
 * broken node can do. Decides nothing about who may have what.
 *
 * <p>Start reading at {@link io.sluice.control.server.ControlServer}.
 */
@NullMarked
package io.sluice.control.server;

import org.jspecify.annotations.NullMarked;
