/**
 * What the controller's two TLS servers share: which certificate a handshake is given, and which it
 * takes.
 */
@NullMarked
package io.sluice.control.tls;

import org.jspecify.annotations.NullMarked;
