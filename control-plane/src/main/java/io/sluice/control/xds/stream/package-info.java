/**
 * Envoy's discovery protocol as clients speak it: one stream each, in either variant, with what
 * they ask for and what they answered. A client is told when it has answered and its connection
 * takes more, and then of the newest; there are no queues.
 *
 * <p>What is told is made in {@link io.sluice.control.xds.translate}. Start reading at {@link
 * io.sluice.control.xds.stream.XdsStreams}.
 */
@NullMarked
package io.sluice.control.xds.stream;

import org.jspecify.annotations.NullMarked;
