/**
 * Control groups, version 2: finding the root that covers the whole node, ids, and moving
 * processes.
 *
 * <p>Cgroups made by Sluice serve its own processes and its probes; those of pods belong to the
 * kubelet and are only read.
 */
@NullMarked
package io.sluice.linux.cgroup;

import org.jspecify.annotations.NullMarked;
