/**
 * Which of several controllers of a cluster does what only one may do: the holder of a Lease of
 * {@code coordination.k8s.io}.
 *
 * <p>Decides by its own monotonic clock alone; the times in the Lease are for people. Start reading
 * at {@link io.sluice.control.lease.WriterLease}.
 */
@NullMarked
package io.sluice.control.lease;

import org.jspecify.annotations.NullMarked;
