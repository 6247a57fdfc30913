/**
 * What streams to nodes and to other clients have in common: when to send, and how they end.
 *
 * <p>Start reading at {@link io.sluice.control.streaming.Outgoing}.
 */
@NullMarked
package io.sluice.control.streaming;

import org.jspecify.annotations.NullMarked;
