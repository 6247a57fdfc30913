/**
 * What a node says to the controller about identity: one gRPC connection with mutual TLS 1.3.
 *
 * <p>Calls block and belong on virtual threads; when to call again is decided by the caller. Start
 * reading at {@link io.sluice.node.identity.control.ControllerClient}.
 */
@NullMarked
package io.sluice.node.identity.control;

import org.jspecify.annotations.NullMarked;
