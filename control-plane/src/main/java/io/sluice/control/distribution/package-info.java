/**
 * Tells every node what it needs of the newest snapshot, as differences to what it has.
 *
 * <p>Each object is encoded once and shared by all nodes; what a node needs are two persistent maps
 * ({@link io.sluice.control.distribution.NodeResources}), which a change edits ({@link
 * io.sluice.control.distribution.ResourceSets}). A node has one stream, at most one change in
 * flight, and no queue: what comes next is made of the newest snapshot when the node has answered.
 * Start reading at {@link io.sluice.control.distribution.Distribution}.
 */
@NullMarked
package io.sluice.control.distribution;

import org.jspecify.annotations.NullMarked;
