/**
 * Finds the network namespaces of pods that run on this node, by the cgroups that their runtime put
 * the processes in, and by cookie.
 *
 * <p>Only reads; what is found may be gone a moment later, so everything is opened and then checked
 * again. Start reading at {@link io.sluice.node.placement.PodNamespaces}.
 */
@NullMarked
package io.sluice.node.placement;

import org.jspecify.annotations.NullMarked;
