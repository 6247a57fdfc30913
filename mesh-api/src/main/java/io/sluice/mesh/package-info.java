/**
 * The mesh as immutable values: workloads, services, permissions, settings, and the snapshot that
 * holds them at one instant; and what they are as messages to other processes.
 *
 * <p>Owns no I/O; but for the codecs, which know the messages, it knows no library. Values check
 * themselves once, when made. Equal objects have equal bytes, and so equal versions on every
 * replica. Whatever comes in is bounded by {@link io.sluice.mesh.WireLimits}; what cannot be used
 * fails with {@link io.sluice.mesh.UnusableResourceException}, which names it. Start reading at
 * {@link io.sluice.mesh.Kind} and {@link io.sluice.mesh.MeshSnapshot}.
 */
@NullMarked
package io.sluice.mesh;

import org.jspecify.annotations.NullMarked;
