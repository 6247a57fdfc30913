/**
 * What a controller tells a node as bytes and back: between the model ({@code io.sluice.mesh}) and
 * the messages of {@code sluice.resources.v1}, in Envoy's resources.
 *
 * <p>Pure functions, without I/O. Equal objects have equal bytes, and so equal versions on every
 * replica. Whatever comes in is bounded by {@link io.sluice.wire.WireLimits}; what cannot be used
 * fails with {@link io.sluice.wire.UnusableResourceException}, which names it. Start reading at
 * {@link io.sluice.wire.ResourceEncoder}.
 */
@NullMarked
package io.sluice.wire;

import org.jspecify.annotations.NullMarked;
