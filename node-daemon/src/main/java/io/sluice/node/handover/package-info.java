/**
 * How one daemon of a node takes the place of another without a connection refused: listeners and
 * certificates go over a socket that only root can open.
 */
@NullMarked
package io.sluice.node.handover;

import org.jspecify.annotations.NullMarked;
