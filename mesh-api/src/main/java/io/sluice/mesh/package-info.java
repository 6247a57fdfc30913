/**
 * The mesh as immutable values: workloads, services, permissions, settings, and the snapshot that
 * holds them at one instant.
 *
 * <p>Owns no I/O and knows no library. Values check themselves once, when made. Start reading at
 * {@link io.sluice.mesh.MeshSnapshot}.
 */
@NullMarked
package io.sluice.mesh;

import org.jspecify.annotations.NullMarked;
